//! The log of a silo: one append-only table, written in the transaction of the change, each entry chained to the one before.
//!
//! `hash = SHA-256(previous hash, then for each of seq, id, type, subject, actor, on_behalf_of, request_id, cause, at, data_hash
//! its length as u32 big-endian and its bytes)`; text is UTF-8, numbers are 8 bytes big-endian, an absent value is the length
//! 2^32-1. `data_hash = SHA-256(16 bytes of salt, data as stored)`. The first entry follows SHA-256 of the tenant's id.
//! So the content of an entry can be erased and the chain still verifies.

use crate::ctx::Ctx;
use base::{Error, Result, TenantId, Time, Value, hex};
use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];

/// What the chain of a new silo starts from. A restored copy keeps the id it was copied from.
pub fn genesis(origin: TenantId) -> Hash {
    Sha256::digest(origin.to_string().as_bytes()).into()
}

/// One entry, without its content.
pub struct Entry<'e> {
    pub seq: i64,
    pub id: &'e str,
    pub kind: &'e str,
    pub subject: &'e str,
    pub actor: &'e str,
    pub on_behalf_of: Option<&'e str>,
    pub request_id: Option<&'e str>,
    pub cause: Option<&'e str>,
    pub at: i64,
    pub data_hash: &'e [u8],
}

impl Entry<'_> {
    /// The hash of this entry, given that of the entry before.
    pub fn chain(&self, previous: &Hash) -> Hash {
        let mut hash = Sha256::new();
        hash.update(previous);
        let number = |n: i64| n.to_be_bytes();
        for part in [
            Some(number(self.seq).as_slice()),
            Some(self.id.as_bytes()),
            Some(self.kind.as_bytes()),
            Some(self.subject.as_bytes()),
            Some(self.actor.as_bytes()),
            self.on_behalf_of.map(str::as_bytes),
            self.request_id.map(str::as_bytes),
            self.cause.map(str::as_bytes),
            Some(number(self.at).as_slice()),
            Some(self.data_hash),
        ] {
            let length = part.map_or(u32::MAX, |bytes| u32::try_from(bytes.len()).unwrap_or(u32::MAX - 1));
            hash.update(length.to_be_bytes());
            hash.update(part.unwrap_or_default());
        }
        hash.finalize().into()
    }
}

/// The hash over an entry's content as it is stored.
pub fn data_hash(salt: &[u8], data: &str) -> Hash {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(data.as_bytes());
    hash.finalize().into()
}

const INSERT: &str = r#"INSERT INTO "events" ("seq", "id", "type", "subject", "actor", "on_behalf_of", "at", "data", "salt", "data_hash", "request_id", "cause", "hash")
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"#;

/// Who an entry says it was, and why.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct By<'b> {
    pub actor: &'b str,
    pub on_behalf_of: Option<&'b str>,
    pub request_id: Option<&'b str>,
    pub cause: Option<&'b str>,
}

/// Appends one entry in the transaction at hand, and tells whoever listens once it is on the disk.
pub(crate) fn append(cx: &Ctx, sql: &mut silo::Tx<'_>, at: Time, kind: &str, subject: &str, data: &str) -> Result<i64> {
    if cfg!(debug_assertions) && !cx.app().catalogue().emits(kind) {
        return Err(Error::internal(format!("the event {kind} is not declared by any module")));
    }
    let trace = cx.trace();
    let by = By {
        actor: cx.actor(),
        on_behalf_of: cx.on_behalf_of(),
        request_id: Some(trace.request_id.as_str()).filter(|id| !id.is_empty()),
        cause: trace.cause.as_deref(),
    };
    let seq = append_by(by, sql, at, kind, subject, data)?;
    let (app, tenant, head) = (cx.app().clone(), sql.tenant(), *sql.head());
    sql.after_commit(move || {
        app.waiting().grew(tenant, head);
        let _ = app.changes().send(tenant); // nobody may be listening
    });
    Ok(seq)
}

