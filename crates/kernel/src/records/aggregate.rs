use super::{Plan, Scope};
use base::Result;

/// `{filter, group_by, count, sum, min, max}`, checked.
#[derive(Debug)]
pub struct Aggregate {
    pub filter: Option<expr::Expr>,
    pub group_by: Vec<usize>,
    pub count: bool,
    pub sum: Vec<usize>,
    pub min: Vec<usize>,
    pub max: Vec<usize>,
}

impl Aggregate {
    /// Reads the body of `:aggregate`.
    pub fn parse(_plan: &Plan, _body: &[u8]) -> Result<Aggregate> {
        Err(base::Error::internal("soon"))
    }
}

impl Plan {
    /// Counts and sums; returns `{"items": [{"group", "count", "sum", "min", "max"}]}`. Money is summed per currency. At most 1 000 groups.
    pub fn aggregate(&self, _tx: &mut silo::Tx<'_>, _what: &Aggregate, _scope: &Scope<'_>) -> Result<Vec<u8>> {
        Err(base::Error::internal("soon"))
    }
}
