//! Taking over files as they change.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{EventKind, RecursiveMode, Watcher};
use tokio::{sync::mpsc, time};
use tracing::warn;

use super::{Running, stamps::stamp};

/// How long nothing may happen to files before they are read: those who write them do so in several steps.
const QUIET: Duration = Duration::from_millis(200);

/// Most time that is waited for that.
const AT_MOST: Duration = Duration::from_secs(5);

impl Running {
    /// Takes over the files that the configuration is made of whenever they change. Ends only if they cannot be watched.
    pub async fn watch(&self) {
        let (sender, mut changes) = mpsc::channel(1);
        let seen = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
                // Fails only when something is known to have changed already.
                let _ = sender.try_send(());
            }
        };
        let mut watcher = match notify::recommended_watcher(seen) {
            Ok(watcher) => watcher,
            Err(error) => return warn!(%error, "cannot watch files: changes are taken over on SIGHUP only"),
        };
        let mut watched = BTreeSet::new();
        let mut known = self.read.clone();
        loop {
            known = self.marks(&known);
            // Folders, as files are often replaced by others of their name.
            for folder in known.keys().map(|path| folder(path)) {
                if watched.contains(&folder) {
                    continue;
                }
                match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                    Ok(()) => drop(watched.insert(folder)),
                    Err(error) => warn!(%error, "cannot watch `{}`", oneline::escaped(&folder.to_string_lossy())),
                }
            }
            // What changed before it was watched is found by its stamp.
            if stamps(&known) == known {
                tokio::select! {
                    change = changes.recv() => match change {
                        Some(()) => continue,
                        None => return,
                    },
                    // It may be made of other files.
                    () = self.changed.notified() => continue,
                }
            }
            // It may go on for longer; then the next round has it.
            let _ = time::timeout(AT_MOST, quiet(&mut changes)).await;
            // What changes while it is read is read again: its stamp is the one from before.
            known = stamps(&known);
            self.renew().await;
        }
    }
}

async fn quiet(changes: &mut mpsc::Receiver<()>) {
    while let Ok(Some(())) = time::timeout(QUIET, changes.recv()).await {}
}

/// The marks that these files have now.
fn stamps(files: &BTreeMap<PathBuf, u64>) -> BTreeMap<PathBuf, u64> {
    files.keys().map(|file| (file.clone(), stamp(file))).collect()
}

fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        _ if path.is_dir() => path.to_owned(),
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
