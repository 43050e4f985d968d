//! Recordings and the index over them, shared by all instances of an addon.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tracing::info;

use recording::{Manner, OnDifference, Pace, Progress, Recording, Turn};
use wasmtime::component::Resource;

use super::RecordedFlows;
use crate::addon::{
    bindings::proxyhost::addon::{index, recordings},
    handles::{RequestHandle, ResponseHandle},
    options::Value,
    state::State,
};

/// An addon's recordings, and its table from keys to ids.
#[derive(Debug, Default)]
pub struct Library {
    recordings: Vec<Arc<RecordedFlows>>,
    /// For each id: which recording, and which exchange of it.
    places: Vec<(usize, usize)>,
    index: HashMap<Box<[u8]>, Entry>,
}

#[derive(Debug, Default)]
struct Entry {
    ids: Vec<u32>,
    taken: AtomicU64,
}

impl Library {
    fn place(&self, id: u32) -> Option<(&Arc<RecordedFlows>, usize)> {
        let &(recording, exchange) = self.places.get(id as usize)?;
        Some((self.recordings.get(recording)?, exchange))
    }
}

/// A library that is being filled. Nobody else sees it yet.
#[derive(Debug, Default)]
pub struct LibraryBuilder(Library);

impl LibraryBuilder {
    /// What it holds so far.
    pub fn library(&self) -> &Library {
        &self.0
    }

    /// The filled library.
    pub fn finish(self) -> Library {
        self.0
    }
}

impl State {
    /// Whether one of the addon's options names a file.
    fn is_granted(&self, file: &String) -> bool {
        self.shared.options.values().any(|value| match value {
            Value::Texts(files) => files.contains(file),
            _ => false,
        })
    }
}

impl recordings::Host for State {
    fn exists(&mut self, file: String) -> wasmtime::Result<bool> {
        Ok(self.is_granted(&file) && Path::new(&file).exists())
    }

    fn load(&mut self, file: String) -> wasmtime::Result<Result<recordings::Loaded, String>> {
        let granted = self.is_granted(&file);
        let addon = self.shared.name.clone();
        let Some(building) = &mut self.building else {
            return Ok(Err("recordings can only be loaded while the addon is configured".to_owned()));
        };
        if !granted {
            return Ok(Err(format!("cannot open recording `{file}`: no option of the addon names it")));
        }
        let recording = match Recording::open(Path::new(&file), &mut show_progress(&addon, &file)) {
            Ok(recording) => recording,
            Err(error) => return Ok(Err(oneline::chain(&error))),
        };
        let library = &mut building.0;
        let before = library.places.len();
        let position = library.recordings.len();
        library.places.extend((0..recording.exchanges().len()).map(|exchange| (position, exchange)));
        let loaded = recordings::Loaded {
            exchanges: u32::try_from(library.places.len() - before).unwrap_or(u32::MAX),
            skipped: recording.skipped().reasons(),
            damage: recording.warning().map(ToString::to_string),
        };
        library.recordings.push(Arc::new(RecordedFlows::new(recording)));
        Ok(Ok(loaded))
    }

    fn size(&mut self) -> wasmtime::Result<u32> {
        Ok(u32::try_from(self.library().places.len()).unwrap_or(u32::MAX))
    }

    fn describe(&mut self, id: u32) -> wasmtime::Result<Option<recordings::Exchange>> {
        Ok(self.library().place(id).and_then(|(recording, position)| {
            let exchange = recording.recording().exchanges().get(position)?;
            Some(recordings::Exchange {
                file: recording.recording().path().display().to_string(),
                number: u32::try_from(exchange.number).unwrap_or(u32::MAX),
                answered: exchange.is_answered() || exchange.is_playable(),
                websocket: exchange.is_websocket,
                recorded_at: exchange
                    .response
                    .as_ref()
                    .map_or(exchange.request.started_at, |response| response.started_at),
            })
        }))
    }

