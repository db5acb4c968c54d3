//! Whether a log is the one that was written: a walk over its chain, from the first entry to the head.

use super::{COLUMNS, Entry, Hash, data_hash, genesis};
use base::{Error, Result, hex};
use std::{iter::Peekable, slice::Iter};

/// What is wrong with a log, and where.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Broken {
    pub seq: i64,
    pub problem: String,
}

/// What a walk over the whole chain found.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Verified {
    pub tenant: String,
    pub entries: i64,
    pub head: String,
    pub checkpoints: usize,
    pub broken: Option<Broken>,
}

/// Walks the chain from its first entry and compares it with the silo's head and with the heads that the hub has kept.
pub fn verify(sql: &mut silo::Tx<'_>, checkpoints: &[(i64, Vec<u8>)]) -> Result<Verified> {
    let (tenant, origin, head_seq, head_hash) = sql
        .row(r#"SELECT "tenant", "origin", "seq", "hash" FROM "meta" WHERE "one" = 1"#, &[], |row| {
            Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.int(2)?, row.blob(3)?.to_vec()))
        })?
        .ok_or_else(|| Error::internal("a silo without its meta row"))?;
    let mut walk = Walk { previous: genesis(origin.parse()?), expected: 1, kept: checkpoints.iter().peekable(), matched: 0 };
    let broken = match walk.entries(sql)? {
        None => walk.end(head_seq, &head_hash),
        found => found,
    };
    Ok(Verified { tenant, entries: walk.expected - 1, head: hex(&walk.previous), checkpoints: walk.matched, broken })
}

struct Walk<'k> {
    /// Of the entry before.
    previous: Hash,
    /// The number of the next entry.
    expected: i64,
    /// Checkpoints that lie ahead.
    kept: Peekable<Iter<'k, (i64, Vec<u8>)>>,
    matched: usize,
}

impl Walk<'_> {
    /// Every entry, in pages, so that a long log needs neither memory nor one endless query.
    fn entries(&mut self, sql: &mut silo::Tx<'_>) -> Result<Option<Broken>> {
        let page = format!(r#"SELECT {COLUMNS}, "salt", "data_hash" FROM "events" WHERE "seq" >= ?1 ORDER BY "seq" LIMIT 1000"#);
        let mut broken = None;
        loop {
            let from = self.expected;
            sql.each(&page, &[from.into()], |row| {
                if broken.is_none() {
                    broken = self.entry(row).err().map(|problem| Broken { seq: self.expected, problem });
                }
                Ok(())
            })?;
            if broken.is_some() || self.expected == from {
                return Ok(broken);
            }
        }
    }

    fn entry(&mut self, row: &silo::Row<'_>) -> Result<(), String> {
        self.previous = check_one(row, self.expected, &self.previous)?;
        while let Some((seq, hash)) = self.kept.next_if(|(seq, _)| *seq <= self.expected) {
            if *seq == self.expected && hash.as_slice() != self.previous {
                return Err("this entry is not the one that the hub kept a checkpoint of: the log was rewritten".into());
            }
            self.matched += 1;
        }
        self.expected += 1;
        Ok(())
    }

    /// Behind the last entry: whether head and checkpoints say that it is the last.
    fn end(&mut self, head_seq: i64, head_hash: &[u8]) -> Option<Broken> {
        let (expected, entries) = (self.expected, self.expected - 1);
        if entries < head_seq {
            return Some(Broken { seq: expected, problem: format!("the log ends at {entries}, its head says {head_seq}: the tail was cut") });
        }
        if head_seq != entries || head_hash != self.previous {
            return Some(Broken { seq: entries, problem: "the head does not fit the last entry".into() });
        }
        self.kept.next().map(|(seq, _)| Broken {
            seq: expected,
            problem: format!("the hub kept a checkpoint at {seq}, the log ends at {entries}: the tail was cut and the head changed with it"),
        })
    }
}

fn check_one(row: &silo::Row<'_>, expected: i64, previous: &Hash) -> std::result::Result<Hash, String> {
    let read = || -> Result<(Hash, bool, bool, i64)> {
        let seq = row.int(0)?;
        let stored = row.blob(12)?;
        let content_ok = match (row.opt_text(7)?, row.opt_blob(11)?) {
            (Some(data), Some(salt)) => data_hash(salt, data).as_slice() == stored,
            // Erased: the hash stays, the content is gone.
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let entry = Entry {
            seq,
            id: row.text(1)?,
            kind: row.text(2)?,
            subject: row.text(3)?,
            actor: row.text(4)?,
            on_behalf_of: row.opt_text(5)?,
            request_id: row.opt_text(8)?,
            cause: row.opt_text(9)?,
            at: row.int(6)?,
            data_hash: stored,
        };
        let hash = entry.chain(previous);
        Ok((hash, hash.as_slice() == row.blob(10)?, content_ok, seq))
    };
    match read() {
        Err(error) => Err(format!("this entry cannot be read: {error}")),
        Ok((_, _, _, seq)) if seq != expected => Err(format!("entry {expected} is missing; the next one is {seq}")),
        Ok((_, _, false, _)) => Err("the content of this entry was changed".into()),
        Ok((_, false, _, _)) => Err("this entry, or the one before it, was changed".into()),
        Ok((hash, true, true, _)) => Ok(hash),
    }
}
