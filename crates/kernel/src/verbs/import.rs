//! `:import`: a CSV file becomes records. What is wrong with the file as a whole rejects all of it before the first write; a bad
//! cell rejects its row. Runs as a job, for which the caller waits a while.

use super::{accepted, problem};
use crate::{
    ctx::Ctx,
    jobs::{Job, Running},
    module::JobKind,
    operations::{Call, Operation, Reply, schema_of},
    records::Plan,
    tx::Tx,
};
use base::{Code, Error, Fault, Result, Value, fold};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Rows in one unit of work.
const UNIT: usize = 200;
/// The widest file that is read.
const MOST_COLUMNS: usize = 200;
/// How long the caller is kept waiting for the answer itself.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many refusals an answer lists; `rejected_total` counts them all.
const LISTED: usize = 1000;

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

#[derive(Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
struct Done {
    created: usize,
    updated: usize,
    unchanged: usize,
    rejected: Vec<Rejected>,
    /// How many rows were rejected in all; the list shows the first thousand.
    rejected_total: usize,
}

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
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
        attempts: 3,
        work: Arc::new(move |cx, job| {
            let plan = plan.clone();
            Box::pin(async move {
                let what: Import = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
                let done = work(&cx, &plan, &what, &job).await?;
                // It is not needed again; should removing it fail, it goes with the company at the latest.
                let _ = std::fs::remove_file(&what.file);
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
            let what = look(&plan, &from, key, map.as_deref(), dry_run)?;
            std::fs::copy(&from, &kept)?;
            Ok::<_, Error>(Import { file: kept, ..what })
        })
        .await
        .map_err(Error::internal)??
    };
    let kind = format!("{}.import", plan.resource);
    let args = serde_json::to_value(&what).map_err(Error::internal)?;
    cx.work_is_coming().await?;
    let id = cx.write(move |tx| tx.enqueue(Job::new(&kind, args))).await?;
    // Whoever prefers not to wait is never kept, however fast the work would have been.
    if call.respond_async {
        return cx.finish(call, move |_, _| Ok(accepted(&id))).await;
    }
    match crate::jobs::outcome(&cx, &id, PATIENCE).await? {
        Some(result) => cx.finish(call, move |_, _| Reply::json(&result)).await,
        None => cx.finish(call, move |_, _| Ok(accepted(&id))).await,
    }
}

fn reader(path: &Path) -> Result<csv::Reader<impl Read>> {
    let mut file = BufReader::new(File::open(path)?);
    // A byte order mark is no part of the first column's name.
    let mut mark = [0u8; 3];
    let got = file.read(&mut mark)?;
    let rest = if mark == [0xef, 0xbb, 0xbf] { Vec::new() } else { mark.get(..got).unwrap_or_default().to_vec() };
    Ok(csv::ReaderBuilder::new().flexible(true).from_reader(std::io::Cursor::new(rest).chain(file)))
}

/// Reads the whole file once and refuses what is wrong with it as a whole.
fn look(plan: &Plan, path: &Path, key: Option<String>, map: Option<&str>, dry_run: bool) -> Result<Import> {
    check_quotes(path)?;
    let mut reader = reader(path)?;
    let header = reader.headers().map_err(|error| unreadable(&error))?.clone();
    if header.len() > MOST_COLUMNS {
        return Err(Error::fault("", "columns", format!("The file has {} columns; {MOST_COLUMNS} is the most.", header.len())));
    }
    if header.is_empty() || header.iter().all(str::is_empty) {
        return Err(Error::fault("", "header", "The first line must name the columns."));
    }
    let columns = mapping(plan, &header, map)?;
    let key = key.map(|name| key_column(plan, &columns, &name).map(|()| name)).transpose()?;
    let mut record = csv::StringRecord::new();
    let mut rows = 0;
    while reader.read_record(&mut record).map_err(|error| unreadable(&error))? {
        rows += 1;
    }
    Ok(Import { file: PathBuf::new(), key, columns, dry_run, rows })
}

fn unreadable(error: &csv::Error) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => Error::malformed("encoding", format!("Line {line} is not UTF-8. Save the file as CSV UTF-8 and try again.")),
        _ => Error::malformed("csv", format!("Line {line} cannot be read as CSV.")),
    }
}

/// Where the reader of quotes stands.
#[derive(Clone, Copy, PartialEq)]
enum Quotes {
    /// Before the first character of a cell.
    Start,
    /// In a cell that did not begin with a quote: in it a quote is a character like any other.
    Plain,
    Quoted,
    /// Behind a quote in a quoted cell: another one makes it a character, everything else ends the cell.
    Closed,
}

