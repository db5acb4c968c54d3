//! `:import`: a CSV file becomes records. What is wrong with the file as a whole rejects all of it before the first write; a bad
//! cell rejects its row. Runs as a job, for which the caller waits a while.

mod columns;
mod file;
mod work;

use super::accepted;
use crate::{
    background,
    ctx::Ctx,
    jobs::Job,
    module::{JobKind, Patience},
    operations::{Call, Operation, Reply, schema_of},
    records::Plan,
};
use base::{Error, Result};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// How long the caller is kept waiting for the answer itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be done: the arguments of the job.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Import {
    file: PathBuf,
    /// Field by whose folded value rows are found again.
    key: Option<String>,
    /// `(column, slot)`
    columns: Vec<(usize, usize)>,
    dry_run: bool,
    rows: usize,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
struct Done {
    created: usize,
    updated: usize,
    unchanged: usize,
    rejected: Vec<Rejected>,
    /// How many rows were rejected in all; the list shows the first thousand.
    rejected_total: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
struct Rejected {
    /// The line of the row as a spreadsheet counts: the header is row 1.
    row: usize,
    field: String,
    problem: String,
}

pub(super) fn operation(plan: &Arc<Plan>) -> Operation {
    let about = format!("Imports {} from CSV. Longer than ten seconds, it goes on as a job.", plan.labels.to_lowercase());
    let operation = Operation::post(&format!("{}.import", plan.resource), &format!("{}/{}:import", plan.module, plan.plural), &about)
        .needs(&plan.permission("import"))
        .reads_file("text/csv")
        .param("key", "The field by which rows find the records they change.")
        .param("map", "`column:field,..`; columns with a field's name map by themselves.")
        .param("dry_run", "`true` says what would happen, and does nothing.")
        .answers_json(StatusCode::OK, schema_of::<Done>());
    let plan = plan.clone();
    operation.run(move |cx, call| start(cx, plan.clone(), call))
}

pub(super) fn job(plan: &Arc<Plan>) -> JobKind {
    let plan = plan.clone();
    JobKind {
        name: format!("{}.import", plan.resource),
        patience: Patience::Tries(3),
        work: Arc::new(move |cx, job| {
            let plan = plan.clone();
            Box::pin(async move {
                let what: Import = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
                let done = work::work(&cx, &plan, &what, &job).await?;
                base::step("import.worked")?;
                // It is not needed again; should removing it fail, it goes when it is old, or with the company.
                let _ = std::fs::remove_file(&what.file);
                base::step("import.file-removed")?;
                serde_json::to_value(done).map_err(Error::internal)
            })
        }),
    }
}

async fn start(cx: Ctx, plan: Arc<Plan>, call: Call) -> Result<Reply> {
    call.only_query(&["key", "map", "dry_run"])?;
    let (from, key, map, dry_run) = (call.file()?, call.query("key").map(str::to_owned), call.query("map").map(str::to_owned), call.flag("dry_run")?);
    let readable = {
        let plan = plan.clone();
        cx.read(move |tx| Ok(tx.readable(&plan))).await?
    };
    // Whoever may not read a field must not learn by it which record has which value.
    let hidden = |name: &&str| plan.slot(name).is_some_and(|slot| readable.get(slot) == Some(&false));
    if let Some(name) = key.as_deref().filter(hidden) {
        return Err(Error::fault("key", "unknown", crate::json::unknown("field", name, std::iter::empty())));
    }
    let kept = cx.app().spool(cx.tenant_id())?.join(format!("{}.csv", base::new_id()));
    let what = {
        let (plan, kept) = (plan.clone(), kept.clone());
        // Reading up to 64 MiB does not belong on a worker.
        tokio::task::spawn_blocking(move || {
            let what = file::look(&plan, &from, key, map.as_deref(), dry_run)?;
            std::fs::copy(&from, &kept)?;
            Ok::<_, Error>(Import { file: kept, ..what })
        })
        .await
        .map_err(|stopped| background::ended(&stopped))??
    };
    base::step("import.copied")?;
    // From here on a job may need the copy, whatever becomes of this request.
    let (begun, id) = enqueue(&cx, &plan, &call, &what).await?;
    base::step("import.enqueued")?;
    let Some(id) = id else {
        // It is another's job. Should removing it fail, the copy goes when it is old.
        let _ = std::fs::remove_file(&what.file);
        return Ok(begun);
    };
    // Whoever prefers not to wait is never kept, however fast the work would have been.
    if call.respond_async {
        return Ok(begun);
    }
    match crate::jobs::outcome(&cx, &id, PATIENCE).await? {
        Some(result) => {
            base::step("import.done")?;
            let answer = cx.conclude(&call, Reply::json(&result)?).await?;
            base::step("import.answered")?;
            Ok(answer)
        }
        None => Ok(begun),
    }
}

/// Enqueues the job once, however often it is asked for under one `Idempotency-Key`. The id is the job's if it is a new one.
async fn enqueue(cx: &Ctx, plan: &Plan, call: &Call, what: &Import) -> Result<(Reply, Option<String>)> {
    let kind = format!("{}.import", plan.resource);
    let args = serde_json::to_value(what).map_err(Error::internal)?;
    let made = Arc::new(OnceLock::new());
    let told = made.clone();
    cx.work_is_coming().await?;
    base::step("import.announced")?;
    let begun = cx.begin(call, move |tx| {
        let id = tx.enqueue(Job::new(&kind, args))?;
        Ok(accepted(told.get_or_init(|| id)))
    });
    let begun = begun.await?;
    Ok((begun, made.get().cloned()))
}