/// The same where there is no context yet: while a silo is being opened.
pub(crate) fn append_by(by: By<'_>, sql: &mut silo::Tx<'_>, at: Time, kind: &str, subject: &str, data: &str) -> Result<i64> {
    let mut salt = [0u8; 16];
    getrandom::fill(&mut salt).map_err(Error::internal)?;
    let id = base::new_id();
    let data_hash = data_hash(&salt, data);
    let By { actor, on_behalf_of, request_id, cause } = by;
    let head = sql.head();
    let seq = head.seq + 1;
    let entry = Entry { seq, id: &id, kind, subject, actor, on_behalf_of, request_id, cause, at: at.0, data_hash: &data_hash };
    let hash = entry.chain(&head.hash);
    head.seq = seq;
    head.hash = hash;
    sql.later(
        INSERT,
        &[
            seq.into(),
            Value::from(&id),
            kind.into(),
            subject.into(),
            actor.into(),
            on_behalf_of.into(),
            at.into(),
            data.into(),
            salt.as_slice().into(),
            data_hash.as_slice().into(),
            request_id.into(),
            cause.into(),
            hash.as_slice().into(),
        ],
    )?;
    Ok(seq)
}

/// The columns of an entry, in the order that [`write`] reads them.
pub const COLUMNS: &str = r#""seq", "id", "type", "subject", "actor", "on_behalf_of", "at", "data", "request_id", "cause", "hash""#;

/// Appends an entry as JSON, just as the API shows it.
pub fn write(row: &silo::Row<'_>, out: &mut Vec<u8>) -> Result<()> {
    write_with(row, out, |data, out| {
        out.extend_from_slice(data.as_bytes());
        Ok(())
    })
}

/// The same with the content rewritten on its way, as where a reader may not see every field.
pub fn write_with(row: &silo::Row<'_>, out: &mut Vec<u8>, data: impl FnOnce(&str, &mut Vec<u8>) -> Result<()>) -> Result<()> {
    use crate::json::{number, optional, string};
    out.extend_from_slice(b"{\"seq\":");
    number(row.int(0)?, out);
    for (name, at) in [("id", 1), ("type", 2), ("subject", 3), ("actor", 4)] {
        out.extend_from_slice(format!(",\"{name}\":").as_bytes());
        string(row.text(at)?, out);
    }
    out.extend_from_slice(b",\"on_behalf_of\":");
    optional(row.opt_text(5)?, out);
    out.extend_from_slice(b",\"at\":\"");
    Time(row.int(6)?).write(out);
    out.extend_from_slice(b"\",\"data\":");
    match row.opt_text(7)? {
        Some(text) => data(text, out)?,
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"request_id\":");
    optional(row.opt_text(8)?, out);
    out.extend_from_slice(b",\"cause\":");
    optional(row.opt_text(9)?, out);
    out.extend_from_slice(b",\"hash\":\"");
    out.extend_from_slice(hex(row.blob(10)?).as_bytes());
    out.extend_from_slice(b"\"}");
    Ok(())
}

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
    let mut previous = genesis(origin.parse()?);
    let mut expected = 1;
    let mut broken: Option<Broken> = None;
    let mut kept = checkpoints.iter().peekable();
    let mut matched = 0;
    while broken.is_none() {
        // In pages, so that a long log needs neither memory nor one endless query.
        let mut page = 0;
        sql.each(
            &format!(r#"SELECT {COLUMNS}, "salt", "data_hash" FROM "events" WHERE "seq" >= ?1 ORDER BY "seq" LIMIT 1000"#),
            &[expected.into()],
            |row| {
                page += 1;
                if broken.is_some() {
                    return Ok(());
                }
                match check_one(row, expected, &previous) {
                    Ok(hash) => previous = hash,
                    Err(problem) => {
                        broken = Some(Broken { seq: expected, problem });
                        return Ok(());
                    }
                }
                while let Some((seq, hash)) = kept.peek().filter(|(seq, _)| *seq <= expected) {
                    if *seq == expected && hash.as_slice() != previous {
                        broken = Some(Broken {
                            seq: expected,
                            problem: "this entry is not the one that the hub kept a checkpoint of: the log was rewritten".into(),
                        });
                        return Ok(());
                    }
                    matched += 1;
                    kept.next();
                }
                expected += 1;
                Ok(())
            },
        )?;
        if page == 0 {
            break;
        }
    }
    let entries = expected - 1;
    if broken.is_none() {
        broken = if entries < head_seq {
            Some(Broken { seq: expected, problem: format!("the log ends at {entries}, its head says {head_seq}: the tail was cut") })
        } else if head_seq != entries || head_hash != previous {
            Some(Broken { seq: entries, problem: "the head does not fit the last entry".into() })
        } else {
            kept.next().map(|(seq, _)| Broken {
                seq: expected,
                problem: format!("the hub kept a checkpoint at {seq}, the log ends at {entries}: the tail was cut and the head changed with it"),
            })
        };
    }
    Ok(Verified { tenant, entries, head: hex(&previous), checkpoints: matched, broken })
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
