use super::{
    Connection,
    cluster::{Place, SCAN, link},
    pool::Pool,
};
use crate::{Row, Tx, fair::Gate, fault, link::Link, unit};
use base::{Result, TenantId, Value};
use std::sync::Arc;

/// A tenant's place in the database.
pub struct Store {
    pool: Arc<Pool>,
    place: Arc<Place>,
    gate: Arc<Gate>,
}

impl Store {
    pub fn new(pool: Arc<Pool>, place: Arc<Place>, gate: Arc<Gate>) -> Store {
        Store { pool, place, gate }
    }

    /// Waits for a session without a thread, then runs on a blocking thread.
    pub async fn read<T: Send + 'static>(&self, tenant: TenantId, f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        let turn = self.gate.enter(tenant).await?;
        let lease = self.pool.lease().await?;
        let connection = Connection::new(self.pool.clone(), self.place.clone(), Some(lease));
        let work = move || {
            let answer = unit::read(tenant, &mut Link::Postgres(Box::new(connection)), SCAN, f);
            drop(turn);
            answer
        };
        tokio::task::spawn_blocking(work).await.map_err(|task| fault::ended(&task))?
    }

    /// One row by one statement: a transaction in one round trip, without a thread that waits for it.
    pub async fn peek<T>(&self, tenant: TenantId, sql: &str, p: &[Value<'_>], f: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<Option<T>> {
        let turn = self.gate.enter(tenant).await?;
        let mut lease = self.pool.lease().await?;
        let rows = lease.session()?.alone(&self.place.begin_read, sql, p).await?;
        drop(lease);
        drop(turn);
        rows.first().map(|row| unit::caught(|| f(&Row::postgres(row)))).transpose()
    }

    pub fn link(&self) -> impl Fn() -> Result<Link> + Send + Sync + 'static {
        let (pool, place) = (self.pool.clone(), self.place.clone());
        move || Ok(link(&pool, &place))
    }
}
