use crate::{
    Engine, Schema, Tx, copy,
    fair::Gate,
    link::{Dialect, Link},
    postgres, search,
    silo::Store,
    sqlite, unit,
};
use base::{Error, Result, TenantId};
use std::{path::Path, sync::Arc};

/// Where silos come from and go to. Everything here may block.
pub enum Backend {
    Sqlite(sqlite::Files),
    Postgres(postgres::Cluster),
}

impl Backend {
    pub fn new(engine: Engine, installation: &str) -> Result<Backend> {
        Ok(match engine {
            Engine::Sqlite { dir } => Backend::Sqlite(sqlite::Files::new(dir)),
            Engine::Postgres { url, pool } => Backend::Postgres(postgres::Cluster::new(&url, pool, installation)?),
        })
    }

    /// Whether silos can be made here at all.
    pub fn check(&self) -> Result<()> {
        match self {
            Backend::Sqlite(files) => files.prepare(),
            Backend::Postgres(cluster) => cluster.check(),
        }
    }

    /// Other installations that keep their silos in the same place.
    pub fn others(&self) -> Result<Vec<String>> {
        match self {
            Backend::Sqlite(_) => Ok(Vec::new()),
            Backend::Postgres(cluster) => cluster.others(),
        }
    }

    pub fn exists(&self, id: TenantId) -> Result<bool> {
        match self {
            Backend::Sqlite(files) => Ok(files.exists(id)),
            Backend::Postgres(cluster) => cluster.exists(id),
        }
    }

    pub fn create(&self, id: TenantId, schema: &Schema, init: impl FnOnce(&mut Tx<'_>) -> Result<()>) -> Result<()> {
        if self.exists(id)? {
            return Ok(());
        }
        let mut waiting = Vec::new();
        let made = match self {
            Backend::Sqlite(files) => files.make(id, Some(schema), |link| {
                link.engine_batch("PRAGMA foreign_keys=ON")?;
                link.begin_write()?;
                waiting = unit::write_on(id, link, init)?;
                Ok(())
            }),
            Backend::Postgres(cluster) => cluster.make(id, schema.name, schema.search, |link| {
                waiting = unit::write_on(id, link, |tx| {
                    tx.ddl(schema.ddl)?;
                    init(tx)
                })?;
                Ok(())
            }),
        }?;
        if made {
            unit::signal(waiting);
        }
        Ok(())
    }

    /// Whether there is anything at all, as far as one look into a folder says it.
    pub fn any(&self) -> Result<bool> {
        match self {
            Backend::Sqlite(files) => files.any(),
            Backend::Postgres(_) => Ok(false),
        }
    }

    /// Opens a silo that must be there. With `suspect` it is read from end to end first.
    pub fn open(&self, id: TenantId, suspect: bool, gate: &Arc<Gate>, at_open: impl FnOnce(&mut Tx<'_>) -> Result<()>) -> Result<Store> {
        match self {
            Backend::Sqlite(files) if !files.exists(id) => Err(Error::not_found()),
            Backend::Sqlite(files) => sqlite::Store::open(id, &files.path(id), suspect, gate.clone(), at_open).map(Store::Sqlite),
            Backend::Postgres(cluster) => cluster.open(id, gate.clone(), at_open).map(Store::Postgres),
        }
    }

    pub fn remove(&self, id: TenantId) -> Result<()> {
        match self {
            Backend::Sqlite(files) => files.remove(id),
            Backend::Postgres(cluster) => cluster.remove(id),
        }
    }

    /// Leaves nothing of deleted rows in the pages of a file. A cluster's pages are its own: it uses them again in its own time.
    pub fn scrub(&self, id: TenantId, settle: impl Fn()) -> Result<()> {
        match self {
            Backend::Sqlite(files) => sqlite::scrub(&files.path(id), settle),
            Backend::Postgres(_) => Ok(()),
        }
    }

    pub fn backup(&self, id: TenantId, to: &Path) -> Result<()> {
        if !self.exists(id)? {
            return Err(Error::not_found());
        }
        sqlite::private_file(to)?;
        let done = match self {
            Backend::Sqlite(files) => sqlite::vacuum_into(&files.path(id), to),
            Backend::Postgres(cluster) => cluster.backup(id, to),
        };
        match done {
            Ok(()) => sqlite::sync_file(to),
            Err(e) => {
                drop(std::fs::remove_file(to));
                Err(e)
            }
        }
    }

    pub fn restore(&self, id: TenantId, schema: &Schema, from: &Path, fix: impl FnOnce(&mut Tx<'_>) -> Result<()>) -> Result<()> {
        if self.exists(id)? {
            return Err(Error::conflict("exists", "There is a silo of this id already."));
        }
        let mut guest = copy::Guest::open(from, schema)?;
        let mut waiting = Vec::new();
        let fill = |link: &mut Link| {
            waiting = unit::write_on(id, link, |tx| {
                guest.load(tx)?;
                fix(tx)
            })?;
            Ok(())
        };
        let made = match self {
            Backend::Sqlite(files) => files.make(id, None, |link| {
                if let Link::Sqlite(c) = link {
                    sqlite::begin_file(c, schema.name)?;
                    if schema.search {
                        c.batch(search::ddl(Dialect::Sqlite))?;
                    }
                }
                link.begin_write()?;
                fill(link)
            })?,
            Backend::Postgres(cluster) => cluster.make(id, schema.name, schema.search, fill)?,
        };
        if !made {
            return Err(Error::conflict("exists", "There is a silo of this id already."));
        }
        unit::signal(waiting);
        Ok(())
    }

    pub fn tidy(&self) {
        match self {
            Backend::Sqlite(_) => {}
            Backend::Postgres(cluster) => cluster.pool.close_idle(),
        }
    }

    pub fn close(&self) {
        match self {
            Backend::Sqlite(_) => {}
            Backend::Postgres(cluster) => cluster.pool.close(),
        }
    }
}
