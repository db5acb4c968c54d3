//! From what a request carries to who it is: a session cookie, an access token or an API key. Each is only the name of a row in
//! the hub. What was read of it counts until this process writes to the hub again, and never longer than a second: what is revoked here is
//! revoked at once, and what another process revokes a second later (docs/decisions/0010).

use crate::{
    app::App,
    ctx::{Person, Proved, Tenant},
    secrets::{api_key_id, token_hash},
    waiting::Seen,
};
use base::{Code, Error, Result, Time, Value};
use moka::sync::Cache;
use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};
use subtle::ConstantTimeEq;

/// How long a row counts that another process may have changed meanwhile.
const REMEMBERED: Duration = Duration::from_secs(1);

/// What came with a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Credential<'a> {
    /// The opaque id of a browser's session.
    Session(&'a str),
    /// `Authorization: Bearer`: an access token or an API key.
    Bearer(&'a str),
}

/// Somebody proved, and whether the company is locked at the moment.
pub(crate) struct Found {
    pub proved: Proved,
    pub suspended: bool,
    /// The canonical id of the account, for limits.
    pub account: String,
}

const PERSON: &str = r#"u."id", u."email", u."name", u."status", t."id", t."slug", t."name", t."status", m."member", m."status""#;

/// One statement for each kind of credential, all with the same columns.
static SESSION: LazyLock<String> = LazyLock::new(|| statement("sessions", "LEFT JOIN", r#"NULL, NULL"#, r#"c."hash" = ?1"#));
static FAMILY: LazyLock<String> =
    LazyLock::new(|| statement("refresh_families", "JOIN", r#"NULL, NULL"#, r#"c."id" = ?1 AND c."status" = 'active'"#));
static KEY: LazyLock<String> =
    LazyLock::new(|| statement("keys", "JOIN", r#"c."hash", c."scopes""#, r#"c."id" = ?1 AND c."status" IN ('active', 'exposed')"#));

fn statement(table: &str, join: &str, own: &str, which: &str) -> String {
    format!(
        r#"SELECT {PERSON}, c."id", c."expires_at", c."seen_at", {own} FROM "{table}" c JOIN "users" u ON u."id" = c."user"
{join} "hub_tenants" t ON t."id" = c."tenant" LEFT JOIN "user_tenants" m ON m."user" = c."user" AND m."tenant" = c."tenant" WHERE {which}"#
    )
}

/// Proves a credential. `None`: it is nobody's, or no longer anybody's.
pub(crate) async fn prove(app: &App, credential: Credential<'_>) -> Result<Option<Found>> {
    let now = Time::now();
    match credential {
        Credential::Session(text) => {
            let row = look_up(app, Name::Session(token_hash(text))).await?;
            Ok(row.filter(|row| row.expires_at > now).map(|row| {
                note(app, Seen::Session(row.credential.clone()), row.seen_at, now);
                row.found("member", None)
            }))
        }
        Credential::Bearer(text) => match api_key_id(text) {
            Some(id) => {
                let row = look_up(app, Name::Key(id.to_owned())).await?;
                let hash = token_hash(text);
                Ok(row.filter(|row| row.expires_at > now && row.hash.as_deref().is_some_and(|stored| stored.ct_eq(&hash).into())).map(|row| {
                    note(app, Seen::Key(row.credential.clone()), row.seen_at, now);
                    let scopes = row.scopes.clone().unwrap_or_default();
                    row.found("key", Some(scopes))
                }))
            }
            None => {
                let Ok(verified) = app.tokens().verify(text, now) else { return Ok(None) };
                let row = look_up(app, Name::Family(verified.sid)).await?;
                Ok(row.filter(|row| row.expires_at > now).map(|row| {
                    note(app, Seen::Family(row.credential.clone()), row.seen_at, now);
                    row.found("member", None)
                }))
            }
        },
    }
}

/// Rows that were read a moment ago, by kind of credential and name.
pub(crate) type Memory = Cache<Name, Remembered>;

/// What a credential says which row it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Name {
    /// The hash of a session's id.
    Session([u8; 32]),
    /// The id of a family of refresh tokens.
    Family(String),
    /// The id of an API key.
    Key(String),
}

impl Name {
    fn question(&self) -> (&'static str, Value<'static>) {
        match self {
            Name::Session(hash) => (&SESSION, Value::Blob(hash.to_vec().into())),
            Name::Family(id) => (&FAMILY, Value::from(id.clone())),
            Name::Key(id) => (&KEY, Value::from(id.clone())),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Remembered {
    row: Arc<Row>,
    /// Of the hub, taken before the row was read.
    generation: u64,
    at: Instant,
}

pub(crate) struct Row {
    credential: String,
    expires_at: Time,
    seen_at: Option<Time>,
    hash: Option<Vec<u8>>,
    scopes: Option<Vec<String>>,
    user: String,
    email: String,
    name: String,
    tenant: Option<(base::TenantId, Tenant, String)>,
    member: Option<String>,
}

async fn look_up(app: &App, name: Name) -> Result<Option<Arc<Row>>> {
    let generation = app.hub().generation();
    if let Some(known) = app.credentials().get(&name).filter(|known| known.generation == generation && known.at.elapsed() < REMEMBERED) {
        return Ok(Some(known.row));
    }
    let at = Instant::now();
    let (sql, key) = name.question();
    let row = read(app, sql, key).await?.map(Arc::new);
    if let Some(row) = row.clone() {
        app.credentials().insert(name, Remembered { row, generation, at });
    }
    Ok(row)
}

async fn read(app: &App, sql: &'static str, key: Value<'static>) -> Result<Option<Row>> {
    app.hub()
        .read(move |tx| {
            let row = tx.row(sql, &[key], |row| {
                if row.text(3)? != "active" {
                    return Ok(None);
                }
                let tenant = match row.opt_text(4)? {
                    Some(id) => Some((id.parse()?, Tenant { slug: row.text(5)?.to_owned(), name: row.text(6)?.to_owned() }, row.text(7)?.to_owned())),
                    None => None,
                };
                Ok(Some(Row {
                    user: row.text(0)?.to_owned(),
                    email: row.text(1)?.to_owned(),
                    name: row.text(2)?.to_owned(),
                    tenant,
                    // Somebody who was deactivated or removed is still somebody, but nobody here.
                    member: match row.opt_text(9)? {
                        Some("active") => row.opt_text(8)?.map(str::to_owned),
                        Some(_) | None => None,
                    },
                    credential: row.text(10)?.to_owned(),
                    expires_at: Time(row.int(11)?),
                    seen_at: row.opt_int(12)?.map(Time),
                    hash: row.opt_blob(13)?.map(<[u8]>::to_vec),
                    scopes: row.opt_text(14)?.map(serde_json::from_str).transpose().map_err(Error::internal)?,
                }))
            })?;
            Ok(row.flatten())
        })
        .await
}

impl Row {
    fn found(&self, kind: &str, scopes: Option<Vec<String>>) -> Found {
        let suspended = self.tenant.as_ref().is_some_and(|(_, _, status)| status != "active");
        let actor = match (&self.member, kind) {
            (Some(_), "key") => format!("key:{}", self.credential),
            (Some(member), _) => format!("member:{member}"),
            (None, _) => "anonymous".to_owned(),
        };
        let (tenant_id, tenant) = match &self.tenant {
            Some((id, tenant, _)) => (Some(*id), tenant.clone()),
            None => (None, Tenant::default()),
        };
        let person = Person {
            user: self.user.clone(),
            email: self.email.clone(),
            name: self.name.clone(),
            credential: self.credential.clone(),
            expires_at: self.expires_at,
        };
        Found { proved: Proved { tenant_id, tenant, member: self.member.clone(), actor, scopes, person }, suspended, account: self.user.clone() }
    }
}

/// Whether a credential that was proved a while ago still counts, by the id of its row.
pub(crate) async fn still_good(app: &App, id: &str) -> Result<()> {
    let id = id.to_owned();
    let good = app
        .hub()
        .read(move |tx| {
            tx.row(
                r#"SELECT 1 FROM (SELECT "user", "tenant" FROM "sessions" WHERE "id" = ?1 AND "expires_at" > ?2
UNION ALL SELECT "user", "tenant" FROM "refresh_families" WHERE "id" = ?1 AND "status" = 'active' AND "expires_at" > ?2
UNION ALL SELECT "user", "tenant" FROM "keys" WHERE "id" = ?1 AND "status" IN ('active', 'exposed') AND "expires_at" > ?2) c
JOIN "users" u ON u."id" = c."user" AND u."status" = 'active' JOIN "hub_tenants" t ON t."id" = c."tenant" AND t."status" = 'active'
JOIN "user_tenants" m ON m."user" = c."user" AND m."tenant" = c."tenant" AND m."status" = 'active'"#,
                &[(&id).into(), Time::now().into()],
                |_| Ok(()),
            )
        })
        .await?;
    good.ok_or_else(Error::anonymous)
}

/// Remembers that a credential was used; written down with others within a minute, and not more often than that.
fn note(app: &App, what: Seen, before: Option<Time>, now: Time) {
    if before.is_none_or(|seen| now.0 - seen.0 > 60_000_000) {
        app.waiting().used(what, now);
    }
}

/// A company that is locked answers to nobody but the doors that let people out of it.
pub(crate) fn refuse_suspended(found: &Found, operation: &str) -> Result<()> {
    if found.suspended && !operation.starts_with("auth.") {
        return Err(Error::new(Code::Denied, "tenant-suspended", "This company is suspended at the moment."));
    }
    Ok(())
}
