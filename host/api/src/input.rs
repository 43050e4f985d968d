//! What clients send, read within bounds. What cannot be used is an error in the same form as all others.

use std::{fmt::Display, time::Duration};

use axum::{
    body::{Body, HttpBody as _},
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
};
use bytes::Bytes;
use control::ErrorKind;
use http::{StatusCode, header::CONTENT_TYPE, request::Parts};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::failure::Failure;

/// A JSON document. Its media type has to be that of JSON: a page of another origin cannot send that without asking first.
pub(crate) struct Document<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Document<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        if !is_of_type(request.headers(), JSON) {
            return Err(unsupported(JSON));
        }
        let bytes = receive(request.into_body(), LARGEST_DOCUMENT).await?;
        let document = serde_json::from_slice(&bytes);
        document.map(Self).map_err(|error| Failure::invalid(format!("cannot read the JSON document: {error}")))
    }
}

/// A JSON document that may be left out, and stands for what it says by default then.
pub(crate) struct Perhaps<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for Perhaps<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        if request.body().is_end_stream() {
            return Ok(Self(T::default()));
        }
        Document::from_request(request, state).await.map(|Document(document)| Self(document))
    }
}

/// A component that is sent, or a JSON document that names it.
pub(crate) enum Component<T> {
    Named(T),
    Sent(Bytes),
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Component<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        if is_of_type(request.headers(), WASM) {
            return Upload::from_request(request, state).await.map(|Upload(bytes)| Self::Sent(bytes));
        }
        if is_of_type(request.headers(), JSON) {
            return Document::from_request(request, state).await.map(|Document(named)| Self::Named(named));
        }
        Err(unsupported(format_args!("{JSON}` or `{WASM}")))
    }
}

/// A component.
pub(crate) struct Upload(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        if !is_of_type(request.headers(), WASM) {
            return Err(unsupported(WASM));
        }
        receive(request.into_body(), LARGEST_UPLOAD).await.map(Self)
    }
}

/// The parameters of a query.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => Err(Failure::invalid(format!("cannot read the query: {}", error.body_text()))),
        }
    }
}

/// What stands in the place of names in the path.
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(named)) => Ok(Self(named)),
            Err(error) => Err(Failure::invalid(format!("cannot read the path: {}", error.body_text()))),
        }
    }
}

fn is_of_type(fields: &http::HeaderMap, expected: &str) -> bool {
    let value = fields.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(expected)))
}

fn unsupported(expected: impl Display) -> Failure {
    let reason = format!("the request needs a body, and `content-type: {expected}`");
    Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorKind::Invalid, reason)
}

async fn receive(body: Body, most: usize) -> Result<Bytes, Failure> {
    match timeout(BODY_TIME, Limited::new(body, most).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            let reason = format!("the body of the request is longer than {most} bytes");
            Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorKind::Invalid, reason))
        }
        Ok(Err(error)) => Err(Failure::invalid(format!("cannot read the body of the request: {error}"))),
        Err(_) => {
            let reason = format!("the body of the request did not arrive within {} seconds", BODY_TIME.as_secs());
            Err(Failure::new(StatusCode::REQUEST_TIMEOUT, ErrorKind::Invalid, reason))
        }
    }
}

/// Media types of what is sent.
const JSON: &str = "application/json";
const WASM: &str = "application/wasm";

/// Bytes of a document that somebody could mean.
pub(crate) const LARGEST_DOCUMENT: usize = 1 << 20;
/// Bytes of a component.
pub(crate) const LARGEST_UPLOAD: usize = 64 << 20;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(60);