    fn recorded_request(&mut self, id: u32) -> wasmtime::Result<Option<Resource<RequestHandle>>> {
        let request = self.library().place(id).and_then(|(recording, position)| recording.request(position));
        request.map(|request| Ok(self.table.push(RequestHandle { request, read_only: true })?)).transpose()
    }

    fn recorded_response(
        &mut self,
        id: u32,
        pace: recordings::Pace,
    ) -> wasmtime::Result<Option<Resource<ResponseHandle>>> {
        let found = self.library().place(id);
        let response = found.and_then(|(recording, position)| recording.response(position, pace.into()));
        response.map(|response| Ok(self.table.push(ResponseHandle { response, wrong_status: None })?)).transpose()
    }

    fn recorded_websocket(
        &mut self,
        id: u32,
        request: Resource<RequestHandle>,
        pace: recordings::Pace,
        turn: recordings::Turn,
        difference: recordings::Difference,
    ) -> wasmtime::Result<Option<Resource<ResponseHandle>>> {
        let request = self.table.get(&request)?.request.clone();
        let Some((recording, position)) = self.library().place(id) else { return Ok(None) };
        let manner = Manner { pace: pace.into(), turn: turn.into(), on_difference: difference.into() };
        let response = recording.websocket(position, &request, manner);
        response.map(|response| Ok(self.table.push(ResponseHandle { response, wrong_status: None })?)).transpose()
    }
}

impl From<recordings::Pace> for Pace {
    fn from(pace: recordings::Pace) -> Self {
        match pace {
            recordings::Pace::AtOnce => Self::AtOnce,
            recordings::Pace::Recorded(factor) => Self::Recorded(factor),
            recordings::Pace::Delayed(milliseconds) => Self::Delayed(Duration::from_millis(milliseconds.into())),
        }
    }
}

impl From<recordings::Turn> for Turn {
    fn from(turn: recordings::Turn) -> Self {
        match turn {
            recordings::Turn::Timed => Self::Timed,
            recordings::Turn::Requested => Self::Requested,
        }
    }
}

impl From<recordings::Difference> for OnDifference {
    fn from(difference: recordings::Difference) -> Self {
        match difference {
            recordings::Difference::Ignore => Self::Ignore,
            recordings::Difference::Drop => Self::Drop,
            recordings::Difference::Close => Self::Close,
        }
    }
}

/// Says how far a long load has come, once a second.
fn show_progress(addon: &str, file: &str) -> impl FnMut(Progress) {
    let mut shown = Instant::now();
    move |progress| {
        if shown.elapsed().as_secs() >= 1 && progress.read_bytes < progress.total_bytes {
            shown = Instant::now();
            let percent = progress.read_bytes * 100 / progress.total_bytes.max(1);
            info!(addon, file, flows = progress.flows, "loading: {percent} %");
        }
    }
}

impl index::Host for State {
    fn put(&mut self, key: Vec<u8>, id: u32) -> wasmtime::Result<()> {
        let Some(building) = &mut self.building else {
            return Err(wasmtime::format_err!("the index can only be filled while the addon is configured"));
        };
        building.0.index.entry(key.into_boxed_slice()).or_default().ids.push(id);
        Ok(())
    }

    fn size(&mut self, key: Vec<u8>) -> wasmtime::Result<u32> {
        let entry = self.library().index.get(key.as_slice());
        Ok(entry.map_or(0, |entry| u32::try_from(entry.ids.len()).unwrap_or(u32::MAX)))
    }

    fn at(&mut self, key: Vec<u8>, position: u32) -> wasmtime::Result<Option<u32>> {
        let entry = self.library().index.get(key.as_slice());
        Ok(entry.and_then(|entry| entry.ids.get(position as usize)).copied())
    }

    fn next(&mut self, key: Vec<u8>) -> wasmtime::Result<Option<u64>> {
        let entry = self.library().index.get(key.as_slice());
        Ok(entry.map(|entry| entry.taken.fetch_add(1, Ordering::Relaxed)))
    }
}
