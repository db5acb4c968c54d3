//! Once a minute, and when the server stops, what waits in memory is written down. Once an hour the hub is cleaned up.

use super::clean_up;
use crate::{
    app::App,
    ctx::Ctx,
    tx::Tx,
    waiting::{Seen, Tries, Waiting, Who},
};
use base::{Result, TenantId, Time};
use serde_json::json;
use silo::{Head, Silo};
use std::{collections::BTreeMap, time::Duration};

/// How often what waits in memory is written down.
const EVERY: Duration = Duration::from_secs(60);
/// The hub is cleaned up every so many times, and the first time.
const CLEAN_EVERY: u64 = 60;
/// So much goes in one unit, which others then do not wait for long.
const AT_ONCE: usize = 200;
/// How long tries wait for their silo to be open, in seconds.
const PATIENCE: i64 = 3600;

/// Writes down, once a minute, what may be lost, and keeps a checkpoint of every log that grew.
pub(crate) async fn keep_up(app: App) {
    for minute in 0_u64.. {
        tokio::select! {
            () = app.stop().rung() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(error) = write_down(&app).await {
            tracing::warn!(%error, "what waited in memory could not be written; trying again in a minute");
        }
        if minute % CLEAN_EVERY == 0
            && let Err(error) = clean_up(&app).await
        {
            tracing::warn!(%error, "the hub could not be cleaned up; trying again in an hour");
        }
    }
}

/// The log says what was refused; then the hub hears where the logs stand and when credentials were last used. What cannot be written
/// goes on waiting.
pub(crate) async fn write_down(app: &App) -> Result<()> {
    tell_tries(app).await;
    let waiting = app.waiting();
    let mut news: Vec<News> = waiting.heads.lock().drain().map(|(tenant, head)| News::Head(tenant, head)).collect();
    news.extend(waiting.seen.lock().drain().map(|(what, at)| News::Used(what, at)));
    let session = i64::from(app.config().tokens.session.0);
    let mut outcome = Ok(());
    for some in news.chunks(AT_ONCE) {
        let work = some.to_vec();
        let written = app.hub().write(move |sql| work.iter().try_for_each(|news| news.write(sql, session))).await;
        if let Err(error) = written {
            some.iter().for_each(|news| news.put_back(waiting));
            outcome = Err(error);
        }
    }
    outcome
}

/// What the hub has not heard yet.
#[derive(Clone)]
enum News {
    Head(TenantId, Head),
    Used(Seen, Time),
}

impl News {
    fn put_back(&self, waiting: &Waiting) {
        match self {
            News::Head(tenant, head) => waiting.grew(*tenant, *head),
            News::Used(what, at) => waiting.used(what.clone(), *at),
        }
    }

    /// `session` is how many seconds a browser that was used stays signed in.
    fn write(&self, sql: &mut silo::Tx<'_>, session: i64) -> Result<()> {
        match self {
            // Not of a company that was deleted meanwhile.
            News::Head(tenant, head) => sql.run(
                r#"INSERT INTO "checkpoints" ("tenant", "seq", "hash", "at") SELECT ?1, ?2, ?3, ?4
WHERE NOT EXISTS (SELECT 1 FROM "hub_tenants" WHERE "id" = ?1 AND "status" = 'deleted') ON CONFLICT ("tenant", "seq") DO NOTHING"#,
                &[tenant.to_string().into(), head.seq.into(), head.hash.as_slice().into(), Time::now().into()],
            ),
            // A browser that is used stays signed in.
            News::Used(Seen::Session(id), at) => sql.run(
                r#"UPDATE "sessions" SET "seen_at" = ?2, "expires_at" = ?3 WHERE "id" = ?1"#,
                &[id.into(), (*at).into(), at.plus_seconds(session).into()],
            ),
            News::Used(Seen::Family(id), at) => {
                sql.run(r#"UPDATE "refresh_families" SET "seen_at" = ?2 WHERE "id" = ?1"#, &[id.into(), (*at).into()])
            }
            News::Used(Seen::Key(id), at) => sql.run(r#"UPDATE "keys" SET "seen_at" = ?2 WHERE "id" = ?1"#, &[id.into(), (*at).into()]),
        }
        .map(drop)
    }
}

/// One event for each who tried in vain: in the log of their company if its silo is open, else a while later.
async fn tell_tries(app: &App) {
    let mut by_silo: BTreeMap<TenantId, Vec<(Who, Tries)>> = BTreeMap::new();
    for (who, tries) in app.waiting().tries.lock().drain() {
        let tenant = match &who {
            Who::Denied { tenant, .. } => *tenant,
            Who::Failed { .. } => TenantId::HUB,
        };
        by_silo.entry(tenant).or_default().push((who, tries));
    }
    for (tenant, mut all) in by_silo {
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        let silo = app.silos().if_open(tenant);
        for some in all.chunks(AT_ONCE) {
            let told = match &silo {
                Some(silo) => tell(app, silo, some.to_vec()).await.inspect_err(|error| tracing::warn!(%tenant, %error, "told later")).is_ok(),
                None => false,
            };
            if !told {
                wait_on(app, some);
            }
        }
    }
}

fn wait_on(app: &App, tries: &[(Who, Tries)]) {
    let too_old = Time::now().plus_seconds(-PATIENCE);
    for (who, tries) in tries.iter().filter(|(_, tries)| tries.since > too_old) {
        app.waiting().add_tries(who.clone(), tries.clone());
    }
}

async fn tell(app: &App, silo: &Silo, all: Vec<(Who, Tries)>) -> Result<()> {
    let (app, here) = (app.clone(), silo.clone());
    silo.write(move |sql| {
        for (who, tries) in &all {
            let (count, since) = (tries.of.values().sum::<u64>(), tries.since.to_string());
            let (kind, actor, subject, data) = match who {
                Who::Denied { actor, .. } => {
                    let data = json!({"count": count, "operations": tries.of, "since": since});
                    ("account.access.denied", actor.as_deref(), subject_of(actor.as_deref()), data)
                }
                Who::Failed { user } => {
                    let subject = user.as_ref().map_or_else(|| "account.users".to_owned(), |id| format!("account.users/{id}"));
                    ("account.session.failed", None, subject, json!({"count": count, "reasons": tries.of, "since": since}))
                }
            };
            Tx::begin(&Ctx::of_hindsight(&app, here.clone(), actor), sql)?.emit(kind, &subject, &data)?;
        }
        Ok(())
    })
    .await
}

/// Whom the log means by this actor.
fn subject_of(actor: Option<&str>) -> String {
    match actor.and_then(|actor| actor.split_once(':')) {
        Some(("key", id)) => format!("account.keys/{id}"),
        Some((_, id)) => format!("account.members/{id}"),
        None => "account.members".to_owned(),
    }
}
