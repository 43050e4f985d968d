//! What components do with responses.

use std::ops::BitOr;

use http::{HeaderName, StatusCode, header};
use wasmtime::{Result, component::Resource};

use super::{all, lines, seconds, version};
use crate::{
    addon::{
        bindings::proxyhost::addon::messages::{self, Field},
        edit::{HeadSize, field_name, field_value, invalid},
        handles::{BodyHandle, Edited, ResponseHandle},
        state::State,
    },
    flow::{Body, Fields, Response},
};

impl messages::HostResponse for State {
    fn new(&mut self, status: u16) -> Result<Resource<ResponseHandle>> {
        let (known, wrong_status) = usable(status);
        let response = Response::new(known, Fields::default(), Body::Empty);
        self.handles.new_response(response, wrong_status)
    }

    fn received_at(&mut self, response: Resource<ResponseHandle>) -> Result<f64> {
        Ok(seconds(self.handles.response(&response)?.received_at))
    }

    fn version(&mut self, response: Resource<ResponseHandle>) -> Result<messages::Version> {
        Ok(version(self.handles.response(&response)?.head.version))
    }

    fn status(&mut self, response: Resource<ResponseHandle>) -> Result<u16> {
        self.handles.status(&response)
    }

    fn set_status(&mut self, response: Resource<ResponseHandle>, status: u16) -> Edited {
        match usable(status) {
            (known, None) => self.handles.set_status(&response, known),
            (_, Some(_)) => Ok(Err(invalid(format!("{status} is not a status from 200 to 599")))),
        }
    }

    fn reason(&mut self, response: Resource<ResponseHandle>) -> Result<Option<String>> {
        let reason = &self.handles.response(&response)?.head.reason;
        Ok(reason.as_ref().map(|reason| String::from_utf8_lossy(reason).into_owned()))
    }

    fn traits(&mut self, response: Resource<ResponseHandle>) -> Result<messages::ResponseTraits> {
        let fields = self.handles.response(&response)?.head.fields.map();
        Ok(fields.keys().map(traits_of).fold(messages::ResponseTraits::empty(), BitOr::bitor))
    }

    fn field(&mut self, response: Resource<ResponseHandle>, name: String) -> Result<Option<Vec<u8>>> {
        Ok(self.handles.response(&response)?.head.fields.joined(&name))
    }

    fn field_lines(&mut self, response: Resource<ResponseHandle>, name: String) -> Result<Vec<Vec<u8>>> {
        Ok(lines(&self.handles.response(&response)?.head.fields, &name))
    }

    fn fields(&mut self, response: Resource<ResponseHandle>) -> Result<Vec<Field>> {
        Ok(all(&self.handles.response(&response)?.head.fields))
    }

    fn set_field(&mut self, response: Resource<ResponseHandle>, name: String, value: Vec<u8>) -> Edited {
        self.handles.edit_response(&response, |head, room| {
            let name = field_name(&name)?;
            let value = field_value(&name, value)?;
            room.exchange(HeadSize::of_name(&head.fields, &name), HeadSize::lines(&name, [&value]))?;
            head.fields.set(name, value);
            Ok(())
        })
    }

    fn set_field_lines(&mut self, response: Resource<ResponseHandle>, name: String, values: Vec<Vec<u8>>) -> Edited {
        self.handles.edit_response(&response, |head, room| {
            let name = field_name(&name)?;
            let values = values.into_iter().map(|value| field_value(&name, value));
            let values = values.collect::<std::result::Result<Vec<_>, _>>()?;
            room.exchange(HeadSize::of_name(&head.fields, &name), HeadSize::lines(&name, &values))?;
            head.fields.set_lines(name, values);
            Ok(())
        })
    }

    fn add_field(&mut self, response: Resource<ResponseHandle>, name: String, value: Vec<u8>) -> Edited {
        self.handles.edit_response(&response, |head, room| {
            let name = field_name(&name)?;
            let value = field_value(&name, value)?;
            room.exchange(HeadSize::ZERO, HeadSize::lines(&name, [&value]))?;
            head.fields.add(name, value);
            Ok(())
        })
    }

    fn remove_field(&mut self, response: Resource<ResponseHandle>, name: String) -> Edited {
        self.handles.edit_response(&response, |head, room| {
            let name = field_name(&name)?;
            room.exchange(HeadSize::of_name(&head.fields, &name), HeadSize::ZERO)?;
            head.fields.remove(&name);
            Ok(())
        })
    }

    fn body(&mut self, response: Resource<ResponseHandle>) -> Result<Resource<BodyHandle>> {
        self.handles.response_body(&response)
    }

    fn set_body(&mut self, response: Resource<ResponseHandle>, content: Vec<u8>) -> Edited {
        self.cpu.allow(self.shared.limits.cpu_for(content.len()));
        self.handles.set_response_body(&response, content)
    }

    fn drop(&mut self, response: Resource<ResponseHandle>) -> Result<()> {
        self.handles.forget(response)
    }
}

/// What a field says of its response.
fn traits_of(name: &HeaderName) -> messages::ResponseTraits {
    /// They say where something is, or for which server.
    const ADDRESSED: [HeaderName; 5] =
        [header::LOCATION, header::SET_COOKIE, header::LINK, header::CONTENT_LOCATION, header::REFRESH];

    match name {
        _ if *name == header::CONTENT_ENCODING => messages::ResponseTraits::CODED,
        _ if ADDRESSED.contains(name) => messages::ResponseTraits::ADDRESSED,
        _ => messages::ResponseTraits::empty(),
    }
}

/// The status to hold, and the one given if a response cannot have it.
fn usable(status: u16) -> (StatusCode, Option<u16>) {
    match StatusCode::from_u16(status) {
        Ok(known) if (200..600).contains(&status) => (known, None),
        _ => (StatusCode::BAD_GATEWAY, Some(status)),
    }
}
