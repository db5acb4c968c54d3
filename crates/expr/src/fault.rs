use std::{fmt, ops::Range};

/// Why an expression was refused, where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The bytes of the offending token in the text.
    pub at: Range<usize>,
    /// Stable and machine-readable: `empty too-long too-deep zero-byte syntax unknown-name unknown-function unsupported type literal
    /// not-filterable`.
    pub code: &'static str,
    /// One sentence for the person who wrote the expression.
    pub hint: String,
}

impl Fault {
    pub(crate) fn new(at: Range<usize>, code: &'static str, hint: impl Into<String>) -> Fault {
        Fault { at, code, hint: hint.into() }
    }
    /// Where the token stands, counted from 1 in bytes: what an editor calls the column.
    pub fn column(&self) -> usize {
        self.at.start + 1
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column(), self.hint)
    }
}

impl std::error::Error for Fault {}
