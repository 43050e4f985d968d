//! How errors look to clients.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use control::{ControlError, ErrorKind};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

/// Why a request was not answered with what it asks for.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    kind: ErrorKind,
    reason: String,
    field: Option<(HeaderName, HeaderValue)>,
}

impl Failure {
    /// A failure with a status of its own.
    pub(crate) fn new(status: StatusCode, kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self { status, kind, reason: reason.into(), field: None }
    }

    /// What was sent cannot be used.
    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        ControlError::new(ErrorKind::Invalid, reason).into()
    }

    /// There is nothing of that name or number.
    pub(crate) fn unknown(reason: impl Into<String>) -> Self {
        ControlError::new(ErrorKind::Unknown, reason).into()
    }

    /// Adds a field to the response.
    pub(crate) fn with_field(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { field: Some((name, value)), ..self }
    }
}

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        let status = match error.kind {
            ErrorKind::Unknown => StatusCode::NOT_FOUND,
            ErrorKind::Invalid => StatusCode::BAD_REQUEST,
            ErrorKind::Refused => StatusCode::CONFLICT,
            ErrorKind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.kind, error.reason)
    }
}

#[derive(Serialize)]
struct Body {
    error: ControlError,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Body { error: ControlError::new(self.kind, self.reason) };
        let mut response = (self.status, Json(body)).into_response();
        if let Some((name, value)) = self.field {
            response.headers_mut().insert(name, value);
        }
        // What is left of the request is not read, so nothing can follow it.
        if self.status == StatusCode::PAYLOAD_TOO_LARGE || self.status == StatusCode::REQUEST_TIMEOUT {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
