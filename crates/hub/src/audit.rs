//! Offline proof that a log is whole.

use base::{Result, TenantId};
use kernel::{App, events};

/// Walks a silo's chain and compares it with its head and with the hub's checkpoints.
pub async fn verify(app: &App, tenant: TenantId) -> Result<events::Verified> {
    let id = tenant.to_string();
    let checkpoints = app
        .hub()
        .scan(move |sql| {
            sql.rows(r#"SELECT "seq", "hash" FROM "checkpoints" WHERE "tenant" = ?1 ORDER BY "seq""#, &[(&id).into()], |row| {
                Ok((row.int(0)?, row.blob(1)?.to_vec()))
            })
        })
        .await?;
    app.silo(tenant).await?.scan(move |sql| events::verify(sql, &checkpoints)).await
}
