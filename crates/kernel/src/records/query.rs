use super::Plan;
use base::Result;

/// What a list was asked for, checked: `filter sort limit cursor fields expand count q`.
#[derive(Debug, Clone)]
pub struct Query {
    pub filter: Option<expr::Expr>,
    pub sort: Vec<Sort>,
    pub limit: usize,
    /// Still sealed: whoever has the key opens it and passes the bytes to `Plan::list`.
    pub cursor: Option<String>,
    /// By slot; empty means all.
    pub fields: Vec<bool>,
    /// Slots of references whose titles are wanted.
    pub expand: Vec<usize>,
    pub count: bool,
    /// Words to search for.
    pub q: Option<String>,
}

/// One column to sort by.
#[derive(Debug, Clone, PartialEq)]
pub struct Sort {
    pub name: String,
    pub descending: bool,
    /// Quoted.
    pub(super) column: String,
}

impl Query {
    /// Reads the pairs of a URL's query (decoded), all faults at once.
    pub fn parse<'a>(_plan: &Plan, _pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Query> {
        Err(base::Error::internal("soon"))
    }
    /// Filter, sort and words in one text: what a cursor is bound to.
    pub fn binding(&self) -> String {
        String::new()
    }
}
