//! The document that describes the API.

use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;

pub(crate) async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT)
}

/// OpenAPI 3.1.
pub(crate) const DOCUMENT: &str = include_str!("../openapi.json");
