//! A client that speaks just enough HTTP/1.1 to a server on this machine. It keeps every byte that it gets, and it can hang up at any
//! moment: the proofs need both, and a real client allows neither.

use crate::door::{Answer, Asked};
use base::{Error, Result};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// One connection that is kept open from request to request. Whoever drops it half-way has hung up.
pub struct Connection {
    stream: TcpStream,
    host: SocketAddr,
    /// What has come and is not yet used up.
    read: BytesMut,
    /// Whether the server said that it closes after this answer.
    closing: bool,
}

impl Connection {
    #[expect(clippy::disallowed_methods, reason = "a proof talks to the server that it has started itself, on a loopback address")]
    pub async fn open(at: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(at).await.map_err(|cause| Error::unavailable("The server cannot be reached.").with_cause(cause))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, host: at, read: BytesMut::new(), closing: false })
    }

    /// Whether another request can be sent through it.
    pub fn is_open(&self) -> bool {
        !self.closing
    }

    /// Sends a request and reads the whole answer; of a stream of events only its head.
    pub async fn send(&mut self, asked: &Asked) -> Result<Answer> {
        self.stream.write_all(&self.written(asked)).await?;
        self.answer().await
    }

    /// Sends the first `bytes` of a request and no more: what a client does that goes away while it is speaking.
    pub async fn begin(&mut self, asked: &Asked, bytes: usize) -> Result<()> {
        let all = self.written(asked);
        self.stream.write_all(all.get(..bytes).unwrap_or(&all)).await?;
        Ok(())
    }

    /// The next bytes of an answer that does not end. `None`: it has ended.
    pub async fn more(&mut self) -> Result<Option<Bytes>> {
        if self.read.is_empty() && self.stream.read_buf(&mut self.read).await? == 0 {
            return Ok(None);
        }
        Ok(Some(self.read.split().freeze()))
    }

    fn written(&self, asked: &Asked) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n", asked.method, asked.path, self.host, asked.body.len());
        for (name, value) in &asked.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(&asked.body);
        text.into_bytes()
    }

    async fn answer(&mut self) -> Result<Answer> {
        let head = self.line_by(b"\r\n\r\n").await?;
        let (status, headers) = head_of(&head)?;
        let says = |name: header::HeaderName, word: &str| headers.get(name).is_some_and(|value| value.as_bytes().starts_with(word.as_bytes()));
        self.closing = says(header::CONNECTION, "close");
        let body = if says(header::CONTENT_TYPE, "text/event-stream") || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
            Bytes::new()
        } else if says(header::TRANSFER_ENCODING, "chunked") {
            self.chunks().await?
        } else {
            let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
            self.exactly(length).await?
        };
        Ok(Answer::new(status, headers, body))
    }

    async fn chunks(&mut self) -> Result<Bytes> {
        let mut whole = BytesMut::new();
        loop {
            let line = self.line_by(b"\r\n").await?;
            let size = std::str::from_utf8(&line).ok().and_then(|line| usize::from_str_radix(line.trim(), 16).ok());
            let size = size.ok_or_else(|| Error::internal("a chunk does not say its size"))?;
            whole.extend_from_slice(&self.exactly(size).await?);
            self.exactly(2).await?;
            if size == 0 {
                return Ok(whole.freeze());
            }
        }
    }

    /// Everything up to and with `end`.
    async fn line_by(&mut self, end: &[u8]) -> Result<Bytes> {
        loop {
            if let Some(at) = self.read.windows(end.len()).position(|window| window == end) {
                return Ok(self.read.split_to(at + end.len()).freeze());
            }
            self.fill().await?;
        }
    }

    async fn exactly(&mut self, length: usize) -> Result<Bytes> {
        while self.read.len() < length {
            self.fill().await?;
        }
        Ok(self.read.split_to(length).freeze())
    }

    async fn fill(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err(Error::unavailable("The server hung up.")),
            _ => Ok(()),
        }
    }
}

fn head_of(head: &[u8]) -> Result<(StatusCode, HeaderMap)> {
    let wrong = |cause: &dyn std::fmt::Display| Error::internal(format!("an answer is not HTTP: {cause}"));
    let text = std::str::from_utf8(head).map_err(|cause| wrong(&cause))?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let status = status.parse::<StatusCode>().map_err(|cause| wrong(&cause))?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name = HeaderName::try_from(name).map_err(|cause| wrong(&cause))?;
        headers.append(name, HeaderValue::try_from(value.trim()).map_err(|cause| wrong(&cause))?);
    }
    Ok((status, headers))
}
