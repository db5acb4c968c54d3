//! All silos together, for the operator: how far they are on their way to this version, and what this server has open.

use http::StatusCode;
use kernel::{Operation, Reply, migrations};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
struct Migrations {
    #[serde(flatten)]
    progress: migrations::Progress,
    /// By tenant; those that were served as they were because their migration failed.
    failures: Vec<migrations::Failure>,
    next: Option<String>,
}

/// Counters of this server since its start, and what it has open now.
#[derive(Serialize, JsonSchema)]
struct Figures {
    open: u64,
    max_open: u64,
    /// Openings that had to touch the disk. When this grows all the time, `max_open` is smaller than what is in use: allow more open files.
    cold_opens: u64,
    /// Databases that were closed to make room for others. One that is in use never is.
    evictions: u64,
    commits: u64,
    /// Units of work; divided by `commits` it says how well they share.
    units: u64,
    failed_units: u64,
    /// Of these, refused because the disk was full.
    full: u64,
    /// Databases that are out of service because they are damaged or missing.
    quarantined: u64,
    /// Requests that were refused as `overloaded` before any work was done for them.
    shed: u32,
    /// How often nobody could go on for 100 ms and more ..
    stalls: u64,
    /// .. and the longest time for which it was so, in milliseconds, also where it was less.
    longest_stall_ms: u64,
}

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("hub.migrations.get", "hub/migrations", "How many databases are at this version, and which could not be brought there.")
            .needs("hub.tenants:read")
            .param("limit", "1 to 200 failures; 50 where it is absent.")
            .param("after", "A tenant's id: only failures that come after it.")
            .answers::<Migrations>(StatusCode::OK)
            .scan(|tx, call| {
                call.only_query(&["limit", "after"])?;
                let (limit, app) = (call.limit()?, tx.app().clone());
                let mut failures = migrations::failures(&app, tx.sql(), call.query("after").unwrap_or_default(), limit + 1)?;
                let next = if failures.len() > limit { failures.get(limit - 1).map(|last| last.tenant.clone()) } else { None };
                failures.truncate(limit);
                Reply::json(&Migrations { progress: migrations::progress(&app, tx.sql())?, failures, next })
            }),
        Operation::get("hub.figures.get", "hub/figures", "What this server has open, and what it has done since its start.")
            .needs("hub.tenants:read")
            .answers::<Figures>(StatusCode::OK)
            .scan(|tx, call| {
                call.only_query(&[])?;
                let app = tx.app();
                let (silos, stalls) = (app.silos(), app.stalls());
                let now = silos.figures();
                Reply::json(&Figures {
                    open: now.open,
                    max_open: now.max_open,
                    cold_opens: now.cold_opens,
                    evictions: now.evictions,
                    commits: now.commits,
                    units: now.units,
                    failed_units: now.failed_units,
                    full: now.full,
                    quarantined: silos.quarantined().len() as u64,
                    shed: app.shed(),
                    stalls: stalls.count(),
                    longest_stall_ms: u64::try_from(stalls.longest().as_millis()).unwrap_or(u64::MAX),
                })
            }),
    ]
}
