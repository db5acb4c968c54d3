//! Once a minute, and when the server stops, what waits in memory is written down.

use crate::{
    app::App,
    waiting::{Seen, Waiting},
};
use base::{Result, TenantId, Time, Value};
use silo::Head;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// How often what waits in memory is written down.
const EVERY: Duration = Duration::from_secs(60);

/// Writes down, once a minute, what may be lost, and keeps a checkpoint of every log that grew.
pub(crate) async fn keep_up(app: App, stop: Arc<Notify>) {
    loop {
        tokio::select! {
            () = stop.notified() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(error) = write_down(&app).await {
            tracing::warn!(%error, "what waited in memory could not be written; trying again in a minute");
        }
    }
}

/// Heads of the logs that grew, and when credentials were last used: one write to the hub. What cannot be written goes on waiting.
pub(crate) async fn write_down(app: &App) -> Result<()> {
    let waiting = app.waiting();
    let heads: Vec<(TenantId, Head)> = waiting.heads.lock().drain().collect();
    let seen: Vec<(Seen, Time)> = waiting.seen.lock().drain().collect();
    if heads.is_empty() && seen.is_empty() {
        return Ok(());
    }
    let session = i64::from(app.config().tokens.session.0);
    let (kept, used) = (heads.clone(), seen.clone());
    let written = app.hub().write(move |sql| {
        checkpoints(sql, &kept)?;
        used.iter().try_for_each(|(what, at)| last_used(sql, what, *at, session))
    });
    written.await.inspect_err(|_| put_back(waiting, heads, seen))
}

fn put_back(waiting: &Waiting, heads: Vec<(TenantId, Head)>, seen: Vec<(Seen, Time)>) {
    for (tenant, head) in heads {
        waiting.grew(tenant, head);
    }
    for (what, at) in seen {
        waiting.used(what, at);
    }
}

fn checkpoints(sql: &mut silo::Tx<'_>, heads: &[(TenantId, Head)]) -> Result<()> {
    let now = Time::now();
    for (tenant, head) in heads {
        sql.run(
            r#"INSERT INTO "checkpoints" ("tenant", "seq", "hash", "at") VALUES (?1, ?2, ?3, ?4) ON CONFLICT ("tenant", "seq") DO NOTHING"#,
            &[tenant.to_string().into(), head.seq.into(), head.hash.as_slice().into(), now.into()],
        )?;
    }
    Ok(())
}

fn last_used(sql: &mut silo::Tx<'_>, what: &Seen, at: Time, session: i64) -> Result<()> {
    let at_value = Value::from(at);
    match what {
        // A browser that is used stays signed in.
        Seen::Session(id) => sql.run(
            r#"UPDATE "sessions" SET "seen_at" = ?2, "expires_at" = ?3 WHERE "id" = ?1"#,
            &[id.into(), at_value, at.plus_seconds(session).into()],
        ),
        Seen::Family(id) => sql.run(r#"UPDATE "refresh_families" SET "seen_at" = ?2 WHERE "id" = ?1"#, &[id.into(), at_value]),
        Seen::Key(id) => sql.run(r#"UPDATE "keys" SET "seen_at" = ?2 WHERE "id" = ?1"#, &[id.into(), at_value]),
    }
    .map(drop)
}
