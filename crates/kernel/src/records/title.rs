use super::{Plan, Scope, Statement, Values};
use base::Result;

impl Plan {
    /// What people call this record: the declared title template filled in.
    pub fn title(&self, _values: &Values) -> String {
        String::new()
    }
    /// Selects id and title columns of up to 200 records, those outside `scope` left out.
    pub fn titles(&self, _ids: &[&str], _scope: &Scope<'_>) -> Statement<'static> {
        Statement { sql: "".into(), params: Vec::new() }
    }
    /// Selects id and title columns of the first `limit` records whose reference at `slot` is `id`.
    pub fn referrers(&self, _slot: usize, _id: &str, _scope: &Scope<'_>, _limit: usize) -> Statement<'static> {
        Statement { sql: "".into(), params: Vec::new() }
    }
    /// Reads a row of `titles` or `referrers`: (id, title).
    pub fn title_row(&self, _row: &silo::Row<'_>) -> Result<(String, String)> {
        Err(base::Error::internal("soon"))
    }
    /// Title and searchable words of a record, folded and separated by spaces, for the search index.
    pub fn search_words(&self, _values: &Values) -> (String, String) {
        (String::new(), String::new())
    }
}
