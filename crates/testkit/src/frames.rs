use crate::{Answer, TestApp};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};
use kernel::http::Payload;
use serde_json::Value;
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

/// An answer that is still being made: server-sent events as they come.
pub struct Frames {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Payload,
    text: String,
}

/// One server-sent event.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub id: String,
    pub event: String,
    pub data: Value,
}

impl TestApp {
    /// Sends a request and takes the answer's head; its body is read as it comes, or not at all.
    pub async fn open(&self, builder: http::request::Builder, body: impl Into<bytes::Bytes>) -> Frames {
        let request = builder.body(Full::new(body.into())).unwrap();
        let response = kernel::http::handle(self.app.clone(), request, IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
        let (head, body) = response.into_parts();
        Frames { status: head.status, headers: head.headers, body, text: String::new() }
    }
}

impl Frames {
    /// The rest of an answer that does end.
    pub async fn whole(self) -> Answer {
        let body = self.body.collect().await.map(|all| all.to_bytes()).unwrap_or_default();
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer { status: self.status, headers: self.headers, body, json }
    }

    /// The next event; comments are passed over. `None`: the stream has ended, or nothing came for five seconds.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
                if !line("data: ").is_empty() {
                    let data = serde_json::from_str(&line("data: ")).unwrap();
                    return Some(Frame { id: line("id: "), event: line("event: "), data });
                }
                continue;
            }
            let frame = tokio::time::timeout(Duration::from_secs(5), self.body.frame()).await.ok()??.ok()?;
            self.text.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap_or_default()));
        }
    }
}
