//! Ways to servers.

use std::{net::IpAddr, sync::Arc};

use super::Destination;

/// The way that a request takes to its server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Route {
    /// Straight, to an address that the server's name leads to.
    #[default]
    Direct,
    /// To this address, which the client chose for a server of this name. Another server is found by its name.
    Pinned(Arc<str>, IpAddr),
    /// To the server that the operator named, with the operator's credentials for it. Another server gets none.
    Named(Arc<Destination>),
    /// By way of this proxy, which is spoken to as its scheme says.
    Through(Arc<Destination>),
}

impl Route {
    /// The address of a server, where the client chose it.
    pub fn pinned(&self, server: &Destination) -> Option<IpAddr> {
        match self {
            Self::Pinned(name, address) if **name == *server.host() => Some(*address),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::flow::Scheme;

    #[test]
    fn an_address_is_of_the_server_that_it_was_chosen_for() {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
        let route = Route::Pinned("a.example".into(), address);
        let server = |host| Destination::new(Scheme::Https, host, 443).unwrap();
        assert_eq!(route.pinned(&server("a.example")), Some(address));
        assert_eq!(route.pinned(&server("b.example")), None);
        assert_eq!(Route::Direct.pinned(&server("a.example")), None);
    }
}
