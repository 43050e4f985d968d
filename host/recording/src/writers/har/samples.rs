//! Material for tests: flows, and HAR files that they are written to.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use http::Version;

use super::HarFile;
use crate::model::{Fields, Flow, Request, Response, Source};

/// `GET https://example.com/a?b=c+d`, answered with `hello`.
pub(super) fn flow() -> Flow<Source> {
    Flow {
        id: "6fe4a1a4-0d3c-4c4e-9d0b-000000000000".into(),
        client: None,
        server: Some("192.0.2.7:443".parse().unwrap()),
        request: Request {
            method: "GET".into(),
            scheme: "https".into(),
            host: "example.com".into(),
            port: 443,
            authority: Bytes::new(),
            path: "/a?b=c+d".into(),
            version: Version::HTTP_11,
            fields: fields(&[("Host", "example.com"), ("Cookie", "a=b; c=d")]),
            content: content(b""),
            trailers: Fields::new(),
            started_at: 1_700_000_000.25,
            ended_at: Some(1_700_000_000.5),
        },
        response: Some(Response {
            version: Version::HTTP_11,
            status: 200,
            reason: "OK".into(),
            fields: fields(&[("Content-Type", "text/plain"), ("Set-Cookie", "e=f; Path=/")]),
            content: content(b"hello"),
            trailers: Fields::new(),
            started_at: 1_700_000_001.5,
            ended_at: Some(1_700_000_001.75),
            pieces: Vec::new(),
        }),
        error: None,
        websocket: None,
    }
}

/// The flow with a response's body, and a field that says how it is coded.
pub(super) fn answered_with(body: Source, extra: &[(&str, &str)]) -> Flow<Source> {
    let mut flow = flow();
    let response = flow.response.as_mut().unwrap();
    response.content = body;
    response.fields.extend(fields(extra));
    flow
}

pub(super) fn fields(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| (Bytes::from((*name).to_owned()), Bytes::from((*value).to_owned()))).collect()
}

pub(super) fn content(body: &[u8]) -> Source {
    Source::Bytes(Bytes::copy_from_slice(body))
}

/// The body somewhere in a file.
pub(super) fn in_file(body: &[u8]) -> Source {
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(body, 7).unwrap();
    Source::File { file: Arc::new(file), offset: 7, len: body.len() as u64 }
}

pub(super) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// A HAR file in a folder that is removed with it.
pub(super) struct Written {
    _folder: tempfile::TempDir,
    pub(super) path: PathBuf,
}

impl Written {
    pub(super) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.har");
        File::create(&path).unwrap();
        Self { _folder: folder, path }
    }

    pub(super) fn with(flows: &[Flow<Source>]) -> Self {
        let written = Self::empty();
        let mut har = HarFile::create(written.file()).unwrap();
        flows.iter().for_each(|flow| har.write(flow).unwrap());
        written
    }

    pub(super) fn of_bytes(bytes: &[u8]) -> Self {
        let written = Self::empty();
        fs::write(&written.path, bytes).unwrap();
        written
    }

    pub(super) fn file(&self) -> File {
        OpenOptions::new().read(true).write(true).open(&self.path).unwrap()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        fs::read(&self.path).unwrap()
    }
}
