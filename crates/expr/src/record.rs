use base::Time;

/// One value of a record as the evaluator sees it. A date is its text, a datetime its microseconds, a decimal its scaled integer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Text(&'a str),
    Money { minor: i64, currency: &'a str },
    Tags(&'a [String]),
}

/// Something an expression can be asked about. A slot is the position of the field in its [`Schema`](crate::Schema).
pub trait Record {
    fn cell(&self, slot: usize) -> Cell<'_>;
    /// The same field before the update, for schemas made `with_before`.
    fn before(&self, _slot: usize) -> Cell<'_> {
        Cell::Null
    }
}

/// On whose behalf and when a question is asked: what `actor`, `tenant` and `now` stand for.
#[derive(Debug, Clone)]
pub struct Actor {
    pub id: String,
    pub user: String,
    pub email: String,
    pub roles: Vec<String>,
    pub kind: String,
    pub tenant_id: String,
    pub tenant_slug: String,
    pub now: Time,
}