/// A quote that is not closed where it should be swallows cells and rows silently; so quotes are looked at first (RFC 4180, section 2).
fn check_quotes(path: &Path) -> Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let (mut at, mut line, mut opened_at, mut place) = (Quotes::Start, 1usize, 1usize, 0usize);
    let mut buffer = vec![0u8; 64 * 1024];
    loop {
        let got = file.read(&mut buffer)?;
        if got == 0 {
            break;
        }
        for byte in buffer.get(..got).unwrap_or_default() {
            // A byte order mark is no part of the first cell.
            let mark = place < 3 && [0xef, 0xbb, 0xbf].get(place) == Some(byte);
            place += 1;
            at = match (at, byte) {
                (_, 0) => return Err(Error::malformed("nul", format!("Line {line} holds a character U+0000. Is this a CSV file?"))),
                (Quotes::Start, _) if mark => Quotes::Start,
                (Quotes::Start, b'"') => {
                    opened_at = line;
                    Quotes::Quoted
                }
                (Quotes::Quoted, b'"') => Quotes::Closed,
                (Quotes::Closed, b'"') | (Quotes::Quoted, _) => Quotes::Quoted,
                (Quotes::Start | Quotes::Plain | Quotes::Closed, b',' | b'\r' | b'\n') => Quotes::Start,
                (Quotes::Start | Quotes::Plain, _) => Quotes::Plain,
                (Quotes::Closed, _) => {
                    let problem = format!(
                        "In line {line} a cell goes on behind its closing quote; it opened in line {opened_at}. Write a quote in a quoted cell twice."
                    );
                    return Err(Error::malformed("quotes", problem));
                }
            };
            line += usize::from(*byte == b'\n');
        }
    }
    if at == Quotes::Quoted { Err(Error::malformed("quotes", format!("The quote that opens in line {opened_at} is never closed."))) } else { Ok(()) }
}

/// Which column goes into which field: as the caller says, else by name.
fn mapping(plan: &Plan, header: &csv::StringRecord, map: Option<&str>) -> Result<Vec<(usize, usize)>> {
    let mut faults = Vec::new();
    let mut columns = Vec::new();
    if let Some(map) = map {
        for pair in map.split(',').filter(|pair| !pair.is_empty()) {
            let Some((column, field)) = pair.rsplit_once(':') else {
                faults.push(Fault::new("map", "shape", format!("`{pair}` is not `column:field`.")));
                continue;
            };
            let at = header.iter().position(|name| name == column);
            let slot = plan.slot(field);
            match (at, slot) {
                (Some(at), Some(slot)) => columns.push((at, slot)),
                (None, _) => faults.push(Fault::new("map", "unknown", crate::json::unknown("column", column, header.iter()))),
                (_, None) => {
                    faults.push(Fault::new("map", "unknown", crate::json::unknown("field", field, plan.fields().iter().map(|f| f.name.as_str()))))
                }
            }
        }
    } else {
        for (at, name) in header.iter().enumerate() {
            let wanted = fold(name);
            let slot = plan.fields().iter().position(|field| field.name == wanted || fold(&field.label) == wanted);
            columns.extend(slot.map(|slot| (at, slot)));
        }
    }
    for (n, (_, slot)) in columns.iter().enumerate() {
        if columns.iter().skip(n + 1).any(|(_, other)| other == slot) {
            let name = plan.field(*slot).map(|f| f.name.clone()).unwrap_or_default();
            faults.push(Fault::new("map", "duplicate", format!("Two columns go into `{name}`.")));
        }
    }
    if columns.is_empty() && faults.is_empty() {
        faults.push(Fault::new("map", "empty", "No column has the name of a field. Say which goes where: `map=column:field`."));
    }
    if faults.is_empty() { Ok(columns) } else { Err(Error::invalid(faults)) }
}

fn key_column(plan: &Plan, columns: &[(usize, usize)], name: &str) -> Result<()> {
    let slot = plan
        .slot(name)
        .ok_or_else(|| Error::fault("key", "unknown", crate::json::unknown("field", name, plan.fields().iter().map(|f| f.name.as_str()))))?;
    if columns.iter().any(|(_, mapped)| *mapped == slot) {
        Ok(())
    } else {
        Err(Error::fault("key", "unmapped", format!("No column goes into `{name}`, so no row could be found by it.")))
    }
}

/// A row of the file: its number, and its cells by column.
struct Line {
    row: usize,
    cells: Vec<(usize, String)>,
}

