use crate::{Silo, Tx};
use base::{Result, TenantId};
use std::{path::PathBuf, sync::Arc};

/// Where the silos are kept.
#[derive(Debug, Clone)]
pub enum Engine {
    /// One file per silo below `dir`.
    Sqlite { dir: PathBuf },
    /// One schema and one role per silo; `pool` is the number of connections.
    Postgres { url: String, pool: usize },
}

/// Runs once at each cold open, in a write transaction, before anybody else sees the silo.
pub type AtOpen = Arc<dyn Fn(TenantId, &mut Tx<'_>) -> Result<()> + Send + Sync>;

pub struct Options {
    pub engine: Engine,
    /// Short id that keeps installations apart which share a PostgreSQL cluster: at most 16 characters of `a-z0-9`.
    pub installation: String,
    /// How many silos may be open at once; by default as many as memory and the file limit allow.
    pub max_open: Option<usize>,
    pub at_open: AtOpen,
}

/// The tables that a new silo starts with.
pub struct Schema {
    pub name: &'static str,
    /// Portable DDL, see [`Tx::ddl`].
    pub ddl: &'static str,
    /// Whether it has a search index, see [`Tx::search_put`].
    pub search: bool,
}

/// Counters since start, and how many silos are open now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    pub open: u64,
    pub max_open: u64,
    pub cold_opens: u64,
    pub evictions: u64,
    pub commits: u64,
    pub units: u64,
    pub failed_units: u64,
}

/// All silos of this installation.
#[derive(Clone)]
pub struct Silos(Arc<()>);

impl Silos {
    pub async fn start(options: Options) -> Result<Silos> {
        todo!()
    }
    /// Makes a silo, all of it or nothing. Where it is already there it is opened and `init` does not run.
    pub async fn create(&self, id: TenantId, schema: &'static Schema, init: impl FnOnce(&mut Tx<'_>) -> Result<()> + Send + 'static) -> Result<Silo> {
        todo!()
    }
    pub async fn open(&self, id: TenantId) -> Result<Silo> {
        todo!()
    }
    pub async fn exists(&self, id: TenantId) -> Result<bool> {
        todo!()
    }
    pub async fn destroy(&self, id: TenantId) -> Result<()> {
        todo!()
    }
    pub async fn backup(&self, id: TenantId, to: PathBuf) -> Result<()> {
        todo!()
    }
    pub async fn restore(&self, id: TenantId, schema: &'static Schema, from: PathBuf, fix: impl FnOnce(&mut Tx<'_>) -> Result<()> + Send + 'static) -> Result<Silo> {
        todo!()
    }
    pub fn figures(&self) -> Figures {
        todo!()
    }
    pub async fn shutdown(&self) {
        todo!()
    }
}
