//! What components write to standard output and standard error: lines of the log.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::{self, AsyncWrite};
use tracing::Level;
use wasmtime_wasi::{
    async_trait,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use super::log::{LINE_BYTES, Log};
use crate::flow::FlowId;

/// The output of one instance.
#[derive(Clone, Debug)]
pub struct Output(Arc<Mutex<Written>>);

#[derive(Debug)]
struct Written {
    log: Arc<Log>,
    flow: Option<FlowId>,
    /// The beginning of a line.
    out: Vec<u8>,
    /// What the current call wrote to standard error: if it fails, the reason.
    error: Vec<u8>,
}

impl Output {
    /// That of an instance whose lines go to this log.
    pub fn new(log: Arc<Log>) -> Self {
        Self(Arc::new(Mutex::new(Written { log, flow: None, out: Vec::new(), error: Vec::new() })))
    }

    /// The stream for standard output.
    pub fn stdout(&self) -> impl StdoutStream + 'static {
        Stream { output: self.clone(), level: Level::INFO }
    }

    /// The stream for standard error.
    pub fn stderr(&self) -> impl StdoutStream + 'static {
        Stream { output: self.clone(), level: Level::WARN }
    }

    /// A call begins, for a flow if there is one.
    pub fn begin(&self, flow: Option<FlowId>) {
        self.lock().flow = flow;
    }

    /// A call has ended well: what it wrote is a part of the log.
    pub fn end(&self) {
        let mut written = self.lock();
        let out = mem::take(&mut written.out);
        written.log_lines(Level::INFO, &out);
        let error = mem::take(&mut written.error);
        written.log_lines(Level::WARN, &error);
    }

    /// A call has failed: what it wrote to standard error last, on one line.
    pub fn last_words(&self) -> String {
        let written = mem::take(&mut self.lock().error);
        String::from_utf8_lossy(&written).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn write(&self, level: Level, bytes: &[u8]) {
        let mut written = self.lock();
        if level == Level::INFO {
            written.out.extend_from_slice(bytes);
            let whole = written.out.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
            let whole = if written.out.len() - whole > LINE_BYTES { written.out.len() } else { whole };
            let lines: Vec<u8> = written.out.drain(..whole).collect();
            written.log_lines(level, &lines);
        } else {
            if written.error.len() + bytes.len() > LINE_BYTES {
                let before = mem::take(&mut written.error);
                written.log_lines(level, &before);
            }
            written.error.extend_from_slice(bytes);
        }
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    fn log_lines(&self, level: Level, lines: &[u8]) {
        for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            self.log.write(self.flow, level, &String::from_utf8_lossy(line.trim_ascii_end()));
        }
    }
}

/// Most bytes that a component writes at once.
const AT_ONCE: usize = LINE_BYTES;

#[derive(Clone)]
struct Stream {
    output: Output,
    level: Level,
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.output.write(self.level, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(AT_ONCE)
    }
}

#[async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.output.write(self.level, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output() -> Output {
        Output::new(Arc::new(Log::new("probe")))
    }

    #[test]
    fn what_is_kept_of_an_endless_line_is_bounded() {
        let output = output();
        for _ in 0..100 {
            output.write(Level::INFO, &[b'a'; AT_ONCE]);
            output.write(Level::WARN, &[b'b'; AT_ONCE]);
        }
        let written = output.lock();
        assert!(written.out.len() <= 2 * LINE_BYTES && written.error.len() <= 2 * LINE_BYTES);
    }

    #[test]
    fn the_reason_of_a_failure_is_what_the_same_call_wrote() {
        let output = output();
        output.begin(None);
        output.write(Level::WARN, b"a warning\n");
        output.end();
        output.begin(None);
        assert_eq!(output.last_words(), "");
        output.write(Level::WARN, b"panicked at src/lib.rs:1:\n  reason\n");
        assert_eq!(output.last_words(), "panicked at src/lib.rs:1: reason");
    }
}
