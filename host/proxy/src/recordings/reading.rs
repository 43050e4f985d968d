//! Recorded exchanges, for components.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use http::header;
use recording::{Exchange, Manner, OnDifference, Pace, Progress, Recording, Turn};
use tracing::info;
use wasmtime::component::Resource;

use super::{
    Library,
    bindings::recordings,
    capability::View,
    composed::{Piece, compose},
    decoded::{Decoded, decode},
    gathered::{Gathered, found_at},
    paced::BrokenEnd,
};
use crate::{
    addon::{
        bindings::proxyhost::addon::messages::Comparison,
        handles::{RequestHandle, ResponseHandle},
    },
    flow::Framing,
};

impl recordings::Host for View<'_> {
    fn exists(&mut self, file: String) -> wasmtime::Result<bool> {
        Ok(self.addon.grants.may_read(&file) && Path::new(&file).exists())
    }

    async fn load(&mut self, file: String) -> wasmtime::Result<Result<recordings::Loaded, String>> {
        if !self.is_configuring {
            return Ok(Err("recordings can only be loaded while the addon is configured".to_owned()));
        }
        if !self.addon.grants.may_read(&file) {
            return Ok(Err(format!(
                "cannot open recording `{file}`: the user set no `files` option of the addon to it"
            )));
        }
        let addon = self.addon.name.clone();
        let recordings = self.recordings()?;
        let (ledger, before) = (recordings.ledger.clone(), recordings.before());
        // Reading gigabytes takes a while, which connections must not wait for.
        let found = tokio::task::spawn_blocking({
            let file = file.clone();
            move || found_at(Path::new(&file))
        });
        let paths = match found.await? {
            Ok(paths) => paths,
            Err(reason) => return Ok(Err(reason)),
        };
        let is_folder = paths.len() != 1 || paths.first().is_some_and(|path| path != Path::new(&file));
        let mut all = Gathered::default();
        for path in paths {
            let (addon, ledger, before) = (addon.clone(), ledger.clone(), before.clone());
            let again = recordings.build(|library| library.times(&path));
            let opened = tokio::task::spawn_blocking(move || {
                let before = before.as_ref().and_then(|before| before.library());
                let mut progress = show_progress(&addon, &path.display().to_string());
                let opened = Library::load(&path, &ledger, before, again, || Recording::open(&path, &mut progress));
                (opened, path)
            });
            match opened.await? {
                (Ok(opened), path) => {
                    all.add(opened.recording(), &path, is_folder);
                    all.exchanges += recordings.build(|library| library.add(opened));
                }
                (Err(error), _) if !is_folder => return Ok(Err(oneline::chain(&error))),
                (Err(error), path) => all.skip(&error, &path),
            }
        }
        Ok(all.finish(&file))
    }

    fn size(&mut self) -> wasmtime::Result<u32> {
        Ok(u32::try_from(self.recordings()?.read(|library| library.len())).unwrap_or(u32::MAX))
    }

    fn describe(&mut self, id: u32) -> wasmtime::Result<Option<recordings::Exchange>> {
        Ok(self.recordings()?.read(|library| {
            let (recording, position) = library.place(id)?;
            let exchange = recording.recording().exchanges().get(position)?;
            Some(recordings::Exchange {
                file: recording.recording().path().display().to_string(),
                number: u32::try_from(exchange.number).unwrap_or(u32::MAX),
                answered: exchange.is_answered() || exchange.is_playable(),
                status: exchange.response.as_ref().map(|response| response.status),
                lacks: exchange.lacks().map(str::to_owned),
                websocket: exchange.is_websocket,
                recorded_at: exchange.recorded_at(),
            })
        }))
    }

    fn recorded_request(&mut self, id: u32) -> wasmtime::Result<Option<Resource<RequestHandle>>> {
        let found = self.recordings()?.read(|library| {
            let (recording, position) = library.place(id)?;
            Some((recording.request(position)?, recording.held_for(position)))
        });
        found.map(|(request, held)| self.handles.give_request(request, held)).transpose()
    }

    fn compared_by(&mut self, id: u32) -> wasmtime::Result<Option<Comparison>> {
        Ok(self.recordings()?.read(|library| {
            let (recording, position) = library.place(id)?;
            let comparison = recording.recording().exchanges().get(position)?.comparison.as_ref()?;
            Some(Comparison {
                media_type: comparison.media_type.to_owned(),
                any_order: comparison.in_any_order,
                at_least: comparison.at_least.as_ref().map(|content| content.to_vec()),
            })
        }))
    }

    fn query_is_least(&mut self, id: u32) -> wasmtime::Result<bool> {
        Ok(self.recordings()?.read(|library| {
            let exchange =
                library.place(id).and_then(|(recording, position)| recording.recording().exchanges().get(position));
            exchange.is_some_and(|exchange| exchange.query_is_least)
        }))
    }

    fn recorded_response(
        &mut self,
        id: u32,
        request: Resource<RequestHandle>,
        pace: recordings::Pace,
    ) -> wasmtime::Result<Option<Resource<ResponseHandle>>> {
        let found = self.recordings()?.read(|library| {
            let (recording, position) = library.place(id)?;
            let response = recording.response(position, pace.into())?;
            recording.note(position, &self.addon.name, self.handles.request(&request).ok()?);
            Some((response, recording.held_for(position)))
        });
        found.map(|(response, held)| self.handles.give_response(response, held)).transpose()
    }

    fn remembered_response(
        &mut self,
        id: u32,
        request: Resource<RequestHandle>,
        pace: recordings::Pace,
    ) -> wasmtime::Result<Option<Resource<ResponseHandle>>> {
        let recordings = self.recordings()?;
        let asked = self.handles.request(&request)?;
        let Some(head) = recordings.heads.of(id, asked.received_at) else { return Ok(None) };
        let found = recordings.read(|library| {
            let (recording, position) = library.place(id)?;
            let mut response = recording.response(position, pace.into())?;
            response.head = head;
            recording.note(position, &self.addon.name, asked);
            Some((response, recording.held_for(position)))
        });
        found.map(|(response, held)| self.handles.give_response(response, held)).transpose()
    }

    fn remember_response(
        &mut self,
        id: u32,
        request: Resource<RequestHandle>,
        response: Resource<ResponseHandle>,
    ) -> wasmtime::Result<()> {
        let received_at = self.handles.request(&request)?.received_at;
        self.recordings()?.heads.remember(id, received_at, &self.handles.response(&response)?.head);
        Ok(())
    }

    fn recorded_answer(&mut self, id: u32) -> wasmtime::Result<Option<Resource<ResponseHandle>>> {
        let found = self.recordings()?.read(|library| {
            let (recording, position) = library.place(id)?;
            Some((recording.response(position, Pace::AtOnce)?, recording.held_for(position)))
        });
        found.map(|(response, held)| self.handles.give_response(response, held)).transpose()
    }

    fn decode(
        &mut self,
        response: Resource<ResponseHandle>,
        codings: Vec<String>,
    ) -> wasmtime::Result<Result<(), String>> {
        let Decoded { body, memory } = match decode(&self.handles.response(&response)?.body, &codings) {
            Ok(decoded) => decoded,
            Err(why) => return Ok(Err(why)),
        };
        let response = self.handles.response_mut(&response, memory)?;
        if body.size() == Some(0) {
            // What a HEAD was told of the coded content.
            Arc::make_mut(&mut response.head).fields.remove(&header::CONTENT_LENGTH);
        }
        response.body = body;
        Ok(Ok(()))
    }

    fn compose(
        &mut self,
        response: Resource<ResponseHandle>,
        pieces: Vec<recordings::Piece>,
    ) -> wasmtime::Result<Result<(), String>> {
        let pieces = pieces.into_iter().map(Piece::from).collect();
        let (body, memory) = match compose(&self.handles.response(&response)?.body, pieces) {
            Ok(composed) => composed,
            Err(why) => return Ok(Err(why)),
        };
        let response = self.handles.response_mut(&response, memory)?;
        (response.body, response.framing) = (body, Framing::Length);
        Ok(Ok(()))
    }

    fn broken(&mut self, id: u32) -> wasmtime::Result<bool> {
        Ok(self.recordings()?.read(|library| {
            let exchange =
                library.place(id).and_then(|(recording, position)| recording.recording().exchanges().get(position));
            exchange.is_some_and(Exchange::is_broken)
        }))
    }

    fn broken_response(
        &mut self,
        id: u32,
        request: Resource<RequestHandle>,
        pace: recordings::Pace,
        end: recordings::BrokenEnd,
    ) -> wasmtime::Result<Option<Resource<ResponseHandle>>> {
        let end = match end {
            recordings::BrokenEnd::Close => BrokenEnd::Close,
            recordings::BrokenEnd::Hold => BrokenEnd::Hold,
        };
        let found = self.recordings()?.read(|library| {
            let (recording, position) = library.place(id)?;
            let response = recording.broken_response(position, pace.into(), end)?;
            recording.note(position, &self.addon.name, self.handles.request(&request).ok()?);
            Some((response, recording.held_for(position)))
        });
        found.map(|(response, held)| self.handles.give_response(response, held)).transpose()
    }

    fn recorded_websocket(
        &mut self,
        id: u32,
        request: Resource<RequestHandle>,
        pace: recordings::Pace,
        turn: recordings::Turn,
        difference: recordings::Difference,
    ) -> wasmtime::Result<Option<Resource<ResponseHandle>>> {
        let request = self.handles.request(&request)?;
        let manner = Manner { pace: pace.into(), turn: turn.into(), on_difference: difference.into() };
        let found = self.recordings()?.read(|library| {
            let (recording, position) = library.place(id)?;
            let response = recording.websocket(position, request, manner)?;
            recording.note(position, &self.addon.name, request);
            Some(response)
        });
        found.map(|response| self.handles.give_response(response, 0)).transpose()
    }
}

