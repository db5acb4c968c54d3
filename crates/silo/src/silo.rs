use crate::Tx;
use base::{Result, TenantId, Value};
use std::sync::Arc;

/// A handle to exactly one tenant's database. There is no way to reach another tenant's rows through it.
#[derive(Clone)]
pub struct Silo(Arc<TenantId>);

impl Silo {
    pub fn id(&self) -> TenantId {
        *self.0
    }
    /// One record by its id, in one read transaction.
    pub async fn read<T: Send + 'static>(&self, f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        todo!()
    }
    /// A list, a count, a search: blocking pool, own connection, 2 s.
    pub async fn scan<T: Send + 'static>(&self, f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        todo!()
    }
    /// One unit of work. `Ok` means it is on the disk; `Err` that nothing of it happened.
    pub async fn write<T: Send + 'static>(&self, f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        todo!()
    }
    /// See [`Tx::search_condition`].
    pub fn search_condition(&self, words: &[String], resource: &str, from: usize) -> (String, Vec<Value<'static>>) {
        todo!()
    }
}
