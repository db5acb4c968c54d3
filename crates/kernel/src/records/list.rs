use super::{Plan, Query, Statement};
use base::{Result, Value};

/// The rows somebody may read at all: the conditions of their grants, of which one must hold. None: all rows.
pub struct Scope<'a> {
    pub only: &'a [&'a expr::Expr],
    pub who: &'a expr::Actor,
}

/// A ready piece of a WHERE, its parameters numbered from `?1`: a search.
#[derive(Debug, Clone)]
pub struct Condition {
    pub sql: String,
    pub params: Vec<Value<'static>>,
}

/// A page of rows: one statement, or two that are read one after the other until the page is full.
#[derive(Debug)]
pub struct Select {
    pub parts: Vec<Statement<'static>>,
    pub limit: usize,
    pub(super) width: usize,
    pub(super) keys: usize,
}

impl Select {
    /// Reads the page. `each` gets every row (record columns from offset 0). Returns the bytes of the next cursor when more rows follow.
    pub fn run(&self, _tx: &mut silo::Tx<'_>, _each: impl FnMut(&silo::Row<'_>) -> Result<()>) -> Result<Option<Vec<u8>>> {
        Err(base::Error::internal("soon"))
    }
}

impl Plan {
    /// The page of `query` after the row that `after` (the opened cursor) describes. `search` is the condition for `query.q`.
    pub fn list(&self, _query: &Query, _after: Option<&[u8]>, _scope: &Scope<'_>, _search: Option<&Condition>) -> Result<Select> {
        Err(base::Error::internal("soon"))
    }
    /// How many rows the same query finds in all.
    pub fn count(&self, _query: &Query, _scope: &Scope<'_>, _search: Option<&Condition>) -> Statement<'static> {
        Statement { sql: "".into(), params: Vec::new() }
    }
    /// The ids the same query finds, at most `limit`, in no promised order: for bulk work by filter.
    pub fn ids(&self, _query: &Query, _scope: &Scope<'_>, _search: Option<&Condition>, _limit: usize) -> Statement<'static> {
        Statement { sql: "".into(), params: Vec::new() }
    }
}