async fn work(cx: &Ctx, plan: &Arc<Plan>, what: &Import, job: &Running) -> Result<Done> {
    let mut done = Done::default();
    let twice = Arc::new(keys_that_occur_twice(plan, what)?);
    let mut reader = reader(&what.file)?;
    let mut record = csv::StringRecord::new();
    let mut row = 1;
    loop {
        let mut lines = Vec::with_capacity(UNIT);
        while lines.len() < UNIT && reader.read_record(&mut record).map_err(|error| unreadable(&error))? {
            row += 1;
            let cells = what.columns.iter().map(|(at, slot)| (*slot, record.get(*at).unwrap_or_default().to_owned())).collect();
            lines.push(Line { row, cells });
        }
        if lines.is_empty() {
            break;
        }
        let read = row - 1;
        let (unit_plan, key, twice, dry_run) = (plan.clone(), what.key.clone(), twice.clone(), what.dry_run);
        let part = Arc::new(parking_lot::Mutex::new(Done::default()));
        let filled = part.clone();
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
                *filled.lock() = part;
                if dry_run { Err(Error::conflict("dry-run", "")) } else { Ok(()) }
            })
            .await;
        match outcome {
            Err(error) if error.name() == "dry-run" => {}
            outcome => outcome?,
        }
        done.add(std::mem::take(&mut *part.lock()));
        let percent = i64::try_from(read * 100 / what.rows.max(1)).unwrap_or(100);
        job.progress(percent.min(99), &format!("{read} of {} rows", what.rows)).await?;
        if job.is_cancelled() {
            break;
        }
    }
    Ok(done)
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

fn one(tx: &mut Tx<'_, '_>, plan: &Arc<Plan>, key: Option<&str>, twice: &HashMap<String, usize>, line: &Line) -> Result<Outcome> {
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
        && twice.contains_key(text.as_ref())
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
fn keys_that_occur_twice(plan: &Plan, what: &Import) -> Result<HashMap<String, usize>> {
    let slot = what.key.as_deref().and_then(|name| plan.slot(name));
    let Some(at) = slot.and_then(|slot| what.columns.iter().find(|(_, mapped)| *mapped == slot)).map(|(at, _)| *at) else {
        return Ok(HashMap::new());
    };
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut reader = reader(&what.file)?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| unreadable(&error))? {
        let text = record.get(at).unwrap_or_default();
        *seen.entry(fold(text.strip_prefix('\'').unwrap_or(text))).or_default() += 1;
    }
    seen.retain(|key, count| *count > 1 && !key.is_empty());
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{large, soon, texts, told};
    use proptest::prelude::*;

    fn companies() -> Plan {
        Plan::compile("crm", include_str!("../../../../packs/crm/resources/companies.json")).unwrap()
    }

    fn looked(plan: &Plan, folder: &Path, bytes: &[u8], map: Option<&str>) -> Option<Import> {
        let file = folder.join("file.csv");
        std::fs::write(&file, bytes).unwrap();
        told(look(plan, &file, Some("name".into()), map, false))
    }

    #[test]
    fn fuzz_large_files_are_looked_through_soon() {
        let (plan, folder) = (companies(), tempfile::tempdir().unwrap());
        for text in large() {
            soon(&text, || looked(&plan, folder.path(), format!("name,notes\n{text}").as_bytes(), None));
            soon(&text, || looked(&plan, folder.path(), text.as_bytes(), Some("a:name")));
        }
    }

    proptest! {
        #[test]
        fn fuzz_a_broken_file_is_refused_by_name(text in texts("name,notes\r\n\"Ada, \"\"Countess\"\"\",x\r\nBob,\"two\nlines\"\r\n"), map in prop::option::of(texts("name:name,notes:notes"))) {
            looked(&companies(), tempfile::tempdir().unwrap().path(), text.as_bytes(), map.as_deref());
        }

        #[test]
        fn fuzz_no_bytes_make_the_reader_fall_over(bytes: Vec<u8>) {
            looked(&companies(), tempfile::tempdir().unwrap().path(), &bytes, None);
        }

        #[test]
        fn fuzz_what_is_written_as_csv_has_its_quotes_in_order(rows in prop::collection::vec("[^\u{0}]{1,20}", 0..8)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["name", "notes"]).unwrap();
            for row in &rows {
                writer.write_record([row, "x"]).unwrap();
            }
            let found = looked(&companies(), tempfile::tempdir().unwrap().path(), &writer.into_inner().unwrap(), None);
            prop_assert_eq!(found.map(|import| import.rows), Some(rows.len()));
        }
    }
}
