//! The HTTP door as a caller has it: from inside the process, or through a socket to another one.

use crate::verify::socket;
use base::{Error, Result};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use kernel::{App, mail::Mailer};
use serde_json::Value;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

/// Where requests go.
#[derive(Clone)]
pub enum Door {
    /// An app in this process.
    Inside(App),
    /// A server that listens on this machine, with its data in a folder that can be read here.
    Socket { at: SocketAddr, data: PathBuf },
}

/// One request, ready to be sent through any door.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    /// Path and query.
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The body, where it is JSON.
    pub json: Value,
}

impl Asked {
    pub fn new(method: Method, path: impl Into<String>) -> Asked {
        Asked { method, path: path.into(), headers: Vec::new(), body: String::new() }
    }
    pub fn get(path: impl Into<String>) -> Asked {
        Asked::new(Method::GET, path)
    }
    pub fn post(path: impl Into<String>, body: &Value) -> Asked {
        Asked::new(Method::POST, path).json(body)
    }
    pub fn json(self, body: &Value) -> Asked {
        self.content("application/json", body.to_string())
    }
    /// With a body of this type.
    pub fn content(mut self, content_type: &str, body: String) -> Asked {
        self.body = body;
        self.header("content-type", content_type)
    }
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Asked {
        self.headers.push((name, value.into()));
        self
    }
    /// In somebody's name; `None`: in nobody's.
    pub fn by(self, token: Option<&str>) -> Asked {
        match token {
            Some(token) => self.header("authorization", format!("Bearer {token}")),
            None => self,
        }
    }
}

impl Door {
    /// Sends a request and reads the whole answer; of a stream of events only its head.
    pub async fn send(&self, asked: &Asked) -> Result<Answer> {
        match self {
            Door::Inside(app) => inside(app, asked).await,
            Door::Socket { at, .. } => socket::Connection::open(*at).await?.send(asked).await,
        }
    }

    /// The same, where nothing but success will do.
    pub async fn done(&self, asked: &Asked) -> Result<Answer> {
        let answer = self.send(asked).await?;
        match answer.status.is_success() {
            true => Ok(answer),
            false => Err(Error::malformed("refused", format!("{} {}: {} {}", asked.method, asked.path, answer.status, answer.text()))),
        }
    }

    /// The mails that were sent, where they are files.
    pub fn mailbox(&self) -> Mailer {
        match self {
            Door::Inside(app) => app.mailer().clone(),
            Door::Socket { data, .. } => Mailer::Dev { dir: data.join("mails") },
        }
    }
}

/// A text inside of a JSON value, by its path (RFC 6901): `/user/member`.
pub fn text_at<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    value.pointer(path).and_then(Value::as_str)
}

async fn inside(app: &App, asked: &Asked) -> Result<Answer> {
    let host = app.config().server.public_url.split_once("://").map_or("", |(_, host)| host);
    let mut request = Request::builder().method(asked.method.clone()).uri(&asked.path).header(header::HOST, host);
    for (name, value) in &asked.headers {
        request = request.header(*name, value);
    }
    let request = request.body(Full::new(Bytes::from(asked.body.clone()))).map_err(Error::internal)?;
    // On the heap: whoever sends many of these has a future that would nest deeper than the compiler looks.
    let response = Box::pin(kernel::http::handle(app.clone(), request, IpAddr::V4(Ipv4Addr::LOCALHOST))).await;
    let (head, body) = response.into_parts();
    let endless = head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    let body = if endless { Bytes::new() } else { body.collect().await.map_err(Error::internal)?.to_bytes() };
    Ok(Answer::new(head.status, head.headers, body))
}

impl Answer {
    pub fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Answer {
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer { status, headers, body, json }
    }
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    /// A member of the body that is a text.
    pub fn word(&self, name: &str) -> Result<String> {
        let found = self.json.get(name).and_then(Value::as_str).map(str::to_owned);
        found.ok_or_else(|| Error::internal(format!("an answer has no {name}: {}", self.text())))
    }
    pub fn id(&self) -> Result<String> {
        self.word("id")
    }
    /// The records of a page.
    pub fn items(&self) -> &[Value] {
        self.json.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }
}
