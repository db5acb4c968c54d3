use std::fmt;

/// One thing to mend in a manifest or a resource file: where, what, and what was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestFault {
    /// Relative to the module's folder: `resources/deals.json`.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    pub message: String,
    pub hint: Option<String>,
}

impl fmt::Display for ManifestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " {hint}"),
            None => Ok(()),
        }
    }
}

/// "Did you mean ..?", where one of `known` is spelled much like `word`.
pub fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    base::nearest(word, known).map(|near| format!("Did you mean {near:?}?"))
}
