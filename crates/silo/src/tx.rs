use crate::{Row, SearchQuery};
use base::{Result, TenantId, Value};
use std::marker::PhantomData;

/// Where the log stands: last sequence number, last hash, and the epoch of rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub hash: [u8; 32],
    pub epoch: i64,
}

/// One transaction on one silo. SQL is written once for both engines, with `?1 ?2`.
pub struct Tx<'a>(PhantomData<&'a ()>);

impl Tx<'_> {
    pub fn tenant(&self) -> TenantId {
        todo!()
    }
    pub fn run(&mut self, sql: &str, p: &[Value<'_>]) -> Result<u64> {
        todo!()
    }
    pub fn row<T>(&mut self, sql: &str, p: &[Value<'_>], f: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<Option<T>> {
        todo!()
    }
    pub fn each(&mut self, sql: &str, p: &[Value<'_>], f: impl FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        todo!()
    }
    pub fn rows<T>(&mut self, sql: &str, p: &[Value<'_>], f: impl FnMut(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
        todo!()
    }
    pub fn ddl(&mut self, portable: &str) -> Result<()> {
        todo!()
    }
    /// The columns of a table, in order; empty when there is no such table.
    pub fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        todo!()
    }
    pub fn head(&mut self) -> &mut Head {
        todo!()
    }
    pub fn at_commit(&mut self, f: impl FnOnce(&mut Tx<'_>) -> Result<()> + Send + 'static) {
        todo!()
    }
    pub fn after_commit(&mut self, f: impl FnOnce() + Send + 'static) {
        todo!()
    }
    pub fn search_put(&mut self, resource: &str, id: &str, title: &str, words: &str) {
        todo!()
    }
    pub fn search_remove(&mut self, resource: &str, id: &str) {
        todo!()
    }
    pub fn search_find(&mut self, q: &SearchQuery) -> Result<Vec<(String, String)>> {
        todo!()
    }
    /// A condition for a list query: `"id" IN (SELECT ..)` with parameters numbered from `from`.
    pub fn search_condition(&self, words: &[String], resource: &str, from: usize) -> (String, Vec<Value<'static>>) {
        todo!()
    }
}
