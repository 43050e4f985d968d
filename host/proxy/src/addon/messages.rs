//! What components do with requests, responses and bodies.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{Method, StatusCode, Version, uri::Authority};
use wasmtime::{Result, component::Resource};

use super::{
    bindings::proxyhost::addon::{
        actions,
        messages::{self, BodyError, EditError, Field},
    },
    edit::{field_name, field_value, invalid},
    handles::{BodyHandle, BodyReader, RequestHandle, ResponseHandle},
    state::State,
};
use crate::flow::{Body, BodyFailure, Destination, Fields, RequestHead, Response, ResponseHead, Scheme, Target};

impl actions::Host for State {}

impl messages::Host for State {}

/// The outcome of a change: outside, whether the component misbehaved; inside, whether the change was refused.
type Edited = Result<std::result::Result<(), EditError>>;

impl State {
    fn edit_request(
        &mut self,
        handle: &Resource<RequestHandle>,
        edit: impl FnOnce(&mut RequestHead) -> std::result::Result<(), EditError>,
    ) -> Edited {
        let handle = self.table.get_mut(handle)?;
        if handle.read_only {
            return Ok(Err(EditError::ReadOnly));
        }
        Ok(edit(Arc::make_mut(&mut handle.request.head)))
    }

    fn edit_response(
        &mut self,
        handle: &Resource<ResponseHandle>,
        edit: impl FnOnce(&mut ResponseHead) -> std::result::Result<(), EditError>,
    ) -> Edited {
        Ok(edit(Arc::make_mut(&mut self.table.get_mut(handle)?.response.head)))
    }
}

impl messages::HostRequest for State {
    fn flow(&mut self, request: Resource<RequestHandle>) -> Result<u64> {
        Ok(self.table.get(&request)?.request.flow.0)
    }

    fn received_at(&mut self, request: Resource<RequestHandle>) -> Result<f64> {
        Ok(seconds(self.table.get(&request)?.request.received_at))
    }

    fn version(&mut self, request: Resource<RequestHandle>) -> Result<messages::Version> {
        Ok(version(self.table.get(&request)?.request.head.version))
    }

    fn method(&mut self, request: Resource<RequestHandle>) -> Result<String> {
        Ok(self.table.get(&request)?.request.head.method.as_str().to_owned())
    }

    fn set_method(&mut self, request: Resource<RequestHandle>, method: String) -> Edited {
        self.edit_request(&request, |head| {
            head.method = Method::from_bytes(method.as_bytes())
                .map_err(|_| invalid(format!("`{}` is not a method", method.escape_debug())))?;
            Ok(())
        })
    }

    fn scheme(&mut self, request: Resource<RequestHandle>) -> Result<String> {
        Ok(self.table.get(&request)?.request.head.destination.scheme().name().to_owned())
    }

    fn host(&mut self, request: Resource<RequestHandle>) -> Result<String> {
        Ok(self.table.get(&request)?.request.head.destination.host().to_owned())
    }

    fn port(&mut self, request: Resource<RequestHandle>) -> Result<u16> {
        Ok(self.table.get(&request)?.request.head.destination.port())
    }

    fn set_destination(&mut self, request: Resource<RequestHandle>, scheme: String, host: String, port: u16) -> Edited {
        self.edit_request(&request, |head| {
            let scheme = Scheme::parse(&scheme).ok_or_else(|| invalid(format!("`{scheme}` is not http or https")))?;
            head.destination = Destination::new(scheme, &host, port).map_err(|error| invalid(error.to_string()))?;
            Ok(())
        })
    }

    fn authority(&mut self, request: Resource<RequestHandle>) -> Result<Option<String>> {
        Ok(self.table.get(&request)?.request.head.authority.as_ref().map(ToString::to_string))
    }

    fn set_authority(&mut self, request: Resource<RequestHandle>, authority: String) -> Edited {
        self.edit_request(&request, |head| set_authority(head, authority))
    }