/// The largest factor of a recorded time. With it, no time is later than a clock can tell.
const MOST_TIMES: f64 = 1000.0;

impl From<recordings::Pace> for Pace {
    fn from(pace: recordings::Pace) -> Self {
        match pace {
            recordings::Pace::Recorded(factor) if !factor.is_nan() => Self::Recorded(factor.clamp(0.0, MOST_TIMES)),
            recordings::Pace::AtOnce | recordings::Pace::Recorded(_) => Self::AtOnce,
            recordings::Pace::Delayed(milliseconds) => Self::Delayed(Duration::from_millis(milliseconds.into())),
        }
    }
}

impl From<recordings::Piece> for Piece {
    fn from(piece: recordings::Piece) -> Self {
        match piece {
            recordings::Piece::Bytes(bytes) => Self::Bytes(bytes.into()),
            recordings::Piece::Part((offset, len)) => Self::Part { offset, len },
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
fn show_progress(addon: &str, file: &str) -> impl FnMut(Progress) + use<> {
    let (addon, file) = (addon.to_owned(), file.to_owned());
    let mut shown = Instant::now();
    move |progress| {
        if shown.elapsed().as_secs() >= 1 && progress.read_bytes < progress.total_bytes {
            shown = Instant::now();
            let percent = progress.read_bytes.saturating_mul(100) / progress.total_bytes.max(1);
            info!(addon, file, flows = progress.flows, "loading: {percent} %");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_factor_makes_a_time_that_no_clock_can_tell() {
        for factor in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300, f64::MIN_POSITIVE] {
            let pace = Pace::from(recordings::Pace::Recorded(factor));
            // What a recording can say of a piece at most.
            let pieces = [recording::Piece { len: 1, after_micros: u64::MAX }];
            let now = tokio::time::Instant::now();
            for beat in pace.beats(&pieces) {
                assert!(now.checked_add(beat.after).is_some(), "{factor}");
            }
            assert!(now.checked_add(pace.delay(253_402_300_800.0)).is_some(), "{factor}");
        }
    }
}
