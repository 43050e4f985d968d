//! Looking names up, within bounds: a name that nobody answers for must not hold up the others.
//!
//! The system looks names up (`getaddrinfo`), so that `/etc/hosts`, search domains and whatever else the operator set up
//! count as for any other program. It can only wait, and cannot be told to stop, so each look-up has a thread of its own
//! rather than one of those that the runtime shares for files. A name has one look-up at a time, whoever asks for it.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::sync::watch;

/// Names looked up at a time. Each takes a thread and a descriptor for as long as the system asks for it.
const LOOK_UPS: usize = 1024;

/// Of these, the ones within one domain, which is often served by the same servers.
const OF_ONE_DOMAIN: usize = 256;

/// What the system's look-ups need is far below it; the default of 2 MiB would be reserved a thousand times.
const STACK_BYTES: usize = 256 * 1024;

/// Looks names up.
#[derive(Clone)]
pub(super) struct Resolver {
    ask: Ask,
    under_way: Arc<Mutex<UnderWay>>,
}

/// What comes of look-ups that are under way, by name.
type UnderWay = HashMap<Arc<str>, watch::Receiver<Option<Found>>>;

/// The system's way to look a name up, which takes its time.
type Ask = Arc<dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync>;

type Found = Result<Arc<[IpAddr]>, LookUpError>;

/// Why a name has no addresses.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum LookUpError {
    #[error("its name cannot be resolved")]
    Dns(#[source] Arc<io::Error>),
    #[error("{0} other names are being looked up already, as many as there may be; try again later")]
    Busy(usize),
    #[error("{0} other names of its domain are being looked up already, as many as there may be; try again later")]
    BusyDomain(usize),
}

impl Resolver {
    /// One that asks the system.
    pub(super) fn new() -> Self {
        Self::asking(|name| Ok((name, 0).to_socket_addrs()?.map(|address: SocketAddr| address.ip()).collect()))
    }

    /// One that asks a function, on threads of its own.
    pub(super) fn asking(ask: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self { ask: Arc::new(ask), under_way: Arc::default() }
    }

    /// The addresses of a name, at least one. A look-up goes on when nobody waits for it any more: it cannot be stopped.
    pub(super) async fn look_up(&self, name: &str) -> Found {
        let mut found = self.begin(name)?;
        let gone = || Err(LookUpError::Dns(Arc::new(io::Error::other("the look-up broke off"))));
        match found.wait_for(Option::is_some).await {
            Ok(found) => found.clone().unwrap_or_else(gone),
            Err(_) => gone(),
        }
    }

    /// Joins the look-up of a name, or begins one.
    fn begin(&self, name: &str) -> Result<watch::Receiver<Option<Found>>, LookUpError> {
        let name: Arc<str> = name.to_ascii_lowercase().into();
        let mut under_way = self.lock();
        if let Some(found) = under_way.get(&name) {
            return Ok(found.clone());
        }
        if under_way.len() >= LOOK_UPS {
            return Err(LookUpError::Busy(LOOK_UPS));
        }
        if under_way.keys().filter(|other| domain(other) == domain(&name)).count() >= OF_ONE_DOMAIN {
            return Err(LookUpError::BusyDomain(OF_ONE_DOMAIN));
        }
        let (sender, receiver) = watch::channel(None);
        let (resolver, asked) = (self.clone(), name.clone());
        let look_up = move || {
            let found = match (resolver.ask)(&asked) {
                Ok(addresses) if addresses.is_empty() => Err(io::Error::other("the name has no address")),
                found => found,
            };
            let found = found.map(Arc::from).map_err(|error| LookUpError::Dns(Arc::new(error)));
            resolver.lock().remove(&asked);
            sender.send_replace(Some(found));
        };
        let thread = thread::Builder::new().name("look-up".to_owned()).stack_size(STACK_BYTES);
        thread.spawn(look_up).map_err(|error| LookUpError::Dns(Arc::new(error)))?;
        under_way.insert(name, receiver.clone());
        Ok(receiver)
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, watch::Receiver<Option<Found>>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last two labels of a name.
fn domain(name: &str) -> &str {
    let name = name.strip_suffix('.').unwrap_or(name);
    let start = name.rmatch_indices('.').nth(1).map_or(0, |(dot, _)| dot + 1);
    &name[start..]
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const ANSWER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// One where names that begin with `dead` are never answered, and a list of the names it asked for.
    fn resolver() -> (Resolver, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let list = asked.clone();
        let resolver = Resolver::asking(move |name| {
            list.lock().unwrap().push(name.to_owned());
            if name.starts_with("dead") {
                loop {
                    thread::park();
                }
            }
            Ok(vec![ANSWER])
        });
        (resolver, asked)
    }

    #[tokio::test]
    async fn names_that_nobody_answers_hold_up_no_other() {
        let (resolver, _) = resolver();
        for number in 0..600 {
            resolver.begin(&format!("dead.shop{number}.example")).unwrap();
        }
        assert_eq!(*resolver.look_up("alive.example").await.unwrap(), [ANSWER]);
        // A domain that is dead as a whole takes no more than its share.
        for number in 0..OF_ONE_DOMAIN {
            resolver.begin(&format!("dead{number}.one.example.")).unwrap();
        }
        let refused = resolver.look_up("alive.one.example").await.unwrap_err();
        assert!(matches!(refused, LookUpError::BusyDomain(OF_ONE_DOMAIN)), "{refused}");
        assert_eq!(*resolver.look_up("alive.example").await.unwrap(), [ANSWER]);
    }

    #[tokio::test]
    async fn there_is_a_bound_and_names_under_way_are_shared_within_it() {
        let (resolver, asked) = resolver();
        for number in 0..LOOK_UPS {
            resolver.begin(&format!("dead.shop{number}.example")).unwrap();
        }
        let refused = resolver.look_up("alive.example").await.unwrap_err();
        assert!(matches!(refused, LookUpError::Busy(LOOK_UPS)), "{refused}");
        resolver.begin("DEAD.shop7.example").unwrap();
        let begun = asked.lock().unwrap().iter().filter(|name| *name == "dead.shop7.example").count();
        assert!(begun <= 1, "{begun}");
    }

    #[tokio::test]
    async fn who_asks_for_a_name_under_way_gets_the_same_answer() {
        let (answer, wait) = mpsc::channel();
        let wait = Mutex::new(wait);
        // A second look-up would wait for ever.
        let resolver = Resolver::asking(move |_| Ok(vec![wait.lock().unwrap().recv().unwrap()]));
        let (mut first, mut second) = (resolver.begin("a.example").unwrap(), resolver.begin("A.example").unwrap());
        answer.send(ANSWER).unwrap();
        for found in [&mut first, &mut second] {
            let found = found.wait_for(Option::is_some).await.unwrap().clone().unwrap();
            assert_eq!(*found.unwrap(), [ANSWER]);
        }
        assert!(resolver.lock().is_empty());
    }

    #[test]
    fn a_domain_is_the_last_two_labels() {
        for (name, expected) in [("a.b.c", "b.c"), ("a.b.c.", "b.c"), ("b.c", "b.c"), ("c", "c"), ("", "")] {
            assert_eq!(domain(name), expected, "{name}");
        }
    }
}
