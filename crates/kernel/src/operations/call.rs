//! What one caller wants of one operation, and what goes back.

use base::{Error, Result};
use bytes::Bytes;
use http::{HeaderName, StatusCode};
use serde::de::DeserializeOwned;
use std::path::PathBuf;

/// The ways by which an operation can be reached. The authorization sweep walks all of them: a new one fails it until it is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    Http,
    Bulk,
    Import,
    Job,
    CommandLine,
}

impl Door {
    pub const ALL: [Door; 5] = [Door::Http, Door::Bulk, Door::Import, Door::Job, Door::CommandLine];
}

/// What one caller wants of one operation, already off the wire.
pub struct Call {
    pub door: Door,
    /// The `{id}` of the path. An id spelled in any other way than our own is never asked of the database.
    pub id: Option<String>,
    pub query: Vec<(String, String)>,
    pub body: Body,
    pub if_match: Option<IfMatch>,
    pub if_none_match: Option<i64>,
    pub idempotency_key: Option<String>,
    pub last_event_id: Option<String>,
    /// `Prefer: respond-async` (RFC 7240): do not wait for long work.
    pub respond_async: bool,
    /// SHA-256 of an upload.
    pub file_hash: [u8; 32],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMatch {
    Any,
    Version(i64),
    /// A tag that we never gave out: no record has it.
    Never,
}

/// What came with the request.
pub enum Body {
    Empty,
    Json(Bytes),
    /// A large upload, spooled to a file that goes away with this value.
    File(tempfile::NamedTempFile),
}

impl Call {
    pub fn new(door: Door) -> Call {
        Call {
            door,
            id: None,
            query: Vec::new(),
            body: Body::Empty,
            if_match: None,
            if_none_match: None,
            idempotency_key: None,
            last_event_id: None,
            respond_async: false,
            file_hash: [0; 32],
        }
    }
    pub fn with_id(mut self, id: impl Into<String>) -> Call {
        self.id = Some(id.into());
        self
    }
    pub fn with_json(mut self, body: &impl serde::Serialize) -> Result<Call> {
        self.body = Body::Json(serde_json::to_vec(body).map_err(Error::internal)?.into());
        Ok(self)
    }
    /// The `{id}` of the path; nothing to find where there is none.
    pub fn id(&self) -> Result<&str> {
        self.id.as_deref().ok_or_else(Error::not_found)
    }
    /// The `{id}` where it must be a record's: any other spelling names nothing.
    pub fn record_id(&self) -> Result<&str> {
        self.id().and_then(|id| if base::is_id(id) { Ok(id) } else { Err(Error::not_found()) })
    }
    /// The JSON body as bytes; an absent one reads as `{}`.
    pub fn body(&self) -> &[u8] {
        match &self.body {
            Body::Json(bytes) if !bytes.is_empty() => bytes,
            Body::Json(_) | Body::Empty | Body::File(_) => b"{}",
        }
    }
    /// The body as a typed input. The fault names the field and, for a slip of the pen, the nearest name.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        crate::json::read(self.body())
    }
    /// One query parameter, by name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
    /// Refuses query parameters that the operation does not know.
    pub fn only_query(&self, known: &[&str]) -> Result<()> {
        match self.query.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            Some((key, _)) => Err(Error::fault(key.clone(), "unknown", crate::json::unknown("parameter", key, known.iter().copied()))),
            None => Ok(()),
        }
    }
    /// A query parameter that is true or false.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.query(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Error::fault(name, "boolean", "Write true or false.")),
        }
    }
    /// `limit`, between 1 and 200; 50 where it is absent.
    pub fn limit(&self) -> Result<usize> {
        match self.query("limit").map(str::parse::<usize>) {
            None => Ok(50),
            Some(Ok(n)) if (1..=200).contains(&n) => Ok(n),
            Some(_) => Err(Error::fault("limit", "range", "Write a number from 1 to 200.")),
        }
    }
    pub fn file(&self) -> Result<PathBuf> {
        match &self.body {
            Body::File(file) => Ok(file.path().to_owned()),
            Body::Empty | Body::Json(_) => Err(Error::fault("", "body", "Send a file.")),
        }
    }
}

/// What goes back: bytes that are ready to be sent.
pub struct Reply {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: Content,
    /// The version of the full representation; becomes the `ETag`.
    pub version: Option<i64>,
    pub headers: Vec<(HeaderName, String)>,
}

pub enum Content {
    Bytes(Bytes),
    /// Chunks made while the client reads; an error ends the connection, so that a cut answer never looks whole.
    Stream(tokio::sync::mpsc::Receiver<Result<Bytes>>),
}

impl Reply {
    pub fn bytes(status: StatusCode, body: impl Into<Bytes>) -> Reply {
        Reply { status, content_type: "application/json", body: Content::Bytes(body.into()), version: None, headers: Vec::new() }
    }
    pub fn json(value: &impl serde::Serialize) -> Result<Reply> {
        Reply::json_as(StatusCode::OK, value)
    }
    pub fn json_as(status: StatusCode, value: &impl serde::Serialize) -> Result<Reply> {
        serde_json::to_vec(value).map(|body| Reply::bytes(status, body)).map_err(Error::internal)
    }
    pub fn empty() -> Reply {
        Reply::bytes(StatusCode::NO_CONTENT, Bytes::new())
    }
    pub fn stream(content_type: &'static str, chunks: tokio::sync::mpsc::Receiver<Result<Bytes>>) -> Reply {
        Reply { status: StatusCode::OK, content_type, body: Content::Stream(chunks), version: None, headers: Vec::new() }
    }
    pub fn with_version(mut self, version: i64) -> Reply {
        self.version = Some(version);
        self
    }
    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }
    /// Whether this is the kept answer to an earlier request with the same `Idempotency-Key`.
    pub fn is_replay(&self) -> bool {
        self.headers.iter().any(|(name, _)| name == "idempotency-replayed")
    }
    /// The body as one piece, for callers inside the house. A stream has none.
    pub fn into_bytes(self) -> Bytes {
        match self.body {
            Content::Bytes(bytes) => bytes,
            Content::Stream(_) => Bytes::new(),
        }
    }
}
