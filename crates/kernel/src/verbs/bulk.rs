//! `:bulk`: the same change on many records. Each record is a unit of work of its own, so that one refusal stops nothing else.

use super::{accepted, problem};
use crate::{
    ctx::Ctx,
    jobs::{Job, Running},
    module::{JobKind, Patience},
    operations::{Call, Operation, Reply, schema_of},
    records::{Plan, Query},
    tx::Tx,
};
use base::{Error, Result};
use futures_util::future::join_all;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Up to this many rows are done while the caller waits.
const AT_ONCE: usize = 100;
/// More rows than this are never touched by one call.
const MOST: usize = 100_000;
/// Units on the way to the writer at the same time: one batch.
const ABREAST: usize = 64;
/// How many refusals an answer lists; they are all counted.
const LISTED: usize = 1000;

#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Bulk {
    /// The records, by id; or else `filter`.
    ids: Option<Vec<String>>,
    /// The records, by a CEL expression.
    filter: Option<String>,
    /// `update`, `delete`, or one of the resource's moves.
    #[serde(rename = "do")]
    verb: String,
    /// For `update`: a merge patch that is applied to each.
    patch: Option<serde_json::Value>,
    /// Says what would happen, and does nothing.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
struct Done {
    matched: usize,
    changed: usize,
    unchanged: usize,
    rejected: Vec<Rejected>,
}

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
struct Rejected {
    id: String,
    problem: String,
}

pub(super) fn operation(plan: &Arc<Plan>) -> Operation {
    let about = format!("Changes many {} at once; over {AT_ONCE} as a job.", plan.labels.to_lowercase());
    let operation = Operation::post(&format!("{}.bulk", plan.resource), &format!("{}/{}:bulk", plan.module, plan.plural), &about)
        .needs(plan.read_permission())
        .reads::<Bulk>()
        .answers_json(StatusCode::OK, schema_of::<Done>());
    let plan = plan.clone();
    operation.run(move |cx, call| start(cx, plan.clone(), call))
}

pub(super) fn job(plan: &Arc<Plan>) -> JobKind {
    let plan = plan.clone();
    JobKind {
        name: format!("{}.bulk", plan.resource),
        patience: Patience::Tries(3),
        work: Arc::new(move |cx, job| {
            let plan = plan.clone();
            Box::pin(async move {
                let what: Bulk = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
                let ids = what.ids.clone().unwrap_or_default();
                let done = work(&cx, &plan, what, ids, Some(&job)).await?;
                serde_json::to_value(done).map_err(Error::internal)
            })
        }),
    }
}

async fn start(cx: Ctx, plan: Arc<Plan>, call: Call) -> Result<Reply> {
    let mut what: Bulk = call.json()?;
    if what.verb != "delete" {
        cx.app().room().admit()?;
    }
    let ids = {
        let (plan, what) = (plan.clone(), what.clone());
        cx.scan(move |tx| chosen(tx, &plan, &what)).await?
    };
    if ids.len() <= AT_ONCE {
        let done = work(&cx, &plan, what, ids, None).await?;
        return cx.finish(call, move |_, _| Reply::json(&done)).await;
    }
    what.ids = Some(ids);
    what.filter = None;
    let args = serde_json::to_value(&what).map_err(Error::internal)?;
    cx.work_is_coming().await?;
    let kind = format!("{}.bulk", plan.resource);
    cx.finish(call, move |tx, _| tx.enqueue(Job::new(&kind, args)).map(|id| accepted(&id))).await
}