    fn path(&mut self, request: Resource<RequestHandle>) -> Result<String> {
        Ok(self.table.get(&request)?.request.head.target.as_str().to_owned())
    }

    fn set_path(&mut self, request: Resource<RequestHandle>, path: String) -> Edited {
        self.edit_request(&request, |head| {
            let wrong = || invalid(format!("`{}` is not a path with a query", path.escape_debug()));
            head.target = Target::parse(&path).ok_or_else(wrong)?;
            Ok(())
        })
    }

    fn field(&mut self, request: Resource<RequestHandle>, name: String) -> Result<Option<Vec<u8>>> {
        Ok(self.table.get(&request)?.request.head.fields.joined(&name))
    }

    fn field_lines(&mut self, request: Resource<RequestHandle>, name: String) -> Result<Vec<Vec<u8>>> {
        Ok(lines(&self.table.get(&request)?.request.head.fields, &name))
    }

    fn fields(&mut self, request: Resource<RequestHandle>) -> Result<Vec<Field>> {
        Ok(all(&self.table.get(&request)?.request.head.fields))
    }

    fn set_field(&mut self, request: Resource<RequestHandle>, name: String, value: Vec<u8>) -> Edited {
        self.edit_request(&request, |head| {
            let name = field_name(&name)?;
            let value = field_value(&name, value)?;
            if name == http::header::HOST {
                return set_authority(head, String::from_utf8_lossy(value.as_bytes()).into_owned());
            }
            head.fields.set(name, value);
            Ok(())
        })
    }

    fn add_field(&mut self, request: Resource<RequestHandle>, name: String, value: Vec<u8>) -> Edited {
        self.edit_request(&request, |head| {
            let name = field_name(&name)?;
            if name == http::header::HOST {
                return Err(invalid("a request has one `host` field; use `set-authority`"));
            }
            head.fields.add(name.clone(), field_value(&name, value)?);
            Ok(())
        })
    }

    fn remove_field(&mut self, request: Resource<RequestHandle>, name: String) -> Edited {
        self.edit_request(&request, |head| {
            let name = field_name(&name)?;
            if name == http::header::HOST {
                return Err(invalid("a request needs its `host` field"));
            }
            head.fields.remove(&name);
            Ok(())
        })
    }

    fn body(&mut self, request: Resource<RequestHandle>) -> Result<Resource<BodyHandle>> {
        let body = self.table.get(&request)?.request.body.clone();
        Ok(self.table.push(BodyHandle(body))?)
    }

    fn set_body(&mut self, request: Resource<RequestHandle>, content: Vec<u8>) -> Edited {
        let handle = self.table.get_mut(&request)?;
        if handle.read_only {
            return Ok(Err(EditError::ReadOnly));
        }
        handle.request.body = Body::Bytes(Bytes::from(content));
        Ok(Ok(()))
    }

    fn copy(&mut self, request: Resource<RequestHandle>) -> Result<Resource<RequestHandle>> {
        let request = self.table.get(&request)?.request.clone();
        Ok(self.table.push(RequestHandle { request, read_only: false })?)
    }

    fn drop(&mut self, request: Resource<RequestHandle>) -> Result<()> {
        self.table.delete(request)?;
        Ok(())
    }
}

impl messages::HostResponse for State {
    fn new(&mut self, status: u16) -> Result<Resource<ResponseHandle>> {
        let (known, wrong_status) = usable(status);
        let response = Response::new(known, Fields::default(), Body::Empty);
        Ok(self.table.push(ResponseHandle { response, wrong_status })?)
    }

    fn received_at(&mut self, response: Resource<ResponseHandle>) -> Result<f64> {
        Ok(seconds(self.table.get(&response)?.response.received_at))
    }

    fn version(&mut self, response: Resource<ResponseHandle>) -> Result<messages::Version> {
        Ok(version(self.table.get(&response)?.response.head.version))
    }

