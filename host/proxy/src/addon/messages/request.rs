//! What components do with requests.

use std::ops::BitOr;

use http::{HeaderName, HeaderValue, Method, Version, header, uri::Authority};
use wasmtime::{Result, component::Resource};

use super::{all, lines, seconds, version};
use crate::{
    addon::{
        bindings::proxyhost::addon::messages::{self, EditError, Field},
        edit::{HeadSize, Room, bounded, field_name, field_value, invalid, shown},
        handles::{BodyHandle, Edited, Part, RequestHandle},
        state::State,
    },
    flow::{Destination, InvalidDestination, Reached, RequestHead, Scheme, Target},
};

impl messages::HostRequest for State {
    fn flow(&mut self, request: Resource<RequestHandle>) -> Result<u64> {
        Ok(self.handles.ask_more(&request)?.flow.0)
    }

    fn received_at(&mut self, request: Resource<RequestHandle>) -> Result<f64> {
        Ok(seconds(self.handles.ask_more(&request)?.received_at))
    }

    fn version(&mut self, request: Resource<RequestHandle>) -> Result<messages::Version> {
        Ok(version(self.handles.ask(&request, Part::Version)?.head.version))
    }

    fn method(&mut self, request: Resource<RequestHandle>) -> Result<String> {
        Ok(self.handles.ask(&request, Part::Method)?.head.method.as_str().to_owned())
    }

    fn set_method(&mut self, request: Resource<RequestHandle>, method: String) -> Edited {
        self.handles.edit_request(&request, |head, room| {
            bounded(method.as_bytes())?;
            let parsed = Method::from_bytes(method.as_bytes())
                .map_err(|_| invalid(format!("{} is not a method", shown(&method))))?;
            if (parsed == Method::CONNECT) != (head.method == Method::CONNECT) {
                return Err(invalid("a tunnel stays one, and no other request becomes one (CONNECT)"));
            }
            room.exchange(HeadSize::text(head.method.as_str()), HeadSize::text(&method))?;
            head.method = parsed;
            Ok(())
        })
    }

    fn scheme(&mut self, request: Resource<RequestHandle>) -> Result<String> {
        Ok(self.handles.ask(&request, Part::Scheme)?.head.destination.scheme().name().to_owned())
    }

    fn host(&mut self, request: Resource<RequestHandle>) -> Result<String> {
        Ok(self.handles.ask(&request, Part::Host)?.head.destination.host().to_owned())
    }

    fn port(&mut self, request: Resource<RequestHandle>) -> Result<u16> {
        Ok(self.handles.ask(&request, Part::Port)?.head.destination.port())
    }

    fn set_destination(&mut self, request: Resource<RequestHandle>, scheme: String, host: String, port: u16) -> Edited {
        self.handles.edit_request(&request, |head, room| {
            bounded(host.as_bytes())?;
            let known = Scheme::parse(&scheme);
            let scheme = known.ok_or_else(|| invalid(format!("{} is not http or https", shown(&scheme))))?;
            let destination = Destination::new(scheme, &host, port).map_err(|refused| match refused {
                InvalidDestination::Host(_) => invalid(format!("{} is not a host", shown(&host))),
                InvalidDestination::Port => invalid(refused.to_string()),
            })?;
            room.exchange(HeadSize::text(head.destination.host()), HeadSize::text(&host))?;
            head.destination = destination;
            Ok(())
        })
    }

    fn authority(&mut self, request: Resource<RequestHandle>) -> Result<Option<String>> {
        Ok(self.handles.ask(&request, Part::Authority)?.head.authority.as_ref().map(ToString::to_string))
    }

    fn set_authority(&mut self, request: Resource<RequestHandle>, authority: String) -> Edited {
        self.handles.edit_request(&request, |head, room| set_authority(head, room, authority))
    }

    fn path(&mut self, request: Resource<RequestHandle>) -> Result<String> {
        Ok(self.handles.ask(&request, Part::Path)?.head.target.as_str().to_owned())
    }

    fn set_path(&mut self, request: Resource<RequestHandle>, path: String) -> Edited {
        self.handles.edit_request(&request, |head, room| {
            bounded(path.as_bytes())?;
            let wrong = || invalid(format!("{} is not a path with a query", shown(&path)));
            let target = Target::parse(&path).ok_or_else(wrong)?;
            room.exchange(HeadSize::text(head.target.as_str()), HeadSize::text(&path))?;
            head.target = target;
            Ok(())
        })
    }

    fn traits(&mut self, request: Resource<RequestHandle>) -> Result<messages::RequestTraits> {
        let request = self.handles.ask_more(&request)?;
        let reverse =
            if request.reached.is_some() { messages::RequestTraits::REVERSE } else { messages::RequestTraits::empty() };
        Ok(request.head.fields.map().keys().map(traits_of).fold(reverse, BitOr::bitor))
    }

    fn reached_at(&mut self, request: Resource<RequestHandle>) -> Result<Option<String>> {
        let reached = self.handles.ask_more(&request)?.reached.as_ref();
        Ok(reached
            .and_then(|Reached { scheme, authority }| Some(format!("{}://{}", scheme.name(), authority.as_ref()?))))
    }

