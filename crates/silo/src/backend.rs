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
                base::step("provision.draft-begun")?;
                waiting = unit::write_on(id, link, init)?;
                base::step("provision.draft-written")
            }),
            Backend::Postgres(cluster) => cluster.make(id, schema.name, schema.search, |link| {
                waiting = unit::write_on(id, link, |tx| {
                    tx.ddl(schema.ddl)?;
                    init(tx)
                })?;
                Ok(())
            }),
        }?;
        base::step("provision.published")?;
        if made {
            unit::signal(waiting);
        }
        Ok(())
    }

    /// Every silo there is.
    pub fn all(&self) -> Result<Vec<TenantId>> {
        match self {
            Backend::Sqlite(files) => files.all(),
            Backend::Postgres(cluster) => cluster.all(),
        }
    }

    /// Whether there is anything at all, as far as one look into a folder says it.
    pub fn any(&self) -> Result<bool> {
        match self {
            Backend::Sqlite(files) => files.any(),
            Backend::Postgres(_) => Ok(false),
        }
    }

    /// Opens a silo that must be there. With `suspect` it is read from end to end first.
    pub fn open(&self, id: TenantId, suspect: bool, gate: &Arc<Gate>, at_open: impl Fn(&mut Tx<'_>) -> Result<()>) -> Result<Store> {
        match self {
            Backend::Sqlite(files) if !files.exists(id) => Err(Error::not_found()),
            Backend::Sqlite(files) => sqlite::Store::open(id, &files.path(id), suspect, gate.clone(), at_open).map(Store::Sqlite),
            Backend::Postgres(cluster) => cluster.open(id, gate.clone(), at_open).map(Store::Postgres),
        }
    }

    /// Whether a silo is there and can be read. Changes nothing.
    pub fn inspect(&self, id: TenantId, whole: bool) -> Result<i64> {
        match self {
            Backend::Sqlite(files) if !files.exists(id) => Err(Error::quarantined("its database is not there")),
            Backend::Sqlite(files) => sqlite::inspect(&files.path(id), whole),
            Backend::Postgres(cluster) if !cluster.exists(id)? => Err(Error::quarantined("its schema is not there")),
            Backend::Postgres(cluster) => cluster.last_entry(id),
        }
    }

    /// What is dangerous or too small in the place itself, with how to mend it.
    pub fn warnings(&self) -> Result<Vec<(String, String)>> {
        match self {
            Backend::Sqlite(_) => Ok(Vec::new()),
            Backend::Postgres(cluster) => cluster.warnings(),
        }
    }

    pub fn remove(&self, id: TenantId) -> Result<()> {
        match self {
            Backend::Sqlite(files) => files.remove(id),
            Backend::Postgres(cluster) => cluster.remove(id),
        }
    }

    /// Leaves nothing of deleted rows in the pages of a file. A cluster's pages are its own: it uses them again in its own time.
    pub fn wipe(&self, id: TenantId, settle: impl Fn()) -> Result<()> {
        match self {
            Backend::Sqlite(files) => sqlite::wipe(&files.path(id), settle),
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
                base::step("restore.loaded")?;
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
        base::step("restore.published")?;
        unit::signal(waiting);
        Ok(())
    }

    /// What is wrong with all of it at once.
    pub fn trouble(&self) -> Option<Error> {
        match self {
            Backend::Sqlite(_) => None,
            Backend::Postgres(cluster) => cluster.pool.server.trouble(),
        }
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
