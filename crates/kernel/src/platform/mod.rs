//! What the platform offers beside products, in every silo: events, jobs, search, the description of itself.

mod access;
mod clean_up;
mod events;
mod jobs;
mod meta;
mod openapi;
mod scrub;
mod seal;
mod search;
mod sweep;
mod upkeep;
mod write_down;

pub(crate) use clean_up::clean_up;
pub(crate) use scrub::{keep_scrubbing, scrub};
pub(crate) use seal::Seal;
pub use seal::unseal;
/// How far all silos are on their way to this version.
pub mod migrations {
    pub use super::sweep::{Failure, Pace, Progress, failures, progress};
}
pub(crate) use sweep::{Sweep, keep_migrating, sweep, try_again};
pub(crate) use upkeep::{AtOpen, first_rows};
pub(crate) use write_down::{keep_up, write_down};

use crate::{Module, Operation, Reply, manifest::Manifest};
use base::Result;
use http::StatusCode;
use serde_json::json;

/// The platform's own operations. Their paths are the reserved words of the API.
pub(crate) fn module() -> Result<Module> {
    Ok(Module::new(Manifest::of_platform("platform", "Platform", "Events, jobs, search and what the console is drawn from.", Vec::new(), &[]))
        .always()
        .operations(events::operations()?)
        .operations(jobs::operations())
        .operations(search::operations())
        .operations(meta::operations())
        .operations(access::operations())
        .operations(openapi::operations())
        .operation(
            Operation::get("setup.get", "setup", "Whether this installation is still empty, for its first page.")
                .public()
                .answers_json(
                    StatusCode::OK,
                    json!({ "type": "object", "properties": { "empty": { "type": "boolean" }, "dev": { "type": "boolean" } } }),
                )
                .scan(|tx, _| {
                    let some = tx.sql().row(
                        r#"SELECT "id" FROM "hub_tenants" WHERE "id" <> ?1 LIMIT 1"#,
                        &[base::TenantId::HUB.to_string().into()],
                        |_| Ok(()),
                    )?;
                    Reply::json(&json!({ "empty": some.is_none(), "dev": tx.app().config().dev }))
                }),
        ))
}