    fn field(&mut self, request: Resource<RequestHandle>, name: String) -> Result<Option<Vec<u8>>> {
        Ok(self.handles.ask_field(&request, &name)?.head.fields.joined(&name))
    }

    fn field_lines(&mut self, request: Resource<RequestHandle>, name: String) -> Result<Vec<Vec<u8>>> {
        Ok(lines(&self.handles.ask_field(&request, &name)?.head.fields, &name))
    }

    fn fields(&mut self, request: Resource<RequestHandle>) -> Result<Vec<Field>> {
        Ok(all(&self.handles.ask_more(&request)?.head.fields))
    }

    fn set_field(&mut self, request: Resource<RequestHandle>, name: String, value: Vec<u8>) -> Edited {
        self.handles.edit_request(&request, |head, room| {
            let name = field_name(&name)?;
            let value = field_value(&name, value)?;
            if name == header::HOST {
                return set_authority(head, room, String::from_utf8_lossy(value.as_bytes()).into_owned());
            }
            set_field(head, room, name, value)
        })
    }

    fn add_field(&mut self, request: Resource<RequestHandle>, name: String, value: Vec<u8>) -> Edited {
        self.handles.edit_request(&request, |head, room| {
            let name = field_name(&name)?;
            if name == header::HOST {
                return Err(invalid("a request has one `host` field; use `set-authority`"));
            }
            let value = field_value(&name, value)?;
            room.exchange(HeadSize::ZERO, HeadSize::lines(&name, [&value]))?;
            head.fields.add(name, value);
            Ok(())
        })
    }

    fn remove_field(&mut self, request: Resource<RequestHandle>, name: String) -> Edited {
        self.handles.edit_request(&request, |head, room| {
            let name = field_name(&name)?;
            if name == header::HOST {
                return Err(invalid("a request needs its `host` field"));
            }
            room.exchange(HeadSize::of_name(&head.fields, &name), HeadSize::ZERO)?;
            head.fields.remove(&name);
            Ok(())
        })
    }

    fn body(&mut self, request: Resource<RequestHandle>) -> Result<Resource<BodyHandle>> {
        self.handles.request_body(&request)
    }

    fn set_body(&mut self, request: Resource<RequestHandle>, content: Vec<u8>) -> Edited {
        self.cpu.allow(self.shared.limits.cpu_for(content.len()));
        self.handles.set_request_body(&request, content)
    }

    fn copy(&mut self, request: Resource<RequestHandle>) -> Result<Resource<RequestHandle>> {
        self.handles.copy_request(&request)
    }

    fn drop(&mut self, request: Resource<RequestHandle>) -> Result<()> {
        self.handles.forget(request)
    }
}

/// What a field says of its request.
fn traits_of(name: &HeaderName) -> messages::RequestTraits {
    /// RFC 9110 §13.1, but for `if-range`, which does nothing without `range`.
    const PRECONDITIONS: [HeaderName; 4] =
        [header::IF_MATCH, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::IF_UNMODIFIED_SINCE];

    match name {
        _ if *name == header::ACCEPT_ENCODING => messages::RequestTraits::SELECTIVE,
        _ if *name == header::RANGE => messages::RequestTraits::PARTIAL,
        _ if PRECONDITIONS.contains(name) => messages::RequestTraits::CONDITIONAL,
        _ => messages::RequestTraits::empty(),
    }
}

fn set_field(
    head: &mut RequestHead,
    room: &mut Room<'_>,
    name: HeaderName,
    value: HeaderValue,
) -> std::result::Result<(), EditError> {
    room.exchange(HeadSize::of_name(&head.fields, &name), HeadSize::lines(&name, [&value]))?;
    head.fields.set(name, value);
    Ok(())
}

fn set_authority(head: &mut RequestHead, room: &mut Room<'_>, authority: String) -> std::result::Result<(), EditError> {
    bounded(authority.as_bytes())?;
    let wrong = || invalid(format!("{} is not a host with an optional port", shown(&authority)));
    let parsed: Authority = authority.parse().map_err(|_| wrong())?;
    // The library reads over a port that is none.
    let has_port = parsed.as_str().rsplit_once(']').map_or(parsed.as_str(), |(_, after)| after).contains(':');
    let has_wrong_port = has_port && parsed.port_u16().is_none_or(|port| port == 0);
    if parsed.as_str().contains('@') || parsed.host().is_empty() || has_wrong_port {
        return Err(wrong());
    }
    let old = head.authority.as_ref().map_or(HeadSize::ZERO, |old| HeadSize::text(old.as_str()));
    room.exchange(old, HeadSize::text(&authority))?;
    if head.fields.get(&header::HOST).is_some() || head.version < Version::HTTP_2 {
        set_field(head, room, header::HOST, field_value(&header::HOST, authority.into_bytes())?)?;
    }
    head.authority = Some(parsed);
    Ok(())
}
