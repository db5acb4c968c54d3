//! How the errors of the two engines become the one error of the house. The engine's own words go to the log only.

use base::{Code, Error, Result};
use rusqlite::ffi::ErrorCode;
use tokio_postgres::error::SqlState;

/// A query without a usable index, or a unit that holds up everybody else.
pub fn timeout(cause: impl std::fmt::Display) -> Error {
    Error::new(Code::Unavailable, "query-timeout", "This took too long and was stopped. Narrow it down, or sort by another column.").with_cause(cause)
}

pub fn busy(cause: impl std::fmt::Display) -> Error {
    Error::unavailable("Somebody else is writing just now. Try again.").with_retry_after(1).with_cause(cause)
}

pub fn closing() -> Error {
    Error::unavailable("The server is shutting down.").with_retry_after(1)
}

/// A task that did not end as it should. The words of a panic may be a customer's: where it happened is in the log, and nothing else.
pub fn ended(task: &tokio::task::JoinError) -> Error {
    Error::internal(if task.is_panic() { "a panic" } else { "the task was cancelled" })
}

/// The server cannot be reached, or takes nobody.
pub fn lost(cause: impl std::fmt::Display) -> Error {
    Error::new(Code::Unavailable, Error::UNREACHABLE, "The database cannot be reached. Try again.").with_retry_after(1).with_cause(cause)
}

/// The same about a COMMIT: nobody knows what became of it.
pub fn unsure(e: Error) -> Error {
    if e.name() != Error::UNREACHABLE {
        return e;
    }
    let detail = "The database went away before it said whether this is done. Send it again with the same Idempotency-Key: it is done once.";
    Error::new(Code::Unavailable, Error::UNREACHABLE, detail).with_retry_after(1).with_cause(e.cause().unwrap_or_default())
}

/// Whether the server has ended a transaction because it and another waited for each other.
pub fn is_deadlock(e: &Error) -> bool {
    e.cause().is_some_and(|cause| cause.starts_with(SqlState::T_R_DEADLOCK_DETECTED.code()))
}

/// What a transaction that writes is told where it begins: one that the server lets only read is the server's state, and no mistake of ours.
pub fn of_a_writer(e: Error) -> Error {
    match e.cause() {
        Some(cause) if cause.starts_with(SqlState::READ_ONLY_SQL_TRANSACTION.code()) => read_only(cause),
        _ => e,
    }
}

/// The server answers and takes no writes.
pub fn read_only(cause: impl std::fmt::Display) -> Error {
    Error::new(Code::Unavailable, Error::READ_ONLY, "The database takes no writes just now. Reading still works.")
        .with_retry_after(5)
        .with_cause(cause)
}

/// The same error, with the SQL text in its cause.
pub fn of_sql(e: Error, sql: &str) -> Error {
    let cause = format!("{}: {sql}", e.cause().unwrap_or_default());
    e.with_cause(cause)
}

/// Refuses a statement that was given more or fewer values than it has places for.
pub fn counted(sql: &str, places: usize, values: usize) -> Result<()> {
    if places == values { Ok(()) } else { Err(Error::internal(format!("{values} values for {places} parameters: {sql}"))) }
}

fn duplicate(cause: impl std::fmt::Display) -> Error {
    Error::conflict("duplicate", "Another record has this value already.").with_cause(cause)
}

fn referred(cause: impl std::fmt::Display) -> Error {
    Error::conflict("referred", "Something refers to this record, or it refers to something that is not there.").with_cause(cause)
}

/// I/O errors that say nothing about the file itself: memory, and what the processes share in it.
const NOT_OF_THE_DISK: [i32; 4] =
    [rusqlite::ffi::SQLITE_IOERR_NOMEM, rusqlite::ffi::SQLITE_IOERR_SHMOPEN, rusqlite::ffi::SQLITE_IOERR_SHMMAP, rusqlite::ffi::SQLITE_IOERR_SHMLOCK];

pub fn sqlite(e: rusqlite::Error) -> Error {
    let rusqlite::Error::SqliteFailure(code, words) = &e else { return Error::internal(e) };
    match (code.code, code.extended_code) {
        (_, rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY | rusqlite::ffi::SQLITE_CONSTRAINT_ROWID) => {
            duplicate(e)
        }
        (_, rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => referred(e),
        // Shared memory is a file too, and the first to want room when a silo is opened.
        (ErrorCode::DiskFull, _) | (_, rusqlite::ffi::SQLITE_IOERR_SHMSIZE) => Error::full(e),
        (ErrorCode::SystemIoFailure, code) if !NOT_OF_THE_DISK.contains(&code) => Error::suspect(e),
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => Error::quarantined(e),
        // The one fault of a header that has no code of its own.
        _ if words.as_deref() == Some("unsupported file format") => Error::quarantined(e),
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => busy(e),
        (ErrorCode::OperationInterrupted, _) => timeout(e),
        _ => Error::internal(e),
    }
}

/// The cause of a PostgreSQL error names statement position and hint: without them it is hard to mend.
fn words(e: &tokio_postgres::Error) -> String {
    match e.as_db_error() {
        None => format!("{e}: {:?}", std::error::Error::source(e).map(ToString::to_string)),
        Some(db) => format!(
            "{} {}{}{}",
            db.code().code(),
            db.message(),
            db.detail().map(|d| format!(" ({d})")).unwrap_or_default(),
            db.hint().map(|h| format!(" hint: {h}")).unwrap_or_default()
        ),
    }
}

pub fn postgres(e: &tokio_postgres::Error) -> Error {
    let cause = words(e);
    let Some(code) = e.code() else {
        return if e.is_closed() || std::error::Error::source(e).is_some_and(|s| s.is::<std::io::Error>()) {
            lost(cause)
        } else {
            Error::internal(cause)
        };
    };
    match code {
        c if *c == SqlState::UNIQUE_VIOLATION => duplicate(cause),
        c if *c == SqlState::FOREIGN_KEY_VIOLATION => referred(cause),
        c if *c == SqlState::DISK_FULL => Error::full(cause),
        c if [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED].contains(c) => Error::quarantined(cause),
        c if *c == SqlState::QUERY_CANCELED => timeout(cause),
        c if [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(c) => busy(cause),
        c if matches!(c.code().get(..2), Some("08" | "28" | "3D" | "53" | "57" | "58")) || *c == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => {
            lost(cause)
        }
        _ => Error::internal(cause),
    }
}
