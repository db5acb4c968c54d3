use std::{borrow::Cow, fmt};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of refusal this is. Each has one HTTP status; the table stands in `kernel::http::problem`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Nobody is signed in (401).
    Anonymous,
    /// The thing may be seen but not this done to it (403).
    Denied,
    /// Hidden, foreign, deleted or never there (404).
    NotFound,
    /// It was there and will not come back: an expired or used link (410).
    Gone,
    /// The input is wrong; the faults say where (400).
    Invalid,
    /// It contradicts what is stored (409).
    Conflict,
    /// Somebody else saved first (412).
    Stale,
    /// More than the limit (413).
    TooLarge,
    /// Not a content type that the operation reads (415).
    Unsupported,
    /// An idempotency key was used again for something else (422).
    Mismatch,
    /// Too many requests (429).
    Limited,
    /// The disk is full (507).
    Full,
    /// Not now; try again (503).
    Unavailable,
    /// Our own fault; the cause goes to the log only (500).
    Internal,
}

/// One thing to mend: which field (a path such as `amount.currency`, or empty for the whole), a stable code, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    pub field: String,
    pub code: &'static str,
    pub message: String,
}

impl Fault {
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Fault {
        Fault { field: field.into(), code, message: message.into() }
    }
}

/// The one error of the house. It says what happened in the caller's terms; the cause is for the log and never leaves.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    name: &'static str,
    detail: Cow<'static, str>,
    faults: Vec<Fault>,
    more: Option<serde_json::Value>,
    retry_after: Option<u64>,
    cause: Option<String>,
}

impl Error {
    /// The name of [`Error::quarantined`].
    pub const QUARANTINED: &str = "tenant-quarantined";
    /// The name of [`Error::suspect`].
    pub const SUSPECT: &str = "tenant-suspect";
    /// The database cannot be reached.
    pub const UNREACHABLE: &str = "storage-unavailable";
    /// The database takes no writes.
    pub const READ_ONLY: &str = "storage-read-only";
    /// `name` is the stable, machine-readable code such as `not-found`; `detail` one sentence for a person.
    pub fn new(code: Code, name: &'static str, detail: impl Into<Cow<'static, str>>) -> Error {
        Error(Box::new(Inner { code, name, detail: detail.into(), faults: Vec::new(), more: None, retry_after: None, cause: None }))
    }
    pub fn anonymous() -> Error {
        Error::new(Code::Anonymous, "anonymous", "Sign in first.")
    }
    pub fn denied(detail: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Code::Denied, "denied", detail)
    }
    /// Always the same words: a hidden thing and a thing that never was must not differ by a byte.
    pub fn not_found() -> Error {
        Error::new(Code::NotFound, "not-found", "There is nothing here.")
    }
    pub fn gone(name: &'static str, detail: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Code::Gone, name, detail)
    }
    pub fn invalid(faults: Vec<Fault>) -> Error {
        let detail = match faults.as_slice() {
            [one] if one.field.is_empty() => one.message.clone(),
            [one] => format!("{}: {}", one.field, one.message),
            many => format!("{} fields need attention.", many.len()),
        };
        Error::new(Code::Invalid, "invalid", detail).with_faults(faults)
    }
    /// An `invalid` with exactly one fault.
    pub fn fault(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Error {
        Error::invalid(vec![Fault::new(field, code, message)])
    }
    /// Input that is wrong as a whole, such as JSON that does not parse.
    pub fn malformed(name: &'static str, detail: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Code::Invalid, name, detail)
    }
    pub fn conflict(name: &'static str, detail: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Code::Conflict, name, detail)
    }
    pub fn stale() -> Error {
        Error::new(Code::Stale, "stale", "Somebody else saved first. Read it again and decide which values to keep.")
    }
    pub fn unavailable(detail: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Code::Unavailable, "unavailable", detail)
    }
    /// More is asked of this server at the moment than it can do.
    pub fn overloaded() -> Error {
        Error::new(Code::Unavailable, "overloaded", "This server has more to do than it can at the moment. Try again shortly.").with_retry_after(1)
    }
    /// One tenant's database is damaged, missing or somebody else's.
    pub fn quarantined(cause: impl fmt::Display) -> Error {
        let detail = "The database of this company is damaged or missing, and was taken out of service. No other company is concerned. \
Whoever runs this installation puts the file right, or restores a backup: tenon tenant restore FILE --as NAME.";
        Error::new(Code::Unavailable, Error::QUARANTINED, detail).with_cause(cause)
    }
    /// The disk failed one tenant's database: what it took last may be there or not, and nothing more is written before it was looked at.
    pub fn suspect(cause: impl fmt::Display) -> Error {
        let detail = "The disk under this company's database failed. Nothing is written until the database was closed, opened again and checked; that is tried every few seconds. Whether the last change was kept is not known: send it again with the same Idempotency-Key.";
        Error::new(Code::Unavailable, Error::SUSPECT, detail).with_retry_after(5).with_cause(cause)
    }
    /// There is no room left to write on.
    pub fn full(cause: impl fmt::Display) -> Error {
        Error::new(Code::Full, "storage-full", "The disk is full. Reading still works.").with_cause(cause)
    }
    /// Our own fault: the caller sees a plain sentence, the log sees `cause`.
    pub fn internal(cause: impl fmt::Display) -> Error {
        Error::new(Code::Internal, "internal", "Something went wrong on our side. The request id helps us find it.").with_cause(cause)
    }
    pub fn with_faults(mut self, faults: Vec<Fault>) -> Error {
        self.0.faults = faults;
        self
    }
    /// Further members of the problem document, such as the referrers that keep a record from being deleted.
    pub fn with_more(mut self, more: serde_json::Value) -> Error {
        self.0.more = Some(more);
        self
    }
    pub fn with_cause(mut self, cause: impl fmt::Display) -> Error {
        self.0.cause = Some(cause.to_string());
        self
    }
    /// Seconds after which another try makes sense.
    pub fn with_retry_after(mut self, seconds: u64) -> Error {
        self.0.retry_after = Some(seconds);
        self
    }
    pub fn code(&self) -> Code {
        self.0.code
    }
    pub fn name(&self) -> &'static str {
        self.0.name
    }
    pub fn detail(&self) -> &str {
        &self.0.detail
    }
    pub fn faults(&self) -> &[Fault] {
        &self.0.faults
    }
    pub fn more(&self) -> Option<&serde_json::Value> {
        self.0.more.as_ref()
    }
    /// Whether the storage is to blame and not the work: the same may succeed when it is well again.
    pub fn is_of_storage(&self) -> bool {
        self.0.code == Code::Full || [Error::UNREACHABLE, Error::READ_ONLY, Error::SUSPECT].contains(&self.0.name)
    }
    pub fn retry_after(&self) -> Option<u64> {
        self.0.retry_after
    }
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.detail)?;
        match &self.0.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{}: {self} {:?}", self.0.code, self.0.name, self.0.faults)
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(cause: std::io::Error) -> Error {
        match cause.kind() {
            std::io::ErrorKind::StorageFull => Error::full(cause),
            _ => Error::internal(cause),
        }
    }
}
