//! Room on the disk. Beside the silos lies a file that holds nothing, the ballast. When the disk is full it is given up, so that deleting
//! and shutting down still have something to write on; until there is room again nothing else is written and no job begins. Reading goes
//! on throughout, and nobody has to restart anything.

use crate::{app::App, config::Config, operations::Operation};
use base::{Code, Error, Result};
use http::Method;
use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    sync::atomic::{
        AtomicBool, AtomicU64,
        Ordering::{Relaxed, SeqCst},
    },
    time::Duration,
};

/// How often somebody looks.
const EVERY: Duration = Duration::from_secs(1);
/// Less than this part of the ballast is as good as nothing.
const LEAST: u64 = 16;
/// A disk that is so full, in percent, is nearly full.
const NEARLY: u64 = 85;

pub(crate) struct Room {
    folder: PathBuf,
    /// 0: nobody looks, and each write finds out for itself.
    ballast: u64,
    /// The disk was full and is not known to have room again.
    short: AtomicBool,
    /// Somebody was told that it is nearly full.
    nearly: AtomicBool,
    /// How many units had been refused for want of room when somebody last looked.
    refused: AtomicU64,
}

impl Room {
    pub fn new(config: &Config) -> Room {
        // A PostgreSQL has a disk of its own.
        let ballast = if config.storage.silos.is_empty() { config.storage.ballast.0 } else { 0 };
        Room { folder: config.data.clone(), ballast, short: AtomicBool::new(false), nearly: AtomicBool::new(false), refused: AtomicU64::new(0) }
    }

    pub fn is_short(&self) -> bool {
        self.short.load(Relaxed)
    }

    /// Refuses what would only fill the disk again.
    pub fn admit(&self) -> Result<()> {
        if self.is_short() { Err(Error::full("the ballast was given up")) } else { Ok(()) }
    }

    /// Reading goes on, and so does what makes room: deleting, one or in bulk, and signing in to do so.
    pub fn admit_operation(&self, operation: &Operation) -> Result<()> {
        let goes_on = [Method::GET, Method::DELETE].contains(&operation.method)
            || operation.credential
            || operation.cookie
            || operation.proof
            || operation.name.ends_with(".bulk");
        if goes_on { Ok(()) } else { self.admit() }
    }

    /// Looks at the disk and does what is to be done. May block.
    fn look(&self, refused: u64) -> Result<()> {
        let path = self.folder.join("ballast");
        let more = self.refused.swap(refused, SeqCst) != refused;
        let Disk { free, part } = disk(&self.folder)?;
        self.warn(part);
        let held = fs::metadata(&path).is_ok_and(|m| m.len() == self.ballast);
        if self.is_short() {
            if !more && free >= self.ballast.saturating_mul(2) && make(&self.folder, &path, self.ballast)? {
                self.short.store(false, SeqCst);
                tracing::info!("there is room on the disk again: everything goes on");
            }
        } else if more || free < self.ballast / LEAST {
            self.short.store(true, SeqCst);
            remove(&path)?;
            tracing::error!(free, "the disk is full: only reading and deleting go on, and jobs wait. Make room, nothing has to be restarted");
        } else if !held && free >= self.ballast.saturating_mul(2) {
            make(&self.folder, &path, self.ballast)?;
        }
        Ok(())
    }

    /// Says once that the disk is nearly full, and once that it no longer is.
    fn warn(&self, part: u64) {
        if part >= NEARLY && !self.nearly.swap(true, SeqCst) {
            tracing::warn!(percent = part, "the disk is nearly full: make room before writing stops");
        } else if part < NEARLY - 5 && self.nearly.swap(false, SeqCst) {
            tracing::info!(percent = part, "the disk is no longer nearly full");
        }
    }
}

/// Looks once a second, until the end.
pub(crate) async fn keep(app: App) {
    if app.room().ballast == 0 {
        // One that an earlier configuration has made.
        drop(remove(&app.room().folder.join("ballast")));
        return;
    }
    loop {
        let here = app.clone();
        let looked = tokio::task::spawn_blocking(move || here.room().look(here.silos().figures().full)).await;
        if let Err(error) = looked.map_err(Error::internal).flatten() {
            tracing::warn!(%error, "looking for room on the disk failed; trying again");
        }
        tokio::select! {
            () = app.stop().rung() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// The disk that a folder is on.
pub struct Disk {
    /// Bytes that are free.
    pub free: u64,
    /// How full it is, in percent.
    pub part: u64,
}

/// Looks at the disk of a folder.
pub fn disk(folder: &Path) -> Result<Disk> {
    let disk = rustix::fs::statvfs(folder).map_err(Error::internal)?;
    // What is kept for the superuser is not ours.
    let all = disk.f_blocks.saturating_sub(disk.f_bfree).saturating_add(disk.f_bavail);
    let part = 100 - disk.f_bavail.saturating_mul(100).checked_div(all).unwrap_or(0).min(100);
    Ok(Disk { free: disk.f_bavail.saturating_mul(disk.f_frsize), part })
}

/// Writes the ballast, all of it or nothing. Random bytes take their room on file systems that compress, too.
fn make(folder: &Path, path: &Path, size: u64) -> Result<bool> {
    let draft = folder.join("ballast.new");
    let written = fill(&draft, size);
    match written {
        Ok(()) => fs::rename(&draft, path).map(|()| true).map_err(Error::from),
        Err(error) => {
            remove(&draft)?;
            if error.code() == Code::Full { Ok(false) } else { Err(error) }
        }
    }
}

fn fill(draft: &Path, size: u64) -> Result<()> {
    let mut file = fs::File::create(draft)?;
    let mut bytes = vec![0; 1 << 20];
    let mut left = size;
    while left > 0 {
        getrandom::fill(&mut bytes).map_err(Error::internal)?;
        bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()));
        file.write_all(&bytes)?;
        left -= bytes.len() as u64;
    }
    Ok(file.sync_all()?)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e.into()),
        _ => Ok(()),
    }
}
