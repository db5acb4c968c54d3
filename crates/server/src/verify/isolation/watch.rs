//! Searches what leaves, and counts.

use super::{COMPANIES, Report};
use crate::door::text_at;
use base::Result;
use parking_lot::Mutex;
use serde::Serialize;
use std::{
    fs::File,
    io::Read,
    path::Path,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// How every canary begins: letters and digits that survive folding, quoting and being part of an address.
pub const MARK: &str = "canary7";
/// Longer than any canary: so much is searched again where a text comes in pieces.
pub const OVERLAP: usize = 64;
/// One leak proves it; more than so many help nobody.
const SHOWN: usize = 50;

/// A text of one company that reached somebody else.
#[derive(Debug, Clone, Serialize)]
pub struct Leak {
    /// In what: a request, a mail, an export.
    pub place: String,
    /// Whose it is, and who got it (none: nobody who is signed in, or the log), by the number of the company.
    pub of: usize,
    pub to: Option<usize>,
}

pub struct Watch {
    canaries: Vec<String>,
    wanted: u64,
    begun: AtomicU64,
    hung_up: AtomicU64,
    failed: AtomicU64,
    bytes: AtomicU64,
    own: AtomicU64,
    leaks: Mutex<Vec<Leak>>,
}

impl Watch {
    pub fn new(canaries: Vec<String>, wanted: u64) -> Watch {
        let zero = || AtomicU64::new(0);
        Watch { canaries, wanted, begun: zero(), hung_up: zero(), failed: zero(), bytes: zero(), own: zero(), leaks: Mutex::new(Vec::new()) }
    }
    /// Whether one more request is wanted; it counts as begun.
    pub fn next(&self) -> bool {
        self.begun.fetch_add(1, Relaxed) < self.wanted
    }
    pub fn requests(&self) -> u64 {
        self.begun.load(Relaxed).min(self.wanted)
    }
    pub fn leaks(&self) -> usize {
        self.leaks.lock().len()
    }
    pub fn hung_up(&self) {
        self.hung_up.fetch_add(1, Relaxed);
    }
    pub fn failed(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    /// Looks for canaries in what somebody of the company `to` got; `None`: nobody may find any.
    pub fn search(&self, to: Option<usize>, place: &str, bytes: &[u8]) {
        self.bytes.fetch_add(bytes.len() as u64, Relaxed);
        let text = String::from_utf8_lossy(bytes);
        for (at, _) in text.match_indices(MARK) {
            let rest = text.get(at..).unwrap_or_default();
            match self.canaries.iter().position(|canary| rest.starts_with(canary.as_str())) {
                Some(of) if Some(of) != to => self.leaked(Leak { place: place.to_owned(), of, to }),
                Some(_) => drop(self.own.fetch_add(1, Relaxed)),
                None => {}
            }
        }
    }

    /// The same in a file, a piece at a time.
    pub fn search_file(&self, to: Option<usize>, place: &str, path: &Path) -> Result<()> {
        let mut file = File::open(path)?;
        let (mut piece, mut tail) = (vec![0u8; 1 << 20], Vec::new());
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                return Ok(());
            }
            tail.extend_from_slice(piece.get(..read).unwrap_or_default());
            self.search(to, place, &tail);
            tail.drain(..tail.len().saturating_sub(OVERLAP));
        }
    }

    /// Mails: each may hold what belongs to whom it is for. The address itself says who that is.
    pub fn search_mails(&self, folder: &Path) -> Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let bytes = std::fs::read(entry?.path())?;
            let mail: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
            let address = text_at(&mail, "/to").unwrap_or_default();
            let to = self.canaries.iter().position(|canary| address.contains(canary.as_str()));
            self.search(to, &format!("a mail to {address}"), &bytes);
        }
        Ok(())
    }

    pub fn report(&self) -> Report {
        let of = |count: &AtomicU64| count.load(Relaxed);
        Report {
            companies: COMPANIES,
            requests: self.requests(),
            hung_up: of(&self.hung_up),
            failed: of(&self.failed),
            bytes: of(&self.bytes),
            own_seen: of(&self.own),
            seconds: 0,
            leaks: self.leaks.lock().clone(),
        }
    }

    fn leaked(&self, leak: Leak) {
        let mut leaks = self.leaks.lock();
        if leaks.len() < SHOWN {
            leaks.push(leak);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_text_is_a_leak_and_ones_own_is_not() {
        let watch = Watch::new(vec![format!("{MARK}aaaa"), format!("{MARK}bbbb")], 1);
        watch.search(Some(0), "own", format!("<{MARK}aaaa>").as_bytes());
        watch.search(Some(0), "cut", format!("{MARK}bb").as_bytes());
        assert_eq!((watch.leaks(), watch.report().own_seen), (0, 1));
        watch.search(Some(0), "theirs", format!("\u{fffd}x{MARK}bbbb").as_bytes());
        watch.search(None, "nobody's", format!("{MARK}aaaa").as_bytes());
        let found = watch.report().leaks;
        assert_eq!(found.iter().map(|leak| (leak.of, leak.to)).collect::<Vec<_>>(), [(1, Some(0)), (0, None)]);
    }

    #[test]
    fn a_text_is_found_where_two_pieces_of_a_file_meet() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let text = format!("{}{MARK}aaaa", "x".repeat((1 << 20) - 5));
        std::fs::write(&file, text).unwrap();
        let watch = Watch::new(vec![format!("{MARK}aaaa")], 1);
        watch.search_file(None, "log", &file).unwrap();
        assert_eq!(watch.leaks(), 1);
    }
}
