//! The log of a silo: one append-only table, written in the transaction of the change, each entry chained to the one before.
//!
//! `hash = SHA-256(previous hash, then for each of seq, id, type, subject, actor, on_behalf_of, request_id, cause, at, data_hash
//! its length as u32 big-endian and its bytes)`; text is UTF-8, numbers are 8 bytes big-endian, an absent value is the length
//! 2^32-1. `data_hash = SHA-256(16 bytes of salt, data as stored)`. The first entry follows SHA-256 of the tenant's id.
//! So the content of an entry can be erased and the chain still verifies.

mod verify;

pub use verify::{Broken, Verified, verify};

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