    fn status(&mut self, response: Resource<ResponseHandle>) -> Result<u16> {
        let handle = self.table.get(&response)?;
        Ok(handle.wrong_status.unwrap_or(handle.response.head.status.as_u16()))
    }

    fn set_status(&mut self, response: Resource<ResponseHandle>, status: u16) -> Edited {
        let (known, wrong) = usable(status);
        if wrong.is_some() {
            return Ok(Err(invalid(format!("{status} is not a status from 200 to 599"))));
        }
        self.table.get_mut(&response)?.wrong_status = None;
        self.edit_response(&response, |head| {
            head.status = known;
            head.reason = None;
            Ok(())
        })
    }

    fn reason(&mut self, response: Resource<ResponseHandle>) -> Result<Option<String>> {
        let reason = &self.table.get(&response)?.response.head.reason;
        Ok(reason.as_ref().map(|reason| String::from_utf8_lossy(reason).into_owned()))
    }

    fn field(&mut self, response: Resource<ResponseHandle>, name: String) -> Result<Option<Vec<u8>>> {
        Ok(self.table.get(&response)?.response.head.fields.joined(&name))
    }

    fn field_lines(&mut self, response: Resource<ResponseHandle>, name: String) -> Result<Vec<Vec<u8>>> {
        Ok(lines(&self.table.get(&response)?.response.head.fields, &name))
    }

    fn fields(&mut self, response: Resource<ResponseHandle>) -> Result<Vec<Field>> {
        Ok(all(&self.table.get(&response)?.response.head.fields))
    }

    fn set_field(&mut self, response: Resource<ResponseHandle>, name: String, value: Vec<u8>) -> Edited {
        self.edit_response(&response, |head| {
            let name = field_name(&name)?;
            head.fields.set(name.clone(), field_value(&name, value)?);
            Ok(())
        })
    }

    fn set_field_lines(&mut self, response: Resource<ResponseHandle>, name: String, values: Vec<Vec<u8>>) -> Edited {
        self.edit_response(&response, |head| {
            let name = field_name(&name)?;
            let values = values.into_iter().map(|value| field_value(&name, value));
            head.fields.set_lines(name.clone(), values.collect::<std::result::Result<_, _>>()?);
            Ok(())
        })
    }

    fn add_field(&mut self, response: Resource<ResponseHandle>, name: String, value: Vec<u8>) -> Edited {
        self.edit_response(&response, |head| {
            let name = field_name(&name)?;
            head.fields.add(name.clone(), field_value(&name, value)?);
            Ok(())
        })
    }

    fn remove_field(&mut self, response: Resource<ResponseHandle>, name: String) -> Edited {
        self.edit_response(&response, |head| {
            head.fields.remove(&field_name(&name)?);
            Ok(())
        })
    }

    fn body(&mut self, response: Resource<ResponseHandle>) -> Result<Resource<BodyHandle>> {
        let body = self.table.get(&response)?.response.body.clone();
        Ok(self.table.push(BodyHandle(body))?)
    }

    fn set_body(&mut self, response: Resource<ResponseHandle>, content: Vec<u8>) -> Edited {
        self.table.get_mut(&response)?.response.body = Body::Bytes(Bytes::from(content));
        Ok(Ok(()))
    }

    fn drop(&mut self, response: Resource<ResponseHandle>) -> Result<()> {
        self.table.delete(response)?;
        Ok(())
    }
}

impl messages::HostBody for State {
    fn size(&mut self, body: Resource<BodyHandle>) -> Result<Option<u64>> {
        Ok(self.table.get(&body)?.0.size())
    }

    async fn read(
        &mut self,
        body: Resource<BodyHandle>,
        limit: u64,
    ) -> Result<std::result::Result<Vec<u8>, BodyError>> {
        let body = self.table.get(&body)?.0.clone();
        let bytes = body.collect(self.shared.limits.collecting(limit)).await;
        Ok(bytes.map(|bytes| bytes.to_vec()).map_err(BodyError::from))
    }