/// The ids that are meant, after everything that can be wrong with the request itself has been refused.
fn chosen(tx: &mut Tx<'_, '_>, plan: &Plan, what: &Bulk) -> Result<Vec<String>> {
    let permission = match what.verb.as_str() {
        "update" | "delete" => plan.permission(&what.verb),
        name if plan.states.iter().flat_map(|s| &s.moves).any(|m| m.name == name) => {
            plan.move_permission(name, |p| tx.app().catalogue().permission(p).is_some())
        }
        name => {
            let known = ["update", "delete"].into_iter().chain(plan.states.iter().flat_map(|s| &s.moves).map(|m| m.name.as_str()));
            return Err(Error::fault("do", "unknown", crate::json::unknown("verb", name, known)));
        }
    };
    tx.only(&permission)?;
    match (what.verb.as_str(), &what.patch) {
        ("update", None) => return Err(Error::fault("patch", "required", "Say what to change.")),
        ("update", Some(patch)) if !patch.is_object() => return Err(Error::fault("patch", "type", "Send an object of fields and values.")),
        ("update", Some(_)) | (_, None) => {}
        (_, Some(_)) => return Err(Error::fault("patch", "unknown", "Only `update` takes a patch.")),
    }
    match (&what.ids, &what.filter) {
        (Some(ids), None) => {
            let mut ids = ids.clone();
            ids.sort_unstable();
            ids.dedup();
            if ids.len() > MOST { Err(Error::fault("ids", "range", format!("At most {MOST} records at once."))) } else { Ok(ids) }
        }
        (None, Some(filter)) => {
            let query = Query::parse(plan, [("filter", filter.as_str())], &tx.readable(plan))?;
            tx.ids(plan, &query, MOST)
        }
        (Some(_), Some(_)) => Err(Error::fault("filter", "either", "Send `ids` or `filter`, not both.")),
        (None, None) => Err(Error::fault("ids", "required", "Send `ids` or `filter`.")),
    }
}

async fn work(cx: &Ctx, plan: &Arc<Plan>, what: Bulk, ids: Vec<String>, job: Option<&Running>) -> Result<Done> {
    let mut done = Done { matched: ids.len(), ..Done::default() };
    let patch: Arc<[u8]> = serde_json::to_vec(&what.patch).map_err(Error::internal)?.into();
    let verb: Arc<str> = what.verb.as_str().into();
    for (at, chunk) in ids.chunks(ABREAST).enumerate() {
        if let Some(job) = job {
            let percent = at * ABREAST * 100 / ids.len().max(1);
            job.progress(i64::try_from(percent).unwrap_or(0), &format!("{} of {}", at * ABREAST, ids.len())).await?;
            if job.is_cancelled() {
                break;
            }
        }
        let units = chunk.iter().map(|id| {
            let (plan, patch, verb, id) = (plan.clone(), patch.clone(), verb.clone(), id.clone());
            let dry_run = what.dry_run;
            cx.write(move |tx| {
                let changed = one(tx, &plan, &id, &verb, &patch)?;
                // A dry run goes the whole way and is then taken back.
                if dry_run { Err(Error::conflict("dry-run", if changed { "changed" } else { "unchanged" })) } else { Ok(changed) }
            })
        });
        for (id, outcome) in chunk.iter().zip(join_all(units).await) {
            let outcome = match outcome {
                Err(error) if error.name() == "dry-run" => Ok(error.detail() == "changed"),
                outcome => outcome,
            };
            match outcome {
                Ok(true) => done.changed += 1,
                Ok(false) => done.unchanged += 1,
                Err(error) if error.code() == base::Code::Internal => return Err(error),
                Err(error) if done.rejected.len() < LISTED => done.rejected.push(Rejected { id: id.clone(), problem: problem(&error) }),
                Err(_) => {}
            }
        }
    }
    Ok(done)
}

fn one(tx: &mut Tx<'_, '_>, plan: &Arc<Plan>, id: &str, verb: &str, patch: &[u8]) -> Result<bool> {
    if !base::is_id(id) {
        return Err(Error::not_found());
    }
    match verb {
        "update" => {
            let version = tx.get(plan, id)?.version;
            Ok(tx.patch(plan, id, patch, None)?.version != version)
        }
        "delete" => tx.delete(plan, id, None).map(|_| true),
        step => tx.go(plan, id, step, None).map(|_| true),
    }
}
