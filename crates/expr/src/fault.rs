use std::{fmt, ops::Range};

/// Why an expression was refused, where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The bytes of the offending token in the text.
    pub at: Range<usize>,
    /// Stable and machine-readable, such as `unknown-name`.
    pub code: &'static str,
    /// One sentence for the person who wrote the expression.
    pub hint: String,
}

impl Fault {
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
