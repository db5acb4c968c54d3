use super::{Cell, Plan, Values};
use base::Result;

/// Who writes, and what the writing may touch.
pub struct Entry<'a> {
    pub who: &'a expr::Actor,
    /// What a bare number in a money field is counted in: the tenant's currency.
    pub currency: &'a str,
    /// Whether a state field may be set freely: for create and import by somebody who holds `:import`.
    pub states: bool,
    /// By slot, the fields this person may not write. Empty: all may be written.
    pub locked: &'a [bool],
}

impl Plan {
    /// Reads the body of a create: a new record with defaults and a new id. One pass, all faults at once.
    pub fn read(&self, _body: &[u8], _entry: &Entry<'_>) -> Result<Values> {
        Err(base::Error::internal("soon"))
    }
    /// Applies a JSON merge patch (RFC 7396): null clears, what is not named stays. Returns the slots that really changed.
    pub fn merge(&self, _body: &[u8], _entry: &Entry<'_>, _values: &mut Values) -> Result<Vec<usize>> {
        Err(base::Error::internal("soon"))
    }
    /// The same as `read` from cells that were read already, such as those of a CSV row.
    pub fn enter(&self, _cells: Vec<(usize, Cell)>, _entry: &Entry<'_>) -> Result<Values> {
        Err(base::Error::internal("soon"))
    }
    /// The same as `merge` from cells that were read already.
    pub fn patch(&self, _cells: Vec<(usize, Cell)>, _entry: &Entry<'_>, _values: &mut Values) -> Result<Vec<usize>> {
        Err(base::Error::internal("soon"))
    }
    /// Takes a record through a declared move, or says why it cannot go. Unknown move: not found.
    pub fn go(&self, _name: &str, _values: &mut Values, _who: &expr::Actor) -> Result<&super::Move> {
        Err(base::Error::internal("soon"))
    }
}
