//! The work: row after row, in units that are written and noted together, so that a try which breaks off is gone on with.

use super::{
    Done, Import, Rejected,
    file::{reader, unreadable},
};
use crate::{ctx::Ctx, jobs::Running, records::Plan, tx::Tx, verbs::problem};
use base::{Code, Error, Result, Value, fold};
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, io::Read, sync::Arc};

/// Rows in one unit of work.
const UNIT: usize = 200;
/// How many refusals an answer lists; `rejected_total` counts them all.
const LISTED: usize = 1000;

/// A row of the file: its number, and its cells by column.
struct Line {
    row: usize,
    cells: Vec<(usize, String)>,
}

/// How far an import is: kept with each unit.
#[derive(Default, Serialize, Deserialize)]
struct Progress<D> {
    done: D,
    /// Rows of the file that lie behind.
    read: usize,
}

pub(super) async fn work(cx: &Ctx, plan: &Arc<Plan>, what: &Import, job: &Running) -> Result<Done> {
    let kept: Option<Progress<Done>> = job.kept.clone().map(serde_json::from_value).transpose().map_err(Error::internal)?;
    let Progress { mut done, read: behind } = kept.unwrap_or_default();
    // The file may be gone with the last of its rows.
    if behind >= what.rows && behind > 0 {
        return Ok(done);
    }
    let twice = Arc::new(keys_that_occur_twice(plan, what)?);
    let mut reader = reader(&what.file)?;
    let mut record = csv::StringRecord::new();
    for _ in 0..behind {
        reader.read_record(&mut record).map_err(|error| unreadable(&error))?;
    }
    let mut read = behind;
    loop {
        job.go_on()?;
        let lines = next_lines(&mut reader, what, read)?;
        if lines.is_empty() {
            break;
        }
        read += lines.len();
        let (unit_plan, key, twice, dry_run) = (plan.clone(), what.key.clone(), twice.clone(), what.dry_run);
        let total = Arc::new(parking_lot::Mutex::new(std::mem::take(&mut done)));
        let (filled, step) = (total.clone(), job.step());
        let percent = i64::try_from(read * 100 / what.rows.max(1)).unwrap_or(100).min(99);
        let note = format!("{read} of {} rows", what.rows);
        let told = note.clone();
        let outcome = cx
            .write(move |tx| {
                let mut part = Done::default();
                for line in &lines {
                    match one(tx, &unit_plan, key.as_deref(), &twice, line) {
                        Ok(Outcome::Created) => part.created += 1,
                        Ok(Outcome::Updated) => part.updated += 1,
                        Ok(Outcome::Unchanged) => part.unchanged += 1,
                        Err(error) if matches!(error.code(), Code::Internal | Code::Full | Code::Unavailable) => return Err(error),
                        Err(error) => part.refuse(line.row, &error),
                    }
                }
                let mut total = filled.lock();
                total.add(part);
                if dry_run { Err(Error::conflict("dry-run", "")) } else { step.keep(tx, &Progress { done: &*total, read }, percent, &told) }
            })
            .await;
        match outcome {
            Err(error) if error.name() == "dry-run" => job.progress(percent, &note).await?,
            outcome => outcome?,
        }
        done = std::mem::take(&mut *total.lock());
        base::step("import.unit-written")?;
        if job.is_cancelled() {
            break;
        }
    }
    Ok(done)
}

/// The rows of the next unit; none at the end of the file.
fn next_lines(reader: &mut csv::Reader<impl Read>, what: &Import, read: usize) -> Result<Vec<Line>> {
    let mut lines = Vec::with_capacity(UNIT);
    for record in reader.records().take(UNIT) {
        let record = record.map_err(|error| unreadable(&error))?;
        let cells = what.columns.iter().map(|(at, slot)| (*slot, record.get(*at).unwrap_or_default().to_owned())).collect();
        // The header is row 1.
        lines.push(Line { row: 2 + read + lines.len(), cells });
    }
    Ok(lines)
}

impl Done {
    fn refuse(&mut self, row: usize, error: &Error) {
        let field = error.faults().first().map(|fault| fault.field.clone()).unwrap_or_default();
        let problem = error.faults().first().map_or_else(|| problem(error), |fault| fault.message.clone());
        self.rejected_total += 1;
        self.rejected.push(Rejected { row, field, problem });
    }
    fn add(&mut self, part: Done) {
        self.created += part.created;
        self.updated += part.updated;
        self.unchanged += part.unchanged;
        self.rejected_total += part.rejected_total;
        let room = LISTED.saturating_sub(self.rejected.len());
        self.rejected.extend(part.rejected.into_iter().take(room));
    }
}

enum Outcome {
    Created,
    Updated,
    Unchanged,
}

/// One row becomes a record, or changes the one that has its key.
fn one(tx: &mut Tx<'_, '_>, plan: &Arc<Plan>, key: Option<&str>, twice: &HashSet<String>, line: &Line) -> Result<Outcome> {
    let cells = tx.read_cells(plan, &line.cells)?;
    let Some(slot) = key.and_then(|name| plan.slot(name)) else {
        return tx.insert_cells(plan, cells).map(|_| Outcome::Created);
    };
    let Some(field) = plan.field(slot) else { return Err(Error::not_found()) };
    let found = cells.iter().find(|(at, _)| *at == slot).map(|(_, cell)| field.key_of(cell)).unwrap_or(Value::Null);
    if found.is_null() {
        return Err(Error::fault(&field.name, "required", "The key is empty, so the row cannot be found again."));
    }
    if let Value::Text(text) = &found
        && twice.contains(text.as_ref())
    {
        return Err(Error::fault(&field.name, "ambiguous", "This key stands in more than one row of the file."));
    }
    let mut matches = tx.by_key(plan, slot, found)?;
    match (matches.pop(), matches.pop()) {
        (None, _) => tx.insert_cells(plan, cells).map(|_| Outcome::Created),
        (Some(before), None) => tx.patch_cells(plan, before, cells).map(|(_, changed)| if changed { Outcome::Updated } else { Outcome::Unchanged }),
        (Some(_), Some(_)) => Err(Error::fault(&field.name, "ambiguous", "More than one record has this key.")),
    }
}

/// Keys that more than one row of the file has: none of those rows is taken, whichever comes first.
fn keys_that_occur_twice(plan: &Plan, what: &Import) -> Result<HashSet<String>> {
    let slot = what.key.as_deref().and_then(|name| plan.slot(name));
    let Some(at) = slot.and_then(|slot| what.columns.iter().find(|(_, mapped)| *mapped == slot)).map(|(at, _)| *at) else {
        return Ok(HashSet::new());
    };
    let (mut seen, mut twice) = (HashSet::new(), HashSet::new());
    let mut reader = reader(&what.file)?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| unreadable(&error))? {
        let text = record.get(at).unwrap_or_default();
        let key = fold(text.strip_prefix('\'').unwrap_or(text));
        if !key.is_empty() && !seen.insert(key.clone()) {
            twice.insert(key);
        }
    }
    Ok(twice)
}
