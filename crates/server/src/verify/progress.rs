use std::io::{IsTerminal, Write};

/// One line on standard error that says how far a proof is. Where that is no terminal, nothing is said.
pub struct Progress {
    terminal: bool,
}

impl Progress {
    pub fn new() -> Progress {
        Progress { terminal: std::io::stderr().is_terminal() }
    }
    /// Nothing is said, whatever standard error is.
    pub fn silent() -> Progress {
        Progress { terminal: false }
    }
    pub fn say(&self, text: impl std::fmt::Display) {
        if self.terminal {
            // Whether somebody sees it does not matter to the proof.
            let _ = write!(std::io::stderr(), "\r\x1b[K{text}");
            let _ = std::io::stderr().flush();
        }
    }
}

impl Default for Progress {
    fn default() -> Progress {
        Progress::new()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.say("");
    }
}
