//! From what a request carries to who it is: a session cookie, an access token or an API key. Each is only the name of a row in
//! the hub. What was read of it counts until this process writes to the hub again, and never longer than a second: what is revoked here is
//! revoked at once, and what another process revokes a second later (docs/decisions/0010).

use crate::{
    access::Subject,
    app::App,
    ctx::{Identity, Person, Proved, Tenant},
    secrets::{api_key_id, token_hash},
    waiting::Seen,
};
use base::{Code, Error, Result, TenantId, Time, Value};
use quick_cache::sync::Cache;
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
pub(crate) async fn prove(app: &App, credential: Credential<'_>) -> Result<Option<Proved>> {
    let now = Time::now();
    let (kind, text) = match credential {
        Credential::Session(text) => (Kind::Session, text),
        Credential::Bearer(text) if api_key_id(text).is_some() => (Kind::Key, text),
        Credential::Bearer(text) => (Kind::Token, text),
    };
    let name = (kind, token_hash(text));
    let generation = app.hub().generation();
    let known = app.credentials().get(&name).filter(|known| known.generation == generation && known.at.elapsed() < REMEMBERED);
    let found = match known {
        Some(known) => known,
        None => {
            let at = Instant::now();
            let Some(row) = ask(app, kind, text, now).await? else { return Ok(None) };
            let found = row.remembered(kind, generation, at);
            app.credentials().insert(name, found.clone());
            found
        }
    };
    if found.expires_at <= now {
        return Ok(None);
    }
    note(app, kind, &found, now);
    Ok(Some(found.proved))
}

/// Credentials that were proved a moment ago, by the hash of the whole text.
pub(crate) type Memory = Cache<(Kind, [u8; 32]), Remembered>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Session,
    Token,
    Key,
}

#[derive(Clone)]
pub(crate) struct Remembered {
    proved: Proved,
    expires_at: Time,
    seen_at: Option<Time>,
    /// Of the hub, taken before the row was read.
    generation: u64,
    at: Instant,
}

struct Row {
    credential: String,
    expires_at: Time,
    seen_at: Option<Time>,
    hash: Option<Vec<u8>>,
    scopes: Option<Vec<String>>,
    user: String,
    email: String,
    name: String,
    tenant: Option<(TenantId, Tenant, String)>,
    member: Option<String>,
}

/// The row that a credential stands for, if it is that credential's.
async fn ask(app: &App, kind: Kind, text: &str, now: Time) -> Result<Option<Row>> {
    let hash = token_hash(text);
    match kind {
        Kind::Session => read(app, &SESSION, Value::Blob(hash.to_vec().into())).await,
        Kind::Key => {
            let row = read(app, &KEY, Value::from(api_key_id(text).unwrap_or_default().to_owned())).await?;
            Ok(row.filter(|row| row.hash.as_deref().is_some_and(|stored| stored.ct_eq(&hash).into())))
        }
        Kind::Token => {
            let Ok(verified) = app.tokens().verify(text, now) else { return Ok(None) };
            let row = read(app, &FAMILY, Value::from(verified.sid)).await?;
            Ok(row.map(|row| Row { expires_at: row.expires_at.min(verified.expires), ..row }))
        }
    }
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
    fn remembered(self, kind: Kind, generation: u64, at: Instant) -> Remembered {
        let suspended = self.tenant.as_ref().is_some_and(|(_, _, status)| status != "active");
        let actor = match (&self.member, kind) {
            (Some(_), Kind::Key) => format!("key:{}", self.credential),
            (Some(member), Kind::Session | Kind::Token) => format!("member:{member}"),
            (None, _) => "anonymous".to_owned(),
        };
        let (id, tenant) = self.tenant.map_or((None, Tenant::default()), |(id, tenant, _)| (Some(id), tenant));
        let (tenant_id, subject) = match self.member {
            Some(member) => (id, Subject::Member(member)),
            None => (None, Subject::Nobody),
        };
        let scopes = (kind == Kind::Key).then(|| self.scopes.unwrap_or_default());
        let person = Person { user: self.user, email: self.email, name: self.name, credential: self.credential };
        let who = Identity { subject, actor, on_behalf_of: None, person: Some(person), tenant, scopes };
        let proved = Proved { tenant: tenant_id, who: Arc::new(who), suspended };
        Remembered { proved, expires_at: self.expires_at, seen_at: self.seen_at, generation, at }
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
fn note(app: &App, kind: Kind, found: &Remembered, now: Time) {
    let fresh = found.seen_at.is_some_and(|seen| now.0 - seen.0 <= 60_000_000);
    let Some(person) = found.proved.who.person.as_ref().filter(|_| !fresh) else { return };
    let id = person.credential.clone();
    let what = match kind {
        Kind::Session => Seen::Session(id),
        Kind::Token => Seen::Family(id),
        Kind::Key => Seen::Key(id),
    };
    app.waiting().used(what, now);
}

/// A company that is locked answers to nobody but the doors that let people out of it.
pub(crate) fn refuse_suspended(found: &Proved, operation: &str) -> Result<()> {
    if found.suspended && !leads_out(operation) {
        return Err(Error::new(Code::Denied, "tenant-suspended", "This company is suspended at the moment."));
    }
    Ok(())
}

/// Whether an operation is a door that lets people out of their company.
pub(crate) fn leads_out(operation: &str) -> bool {
    operation.starts_with("auth.")
}
