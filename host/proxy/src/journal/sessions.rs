//! The sessions there are, with what is counted of each.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::Tally;
use crate::flow::{Fault, FaultKind, Session};

/// Sessions, each made when it is first used.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// Of the one that all clients have that name none. It is another one after a reset.
    unnamed: RwLock<Arc<Tally>>,
    named: RwLock<BTreeMap<String, (Session, Arc<Tally>)>>,
}

/// Most sessions with a name.
const MOST: usize = 1000;

impl Sessions {
    /// This session, which is made if there is none of its name.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn make(&self, session: Session) -> Result<Session, Fault> {
        let name = session.name();
        if let Some((known, _)) = self.named.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(known.clone());
        }
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        if named.len() >= MOST && !named.contains_key(name) {
            let detail =
                format!("there are {MOST} sessions already, as many as there may be; reset those that are over");
            return Err(Fault::new(FaultKind::Busy, detail));
        }
        Ok(named.entry(name.to_owned()).or_insert_with(|| (session, Arc::default())).0.clone())
    }

    /// What is counted of a session. It is made if it was not used before.
    pub(super) fn tally(&self, session: &Session) -> Arc<Tally> {
        if !session.is_named() {
            return self.unnamed.read().unwrap_or_else(PoisonError::into_inner).clone();
        }
        if let Some((_, tally)) = self.named.read().unwrap_or_else(PoisonError::into_inner).get(session.name()) {
            return tally.clone();
        }
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        named.entry(session.name().to_owned()).or_insert_with(|| (session.clone(), Arc::default())).1.clone()
    }

    /// All of them by name, the one without first.
    pub(super) fn all(&self) -> Vec<(String, Arc<Tally>)> {
        let unnamed = (String::new(), self.tally(&Session::default()));
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        let named = named.iter().map(|(name, (_, tally))| (name.clone(), tally.clone()));
        [unnamed].into_iter().chain(named).collect()
    }

    /// Forgets a session, or all. Whether there was one of that name. Flows under way still count for the one before.
    pub(super) fn reset(&self, session: Option<&str>) -> bool {
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        match session {
            None => named.clear(),
            Some("") => {}
            Some(name) => return named.remove(name).is_some(),
        }
        *self.unnamed.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
        true
    }
}
