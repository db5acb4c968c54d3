use base::{Result, Value};
use std::marker::PhantomData;

/// One row of an answer. Columns are counted from 0.
pub struct Row<'a>(PhantomData<&'a ()>);

impl Row<'_> {
    pub fn text(&self, i: usize) -> Result<&str> {
        todo!()
    }
    pub fn opt_text(&self, i: usize) -> Result<Option<&str>> {
        todo!()
    }
    pub fn int(&self, i: usize) -> Result<i64> {
        todo!()
    }
    pub fn opt_int(&self, i: usize) -> Result<Option<i64>> {
        todo!()
    }
    pub fn bool(&self, i: usize) -> Result<bool> {
        todo!()
    }
    pub fn opt_bool(&self, i: usize) -> Result<Option<bool>> {
        todo!()
    }
    pub fn real(&self, i: usize) -> Result<f64> {
        todo!()
    }
    pub fn opt_real(&self, i: usize) -> Result<Option<f64>> {
        todo!()
    }
    pub fn blob(&self, i: usize) -> Result<&[u8]> {
        todo!()
    }
    pub fn opt_blob(&self, i: usize) -> Result<Option<&[u8]>> {
        todo!()
    }
    /// SQLite cannot tell a boolean from an integer: it is `Int` 0 or 1 there.
    pub fn value(&self, i: usize) -> Result<Value<'_>> {
        todo!()
    }
}
