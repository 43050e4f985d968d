//! From a path to the flows of a recording: which reader reads what.
//!
//! `documents` reads files that are JSON, with `walk` for the document around the items; `zipped` finds documents in a zip
//! archive and `folder` those of WireMock in a folder. `complete` does what no format has of its own.

use std::{fs::File, path::Path};

use crate::{
    document::Packing,
    flow_file,
    reading::{self, Flows, Format, Progress, RecordingError, Signature, Window},
};

mod complete;
mod documents;
mod folder;
mod walk;
mod zipped;

/// What was read, and of which file.
pub(crate) struct Loaded {
    pub(crate) file: File,
    pub(crate) format: Format,
    pub(crate) flows: Flows,
}

/// Reads the recording at `path`, which is a file, or a folder of WireMock's.
pub(crate) fn load(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Loaded, RecordingError> {
    let mut loaded = read(path, progress)?;
    loaded.flows.exchanges.iter_mut().for_each(complete::complete);
    Ok(loaded)
}

fn read(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Loaded, RecordingError> {
    if path.is_dir() {
        let file = File::open(path).map_err(|source| RecordingError::Open { path: path.into(), source })?;
        let (format, flows) = folder::load(path, progress)?;
        return Ok(Loaded { file, format, flows });
    }
    let (file, size) = reading::open(path)?;
    // What a recorder leaves behind that has seen no flow.
    if size == 0 {
        let flows = flow_file::load(path, Window::new(&file, size), progress)?;
        return Ok(Loaded { file, format: Format::FlowFile, flows });
    }
    let mut window = Window::new(&file, size);
    let (signature, first) = Signature::read(path, &mut window)?;
    let (format, flows) = match signature {
        Signature::FlowFile => (Format::FlowFile, flow_file::load(path, window, progress)?),
        Signature::Json => documents::load(path, &file, Packing::Plain, progress)?,
        Signature::Gzip => documents::load(path, &file, Packing::Gzip, progress)?,
        Signature::Zlib => documents::load(path, &file, Packing::Zlib, progress)?,
        Signature::Zip => zipped::load(path, &file, progress)?,
        Signature::Utf16 | Signature::Unknown => return Err(signature.refusal(path, &first)),
    };
    Ok(Loaded { file, format, flows })
}
