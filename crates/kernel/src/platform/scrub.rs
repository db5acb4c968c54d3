//! Damage is found before somebody needs what is damaged: within a week every silo is read from end to end, one after the other, spread
//! over the whole time. One in which a fault is found is taken out of service like one whose damage a request has met. On PostgreSQL a silo
//! is only looked for: its pages have checksums of their own.

use crate::app::App;
use base::{Result, TenantId};
use std::time::Duration;

/// In this time everything is read once.
const ROUND: Duration = Duration::from_secs(6 * 24 * 3600);
/// The pause between two silos, at least and at most.
const LEAST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(3600);

/// Reads one after the other until the end. It begins anywhere, so that a server which is restarted each day comes to all of them.
pub(crate) async fn keep_scrubbing(app: App) {
    let mut after = base::new_id();
    loop {
        let pause = match next(&app, &after).await {
            Ok(Some((id, all))) => {
                look(&app, id).await;
                after = id.to_string();
                (ROUND / all.max(1)).clamp(LEAST, MOST)
            }
            Ok(None) => {
                after.clear();
                MOST
            }
            Err(error) => {
                tracing::warn!(%error, "no silo could be chosen to be read from end to end");
                MOST
            }
        };
        tokio::select! {
            () = app.stop().rung() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Reads every silo once, without a pause.
pub(crate) async fn scrub(app: &App) -> Result<u64> {
    let (mut after, mut read) = (String::new(), 0);
    while let Some((id, _)) = next(app, &after).await? {
        look(app, id).await;
        (after, read) = (id.to_string(), read + 1);
    }
    Ok(read)
}

/// The silo after this one, and how many there are.
async fn next(app: &App, after: &str) -> Result<Option<(TenantId, u32)>> {
    let after = after.to_owned();
    let find = r#"SELECT "id", (SELECT COUNT(*) FROM "hub_tenants") FROM "hub_tenants"
WHERE "id" > ?1 AND "status" NOT IN ('deleted', 'restoring') ORDER BY "id" LIMIT 1"#;
    let read = |row: &silo::Row<'_>| Ok((row.text(0)?.parse()?, u32::try_from(row.int(1)?).unwrap_or(u32::MAX)));
    app.hub().scan(move |sql| sql.row(find, &[(&after).into()], read)).await
}

async fn look(app: &App, id: TenantId) {
    match app.silos().scrub(id).await {
        Ok(()) => tracing::debug!(tenant = %id, "read from end to end"),
        // A damaged one has said so itself.
        Err(error) => tracing::debug!(tenant = %id, %error, "could not be read from end to end"),
    }
}
