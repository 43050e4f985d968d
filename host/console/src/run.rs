//! The loop: keys and events in, frames out.

use std::{io, sync::Arc, time::Duration};

use control::{Control, Events};
use crossterm::event::{Event as Input, MouseEventKind};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until};

use crate::{
    effect::{Done, Effect},
    key::Key,
    model::Model,
    terminal::{self, Terminal},
    update, view,
    view::areas::Areas,
};

/// Between frames while flows pass.
const FRAME: Duration = Duration::from_millis(100);

/// Between frames while keys are pressed, or held down.
const KEY_FRAME: Duration = Duration::from_millis(15);

/// Between frames while nothing becomes of a flow: there may still be another message of a WebSocket.
const QUIET: Duration = Duration::from_secs(1);

/// Events that are taken over between two looks at the keys.
const MOST_EVENTS: usize = 50_000;

/// Why a console ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The user quit, and wants the proxy to stop.
    Quit,
    /// The proxy has stopped: there will be no more events.
    Stopped,
}

/// Why there is no console, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Input or output are something else.
    #[error("standard input and output are no terminal")]
    NoTerminal,
    /// The terminal does not do what it has to.
    #[error("cannot take the terminal")]
    Take(#[source] io::Error),
    /// The same, later.
    #[error("cannot write to the terminal")]
    Draw(#[source] io::Error),
    /// Keys cannot be read.
    #[error("cannot read from the terminal")]
    Read(#[source] io::Error),
    /// There will be no more keys, as the terminal was closed.
    #[error("the terminal is gone")]
    Gone,
}

/// Shows a running proxy on the terminal, and changes it as the user says, until the user quits or the proxy has stopped.
/// Dropping this ends it too. The terminal is given back in any case.
///
/// Meanwhile nothing else may write to the terminal: log lines are expected as [`control::Event::Logged`].
///
/// # Errors
/// When there is no terminal, or it fails.
pub async fn run(control: Arc<dyn Control>) -> Result<Ended, ConsoleError> {
    let terminal = Terminal::take()?;
    let size = terminal.size();
    // Flows are read for each frame. To be told of each would cost them more than all else that is done for them.
    let events = control.news();
    let model = Model::new(&*control, size.width, size.height);
    let console = Console { control, terminal, model, effects: FuturesUnordered::new() };
    console.run(events).await
}

struct Console {
    control: Arc<dyn Control>,
    terminal: Terminal,
    model: Model,
    effects: FuturesUnordered<BoxFuture<'static, Done>>,
}

impl Console {
    async fn run(mut self, mut events: Events) -> Result<Ended, ConsoleError> {
        let mut keys = terminal::keys().map_err(ConsoleError::Take)?;
        let mut drawn_at = Instant::now();
        self.draw()?;
        let mut wake_at = drawn_at + FRAME;
        // When to draw next, whatever happens.
        let mut draw_at = drawn_at + QUIET;
        // While events come, they are only looked at for a frame: being woken by each would cost whoever sends them.
        let mut is_quiet = true;
        loop {
            tokio::select! {
                biased;
                key = keys.recv() => {
                    let event = key.ok_or(ConsoleError::Gone)?.map_err(ConsoleError::Read)?;
                    // The mouse moves all the time, and does nothing by that.
                    let is_seen = !matches!(&event, Input::Mouse(mouse) if mouse.kind == MouseEventKind::Moved);
                    if self.take(event) {
                        return Ok(Ended::Quit);
                    }
                    if is_seen {
                        draw_at = draw_at.min(drawn_at + KEY_FRAME);
                    }
                }
                Some(done) = self.effects.next(), if !self.effects.is_empty() => {
                    update::done(&mut self.model, &*self.control, done);
                    draw_at = draw_at.min(drawn_at + KEY_FRAME);
                }
                event = events.next(), if is_quiet => {
                    let Some(event) = event else { return Ok(Ended::Stopped) };
                    self.model.happened(&*self.control, event);
                    is_quiet = false;
                    draw_at = draw_at.min(drawn_at + FRAME);
                }
                () = sleep_until(wake_at.min(draw_at)) => {
                    if self.terminal.is_gone() {
                        return Err(ConsoleError::Gone);
                    }
                    let Some(count) = self.take_events(&mut events) else { return Ok(Ended::Stopped) };
                    is_quiet = count == 0;
                    let is_due = Instant::now() >= draw_at;
                    let is_changed = self.model.flows.read(&*self.control) || self.model.flows.is_behind() || count > 0;
                    if (is_changed || is_due) && self.terminal.is_ready() {
                        self.draw()?;
                        drawn_at = Instant::now();
                        draw_at = drawn_at + QUIET;
                    } else if is_due {
                        // The terminal has not taken what was drawn last.
                        draw_at = Instant::now() + KEY_FRAME;
                    }
                    wake_at = Instant::now() + FRAME;
                }
            }
        }
    }

    /// Takes over the events that have come. How many; nothing if there will be no more.
    fn take_events(&mut self, events: &mut Events) -> Option<usize> {
        for count in 0..MOST_EVENTS {
            let Some(event) = events.next().now_or_never() else { return Some(count) };
            self.model.happened(&*self.control, event?);
        }
        Some(MOST_EVENTS)
    }

    /// Takes what came from the terminal. Whether the user quits.
    fn take(&mut self, event: Input) -> bool {
        let Some(key) = Key::of(event) else { return false };
        let effects = update::press(&mut self.model, &*self.control, key);
        let is_end = effects.contains(&Effect::Quit);
        self.effects.extend(effects.into_iter().filter_map(|effect| start(&*self.control, effect)));
        is_end
    }

    fn draw(&mut self) -> Result<(), ConsoleError> {
        let size = self.terminal.size();
        self.model.areas = Areas::new(size.width, size.height);
        self.model.refresh(&*self.control);
        let model = &mut self.model;
        self.terminal.draw(|frame| view::draw(model, frame))
    }
}

/// Begins an effect.
fn start(control: &dyn Control, effect: Effect) -> Option<BoxFuture<'static, Done>> {
    Some(match effect {
        Effect::Run { name, arguments } => {
            let running = control.run(name.clone(), arguments, String::new());
            running.map(|result| Done::Ran { name, result }).boxed()
        }
        Effect::Change(change) => control.change(change).map(Done::Changed).boxed(),
        Effect::Save { flows, file, existing } => {
            let saving = control.save_flows(flows.clone(), file.clone(), existing);
            saving.map(|result| Done::Saved { flows, file, result }).boxed()
        }
        Effect::Quit => return None,
    })
}