    async fn digest(&mut self, body: Resource<BodyHandle>) -> Result<std::result::Result<Vec<u8>, BodyError>> {
        let body = self.table.get(&body)?.0.clone();
        let bytes = body.collect(self.shared.limits.collecting(u64::MAX)).await;
        let digest = bytes.map(|bytes| ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref().to_vec());
        Ok(digest.map_err(BodyError::from))
    }

    fn reader(&mut self, body: Resource<BodyHandle>) -> Result<Resource<BodyReader>> {
        let body = self.table.get(&body)?.0.clone();
        Ok(self.table.push(BodyReader { body, offset: 0 })?)
    }

    fn drop(&mut self, body: Resource<BodyHandle>) -> Result<()> {
        self.table.delete(body)?;
        Ok(())
    }
}

/// Most bytes of a body that cross to a component in one piece.
const PIECE: usize = 64 * 1024;

impl messages::HostBodyReader for State {
    async fn next(
        &mut self,
        reader: Resource<BodyReader>,
        limit: u32,
    ) -> Result<std::result::Result<Option<Vec<u8>>, BodyError>> {
        let limit = (limit as usize).clamp(1, PIECE);
        let terms = self.shared.limits.collecting(u64::MAX);
        let place = self.table.get(&reader)?;
        let (body, offset) = (place.body.clone(), place.offset);
        let piece = match body.piece(offset, limit, terms).await {
            Ok(piece) => piece,
            Err(failure) => return Ok(Err(failure.into())),
        };
        if let Some(piece) = &piece {
            self.table.get_mut(&reader)?.offset += piece.len() as u64;
        }
        Ok(Ok(piece.map(|piece| piece.to_vec())))
    }

    fn drop(&mut self, reader: Resource<BodyReader>) -> Result<()> {
        self.table.delete(reader)?;
        Ok(())
    }
}

impl From<BodyFailure> for BodyError {
    fn from(failure: BodyFailure) -> Self {
        match failure {
            BodyFailure::TooLarge => Self::TooLarge,
            BodyFailure::Gone => Self::NotRecorded,
            BodyFailure::TimedOut => Self::TimedOut,
            BodyFailure::Incomplete(why) => Self::Incomplete(why),
        }
    }
}

fn set_authority(head: &mut RequestHead, authority: String) -> std::result::Result<(), EditError> {
    let wrong = || invalid(format!("`{}` is not a host with an optional port", authority.escape_debug()));
    let parsed: Authority = authority.parse().map_err(|_| wrong())?;
    if parsed.as_str().contains('@') {
        return Err(wrong());
    }
    if head.fields.get(&http::header::HOST).is_some() || head.version < Version::HTTP_2 {
        head.fields.set(http::header::HOST, field_value(&http::header::HOST, authority.clone().into_bytes())?);
    }
    head.authority = Some(parsed);
    Ok(())
}

/// The status to hold, and the one given if a response cannot have it.
fn usable(status: u16) -> (StatusCode, Option<u16>) {
    match StatusCode::from_u16(status) {
        Ok(known) if (200..600).contains(&status) => (known, None),
        _ => (StatusCode::BAD_GATEWAY, Some(status)),
    }
}

fn lines(fields: &Fields, name: &str) -> Vec<Vec<u8>> {
    fields.map().get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect()
}

fn all(fields: &Fields) -> Vec<Field> {
    let fields = fields.map().iter();
    fields.map(|(name, value)| Field { name: name.to_string(), value: value.as_bytes().to_vec() }).collect()
}

fn version(version: Version) -> messages::Version {
    match version {
        Version::HTTP_2 => messages::Version::Http2,
        Version::HTTP_3 => messages::Version::Http3,
        Version::HTTP_11 => messages::Version::Http11,
        _ => messages::Version::Http10,
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
