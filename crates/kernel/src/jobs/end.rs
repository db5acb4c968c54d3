//! How a try at a job ends: done, cancelled, tried again later, or dead.

use super::{PAUSE, run::Claimed};
use crate::module::Patience;
use base::{Code, Error, Result, Time};
use silo::Silo;
use std::sync::Arc;

/// The name of the error by which work says that it goes on after a restart.
const STOPPED: &str = "stopped";

/// The error by which work breaks off because the server stops. Such a try does not count.
pub fn stopped() -> Error {
    Error::new(Code::Unavailable, STOPPED, "The server stops. This goes on when it is back.")
}

/// Writes down how a try ended. Without `patience` somebody cancelled it. A try that failed because the storage was full or out of reach, or
/// because the server stopped, does not count. Where the end itself cannot be written for that, it waits until it can.
pub async fn finish(silo: &Silo, job: &Claimed, patience: Option<Patience>, outcome: Result<serde_json::Value>) -> Result<()> {
    let now = Time::now();
    let counts = !matches!(&outcome, Err(error) if error.is_of_storage() || error.name() == STOPPED);
    let (status, result, error, run_at) = match outcome {
        Ok(result) if patience.is_none() => ("cancelled", Some(result.to_string()), None, now),
        Ok(result) => ("done", Some(result.to_string()), None, now),
        Err(error) => {
            tracing::warn!(job = %job.id, kind = %job.kind, attempt = job.attempt, cause = error.cause().unwrap_or_default(), "{}", error.detail());
            let over = match patience {
                None => true,
                Some(Patience::Tries(most)) => job.attempt >= most,
                Some(Patience::Seconds(most)) => now >= job.created_at.plus_seconds(most),
            };
            let final_try = counts && (over || matches!(error.code(), Code::Denied | Code::NotFound | Code::Invalid));
            if final_try {
                tracing::error!(job = %job.id, kind = %job.kind, "this job is put aside as dead");
            }
            let again = if counts { backoff(now, job.attempt) } else { now.plus_seconds(1) };
            (if final_try { "dead" } else { "ready" }, None, Some(error.detail().to_owned()), again)
        }
    };
    let end = Arc::new(End { id: job.id.clone(), attempt: job.attempt, counts, status, result, error, run_at, at: now });
    loop {
        let this = end.clone();
        match silo.write(move |sql| this.write(sql)).await {
            Err(error) if error.is_of_storage() => tokio::time::sleep(PAUSE).await,
            written => return written,
        }
    }
}

/// Puts back a job whose company was closed under it. It was no try: should the company be opened again, it begins anew.
pub async fn give_back(silo: &Silo, job: &Claimed) -> Result<()> {
    let now = Time::now();
    let end = End { id: job.id.clone(), attempt: job.attempt, counts: false, status: "ready", result: None, error: None, run_at: now, at: now };
    match silo.write(move |sql| end.write(sql)).await {
        // The company was deleted, and its jobs with it.
        Err(error) if error.code() == Code::NotFound => Ok(()),
        written => written,
    }
}

/// How a try ended.
struct End {
    id: String,
    attempt: i64,
    /// Whether it was a try at all.
    counts: bool,
    status: &'static str,
    result: Option<String>,
    error: Option<String>,
    run_at: Time,
    at: Time,
}

impl End {
    fn write(&self, sql: &mut silo::Tx<'_>) -> Result<()> {
        let ended = self.status != "ready";
        sql.run(
            r#"UPDATE "jobs" SET "status" = ?3, "result" = CASE WHEN ?3 = 'ready' THEN "result" ELSE ?4 END, "error" = ?5, "run_at" = ?6, "lease_until" = NULL, "finished_at" = ?7,
  "progress" = CASE WHEN ?3 = 'done' THEN 100 ELSE "progress" END, "args" = CASE WHEN ?3 = 'done' THEN '{}' ELSE "args" END,
  "dedupe" = CASE WHEN ?8 THEN NULL ELSE "dedupe" END, "attempt" = ?9
WHERE "id" = ?1 AND "attempt" = ?2 AND "status" = 'running'"#,
            &[
                (&self.id).into(),
                self.attempt.into(),
                self.status.into(),
                self.result.as_deref().into(),
                self.error.as_deref().into(),
                self.run_at.into(),
                ended.then_some(self.at).into(),
                ended.into(),
                (self.attempt - i64::from(!self.counts)).into(),
            ],
        )
        .map(drop)
    }
}

/// 2 s, 4 s, 8 s ... up to an hour, each up to a fifth earlier or later so that failures do not march in step.
fn backoff(now: Time, attempt: i64) -> Time {
    let base = 2_000_000_i64.saturating_mul(1 << attempt.clamp(1, 11).saturating_sub(1)).min(3_600_000_000);
    let mut random = [0u8; 2];
    // Without randomness the delay is merely not spread.
    let _ = getrandom::fill(&mut random);
    let spread = i64::from(u16::from_be_bytes(random)) * base * 2 / 5 / 65_536 - base / 5;
    Time(now.0.saturating_add(base).saturating_add(spread))
}
