use super::{Connection, Role, readers::Readers};
use crate::{Tx, link::Link, unit};
use base::{Result, TenantId};
use parking_lot::Mutex;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// An inline read keeps an async worker busy: anything long belongs into a scan.
const INLINE: Duration = Duration::from_millis(250);

/// An open file: the reader for single records, and the readers for everything longer.
pub struct Store {
    path: PathBuf,
    inline: Mutex<Link>,
    pub readers: Arc<Readers>,
}

impl Store {
    /// Opens a file that must be there; `at_open` runs before anybody else sees it.
    pub fn open(tenant: TenantId, path: &Path, at_open: impl FnOnce(&mut Tx<'_>) -> Result<()>) -> Result<Store> {
        let mut link = link(path, Role::Reader)?;
        unit::write(tenant, &mut link, at_open)?;
        if let Link::Sqlite(c) = &mut link {
            c.read_only()?;
        }
        Ok(Store { path: path.to_owned(), inline: Mutex::new(link), readers: Readers::new(path) })
    }

    /// Reads on the caller's own thread, or gives `f` back when the inline reader is busy.
    pub fn try_inline<T, F: FnOnce(&mut Tx<'_>) -> Result<T>>(&self, tenant: TenantId, f: F) -> Result<Result<T>, F> {
        match self.inline.try_lock() {
            Some(mut link) => Ok(unit::read(tenant, &mut link, INLINE, f)),
            None => Err(f),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

pub fn link(path: &Path, role: Role) -> Result<Link> {
    Ok(Link::Sqlite(Box::new(Connection::open(path, role)?)))
}
