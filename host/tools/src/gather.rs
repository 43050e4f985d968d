//! Filling an output with the flows of recordings.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use recording::{Details, Exchange, FlowFile, FlowFrame, RESPONSE_PIECES};

use super::{
    FlowSink, FlowsError, Writers, console::Console, input, measure, output::Output, rebuilt::Rebuilder, text,
};

/// The format of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    FlowFile,
    Har,
}

impl Format {
    /// The format that the name of an output asks for.
    pub(super) fn of(path: &Path) -> Self {
        if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("har")) {
            Self::Har
        } else {
            Self::FlowFile
        }
    }
}

/// An output that flows are put into. In a flow file they are copied if they come from one, and otherwise written anew.
pub(super) struct Gathering<'w> {
    output: Output,
    writers: &'w dyn Writers,
    copies: BufWriter<std::fs::File>,
    /// The sink of a HAR file, or that of the recording that is read just now.
    sink: Option<Box<dyn FlowSink>>,
    format: Format,
    flows: usize,
}

impl<'w> Gathering<'w> {
    /// Starts with an empty output, in the format that its name asks for.
    pub(super) fn new(output: Output, writers: &'w dyn Writers) -> Result<Self, FlowsError> {
        let format = Format::of(output.path());
        let sink = match format {
            Format::FlowFile => None,
            Format::Har => Some(writers.har(output.shared()?).map_err(|source| output.failed(source))?),
        };
        let copies = BufWriter::new(output.shared()?);
        Ok(Self { output, writers, copies, sink, format, flows: 0 })
    }

    /// The format of the output.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// Puts all flows of a recording in, and warns of those that it cannot put in.
    pub(super) fn all_of(&mut self, path: &Path, console: &mut Console<'_>) -> Result<(), FlowsError> {
        if self.format == Format::FlowFile
            && let Some(flow_file) = FlowFile::open(path)?
        {
            return self.all_frames(path, &flow_file, console);
        }
        let recording = input::open(path, console)?;
        let flow_file = recording.flow_file()?;
        let rebuilder = Rebuilder::new(&recording)?;
        let mut noted = 0;
        input::walk(&recording, flow_file.as_ref(), &mut |flow| match flow.exchange {
            Some(exchange) if !flow.is_continuation() => {
                noted += usize::from(flow.details.as_ref().is_some_and(has_notes));
                self.exchange(exchange, flow.details.as_ref(), &rebuilder)
            }
            _ => Ok(()),
        })?;
        warn_of_notes(noted, path, console);
        self.end_recording()
    }

    /// Copies a flow.
    pub(super) fn frame(&mut self, flow_file: &FlowFile, frame: &FlowFrame) -> Result<(), FlowsError> {
        self.flows += 1;
        self.range(flow_file, frame.offset, frame.len)
    }

    /// Writes an exchange anew.
    pub(super) fn exchange(
        &mut self,
        exchange: &Exchange,
        details: Option<&Details>,
        rebuilder: &Rebuilder,
    ) -> Result<(), FlowsError> {
        self.flows += 1;
        let flow = rebuilder.flow(exchange, details);
        if self.sink.is_none() {
            self.sink = Some(self.new_sink().map_err(|source| self.output.failed(source))?);
        }
        match &mut self.sink {
            Some(sink) => sink.write(&flow).map_err(|source| self.output.failed(source)),
            None => Ok(()),
        }
    }

    /// Writes what is left of one recording, before the next one comes.
    pub(super) fn end_recording(&mut self) -> Result<(), FlowsError> {
        if self.format == Format::Har {
            return Ok(());
        }
        match self.sink.take() {
            Some(mut sink) => sink.finish().map_err(|source| self.output.failed(source)),
            None => Ok(()),
        }
    }

    /// Puts the output at its place, and says how many flows it has.
    pub(super) fn commit(mut self, console: &mut Console<'_>) -> Result<(), FlowsError> {
        let finished = self.copies.flush().and_then(|()| match &mut self.sink {
            Some(sink) => sink.finish(),
            None => Ok(()),
        });
        finished.map_err(|source| self.output.failed(source))?;
        let path = self.output.path().to_owned();
        self.output.commit()?;
        console.print(format_args!("{}: {}", text::path(&path), measure::count(self.flows, "flow")))
    }

    /// Copies the whole flows of a flow file, which stand one after the other.
    fn all_frames(&mut self, path: &Path, flow_file: &FlowFile, console: &mut Console<'_>) -> Result<(), FlowsError> {
        let mut frames = flow_file.frames();
        let mut end = 0;
        while let Some(frame) = frames.advance()? {
            end = frame.offset + frame.len;
            self.flows += 1;
        }
        if let Some(tail) = frames.broken_tail() {
            console.warn(format_args!("`{}`: left out: {}", text::path(path), text::line(&tail.to_string())));
        }
        self.range(flow_file, 0, end)
    }

    fn range(&mut self, flow_file: &FlowFile, offset: u64, len: u64) -> Result<(), FlowsError> {
        let copied = flow_file.copy(offset, len, &mut self.copies);
        Ok(copied.map_err(|source| self.output.failed(source))??)
    }

    /// A sink behind what was copied.
    fn new_sink(&mut self) -> io::Result<Box<dyn FlowSink>> {
        self.copies.flush()?;
        self.writers.flow_file(self.output.file().try_clone()?)
    }
}

/// Whether somebody or some program wrote something about a flow that is not in what passed.
pub(super) fn has_notes(details: &Details) -> bool {
    let own = |line: &str| line.starts_with(RESPONSE_PIECES);
    let notes = [&details.marker, &details.comment, &details.replayed];
    notes.iter().any(|note| !note.is_empty()) || details.metadata.lines().any(|line| !own(line))
}

/// Says that what was noted about so many flows is not written with them.
pub(super) fn warn_of_notes(flows: usize, path: &Path, console: &mut Console<'_>) {
    if flows > 0 {
        let flows = measure::count(flows, "flow");
        console.warn(format_args!("`{}`: left out: marks, comments and metadata of {flows}", text::path(path)));
    }
}
