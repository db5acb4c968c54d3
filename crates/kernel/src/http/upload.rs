//! Bodies on their way in: JSON into memory, files onto the disk, both with an end.

use base::{Code, Error, Result};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use std::{io::Write, sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const MAX_JSON: usize = 1 << 20;
const MAX_FILE: usize = 64 << 20;
/// A body must arrive within this time; a file may take longer, but never stand still for so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Larger bodies are counted together.
const LARGE: usize = 16 << 10;
/// How many large bodies are held at once: together at most 64 MiB.
const MOST_LARGE: usize = 64;
/// So long a large body waits for room.
const WAIT: Duration = Duration::from_secs(2);

/// Room for large bodies.
#[derive(Clone)]
pub(crate) struct Bodies(Arc<Semaphore>);

impl Default for Bodies {
    fn default() -> Bodies {
        Bodies(Arc::new(Semaphore::new(MOST_LARGE)))
    }
}

impl Bodies {
    async fn room(&self) -> Result<OwnedSemaphorePermit> {
        match tokio::time::timeout(WAIT, self.0.clone().acquire_owned()).await {
            Ok(room) => room.map_err(Error::internal),
            Err(_) => Err(Error::overloaded()),
        }
    }
}

/// What must be kept as long as a body is: its room, and the hash of a file.
#[derive(Default)]
pub(super) struct Kept {
    pub hash: [u8; 32],
    room: Option<OwnedSemaphorePermit>,
}

/// Reads a body of at most 1 MiB.
pub(super) async fn json<B>(mut body: B, bodies: &Bodies, kept: &mut Kept) -> Result<Bytes>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
    B::Error: std::fmt::Display,
{
    let all = async {
        let mut out = BytesMut::new();
        while let Some(chunk) = next(&mut body).await? {
            if out.len() + chunk.len() > MAX_JSON {
                return Err(Error::new(Code::TooLarge, "too-large", "The body is larger than 1 MiB."));
            }
            if out.len() + chunk.len() > LARGE && kept.room.is_none() {
                kept.room = Some(bodies.room().await?);
            }
            out.extend_from_slice(&chunk);
        }
        Ok(out.freeze())
    };
    tokio::time::timeout(PATIENCE, all).await.map_err(|_| Error::malformed("slow", "The body did not arrive in time."))?
}

/// Spools a file of at most 64 MiB; also its SHA-256.
pub(super) async fn file<B>(mut body: B, folder: &std::path::Path) -> Result<(tempfile::NamedTempFile, [u8; 32])>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
    B::Error: std::fmt::Display,
{
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    let mut hash = Sha256::new();
    let mut size = 0;
    loop {
        let chunk = tokio::time::timeout(PATIENCE, next(&mut body)).await.map_err(|_| Error::malformed("slow", "The file stopped arriving."))??;
        let Some(chunk) = chunk else { break };
        size += chunk.len();
        if size > MAX_FILE {
            return Err(Error::new(Code::TooLarge, "too-large", "The file is larger than 64 MiB."));
        }
        hash.update(&chunk);
        // A chunk is some kilobytes into the page cache; the kernel writes it out in its own time.
        file.write_all(&chunk)?;
    }
    file.flush()?;
    Ok((file, hash.finalize().into()))
}

async fn next<B>(body: &mut B) -> Result<Option<Bytes>>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
    B::Error: std::fmt::Display,
{
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(Err(cause)) => return Err(Error::malformed("body", "The body could not be read to its end.").with_cause(cause)),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}
