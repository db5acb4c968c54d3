use super::{Plan, Values};
use base::{Result, Value};
use std::borrow::Cow;

/// One SQL text with what stands for its `?1 ?2`.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement<'a> {
    pub sql: Cow<'a, str>,
    pub params: Vec<Value<'a>>,
}

impl Statement<'_> {
    /// Runs it and says how many rows changed.
    pub fn run(&self, tx: &mut silo::Tx<'_>) -> Result<u64> {
        tx.run(&self.sql, &self.params)
    }
}

impl Plan {
    /// Selects one record; `?1` is the id. Its columns are what `from_row` and `write_row` read at offset 0.
    pub fn select_one(&self) -> &str {
        ""
    }
    /// Selects at most two records whose field at `slot` has the key `?1` (see `Field::key_of`): none, the one, or "ambiguous".
    pub fn select_by_key(&self, _slot: usize) -> String {
        String::new()
    }
    /// How many columns a record takes in a row.
    pub fn width(&self) -> usize {
        0
    }
    pub fn insert<'a>(&'a self, _values: &'a Values) -> Vec<Statement<'a>> {
        Vec::new()
    }
    /// Writes the changed fields with version and updated_at.
    pub fn update<'a>(&'a self, _values: &'a Values, _changed: &[usize]) -> Vec<Statement<'a>> {
        Vec::new()
    }
    pub fn delete<'a>(&'a self, _id: &'a str) -> Vec<Statement<'a>> {
        Vec::new()
    }
    pub fn from_row(&self, _row: &silo::Row<'_>, _offset: usize) -> Result<Values> {
        Err(base::Error::internal("soon"))
    }
}
