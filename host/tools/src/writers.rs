//! Where flows are written that cannot be copied.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
};

use recording::{Flow, HarFile, Source, write_flow};

/// Writes flows one after the other in some format.
pub trait FlowSink {
    /// Writes a flow.
    ///
    /// # Errors
    /// When the file does not take it, or when its bodies can no longer be read.
    fn write(&mut self, flow: &Flow<Source>) -> io::Result<()>;

    /// Writes what is left to write. Nothing is written after that.
    ///
    /// # Errors
    /// When the file does not take it.
    fn finish(&mut self) -> io::Result<()>;
}

/// Makes the sinks of the formats.
pub trait Writers {
    /// A sink that goes on where the file stands, which may be behind other flows.
    ///
    /// # Errors
    /// When the file does not take what comes first.
    fn flow_file(&self, file: File) -> io::Result<Box<dyn FlowSink>>;

    /// A sink for an empty file.
    ///
    /// # Errors
    /// When the file does not take what comes first.
    fn har(&self, file: File) -> io::Result<Box<dyn FlowSink>>;
}

/// The formats that recordings are written in.
#[derive(Debug)]
pub struct RecordingWriters;

impl Writers for RecordingWriters {
    fn flow_file(&self, file: File) -> io::Result<Box<dyn FlowSink>> {
        Ok(Box::new(Records(BufWriter::new(file))))
    }

    fn har(&self, file: File) -> io::Result<Box<dyn FlowSink>> {
        Ok(Box::new(Entries(HarFile::create(file)?)))
    }
}

/// Flows as records of a flow file.
struct Records(BufWriter<File>);

impl FlowSink for Records {
    fn write(&mut self, flow: &Flow<Source>) -> io::Result<()> {
        write_flow(flow, &mut self.0)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Flows as entries of a HAR file, which is whole after each.
struct Entries(HarFile);

impl FlowSink for Entries {
    fn write(&mut self, flow: &Flow<Source>) -> io::Result<()> {
        self.0.write(flow)
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}
