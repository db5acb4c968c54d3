use super::{Connection, Role, store::link};
use crate::{
    Schema,
    link::{Dialect, Link},
    search,
};
use base::{Error, Result, TenantId, new_id};
use std::{
    fs::{self, File, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::ErrorKind,
    path::{Path, PathBuf},
    time::Duration,
};

/// The measured compromise: 53 KB for an empty silo with its kernel tables; 4096 needs 98.
const PAGE_SIZE: u32 = 2048;
/// A half-made file older than this has nobody any more who makes it.
const STALE: Duration = Duration::from_secs(3600);

/// Where the files are. New ones are made below `.new` and appear under their name whole or not at all.
pub struct Files {
    dir: PathBuf,
    making: PathBuf,
}

impl Files {
    pub fn new(dir: PathBuf) -> Files {
        Files { making: dir.join(".new"), dir }
    }

    /// Makes the folders, and takes away what a crash has left half made.
    pub fn prepare(&self) -> Result<()> {
        fs::create_dir_all(&self.making).map_err(|e| Error::from(e).with_cause(format!("{} cannot be made", self.making.display())))?;
        private(&self.dir)?;
        self.sweep();
        Ok(())
    }

    pub fn path(&self, id: TenantId) -> PathBuf {
        self.dir.join(format!("{}.db", id.hex()))
    }

    pub fn exists(&self, id: TenantId) -> bool {
        self.path(id).exists()
    }

    pub fn any(&self) -> Result<bool> {
        Ok(fs::read_dir(&self.dir)?.flatten().any(|entry| entry.path().extension().is_some_and(|end| end == "db")))
    }

    /// Every file that has a silo's name.
    pub fn all(&self) -> Result<Vec<TenantId>> {
        let named = |path: &Path| path.extension().is_some_and(|end| end == "db").then(|| TenantId::from_hex(path.file_stem()?.to_str()?)).flatten();
        Ok(fs::read_dir(&self.dir)?.flatten().filter_map(|entry| named(&entry.path())).collect())
    }

    /// Makes a silo's file: `fill` writes into a copy of `schema`'s template (or into an empty file) that nobody else sees.
    /// False when somebody else was faster.
    pub fn make(&self, id: TenantId, template: Option<&Schema>, fill: impl FnOnce(&mut Link) -> Result<()>) -> Result<bool> {
        let draft = Draft::new(&self.making);
        if let Some(schema) = template {
            fs::copy(self.template(schema)?, &draft.0)?;
        }
        let mut file = link(&draft.0, Role::Builder)?;
        fill(&mut file)?;
        file.engine_batch("PRAGMA journal_mode=WAL")?;
        drop(file);
        File::open(&draft.0)?.sync_all()?;
        let made = publish(&draft.0, &self.path(id))?;
        sync_dir(&self.dir)?;
        Ok(made)
    }

    /// An empty silo of this schema, made once and copied for each new one.
    fn template(&self, schema: &Schema) -> Result<PathBuf> {
        let mut hasher = DefaultHasher::new();
        (schema.name, schema.ddl, schema.search, PAGE_SIZE, search::ddl(Dialect::Sqlite)).hash(&mut hasher);
        let path = self.making.join(format!("template-{:016x}.db", hasher.finish()));
        if !path.exists() {
            let draft = Draft::new(&self.making);
            let mut file = Connection::open(&draft.0, Role::Builder)?;
            begin_file(&mut file, schema.name)?;
            file.batch("BEGIN")?;
            file.ddl(schema.ddl)?;
            if schema.search {
                file.batch(search::ddl(Dialect::Sqlite))?;
            }
            file.batch("COMMIT")?;
            drop(file);
            File::open(&draft.0)?.sync_all()?;
            publish(&draft.0, &path)?;
        }
        Ok(path)
    }

    pub fn remove(&self, id: TenantId) -> Result<()> {
        let path = self.path(id);
        for end in ["db", "db-wal", "db-shm"] {
            match fs::remove_file(path.with_extension(end)) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(e.into()),
                _ => {}
            }
        }
        sync_dir(&self.dir)
    }

    /// Takes away what a crash has left half made. A file that is young may still be somebody's.
    fn sweep(&self) {
        let Ok(found) = fs::read_dir(&self.making) else { return };
        for entry in found.flatten() {
            let stale = entry.metadata().and_then(|m| m.modified()).is_ok_and(|at| at.elapsed().is_ok_and(|age| age > STALE));
            if stale && entry.file_name().to_string_lossy().starts_with("draft-") {
                drop(fs::remove_file(entry.path()));
            }
        }
    }
}

/// The first words of a new file: its page size and which schema it is of.
pub fn begin_file(file: &mut Connection, schema: &str) -> Result<()> {
    file.batch(&format!("PRAGMA page_size={PAGE_SIZE}; PRAGMA application_id={};", application_id(schema)))
}

/// What tells a tenant's file from the hub's, and both from any other SQLite file: FNV-1a of the schema's name.
pub fn application_id(schema: &str) -> i32 {
    let hash = format!("tenon {schema}").bytes().fold(0x811c_9dc5_u32, |hash, b| (hash ^ u32::from(b)).wrapping_mul(0x0100_0193));
    i32::from_be_bytes((hash & 0x7fff_ffff).to_be_bytes())
}

/// Makes an empty file that only its owner may read; one that is there already is left alone.
pub fn private_file(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(Error::conflict("exists", "There is a file of this name already.")),
        Err(e) => Err(e.into()),
    }
}

/// One snapshot of a file that is in use, without what was deleted in it.
pub fn vacuum_into(from: &Path, to: &Path) -> Result<()> {
    let mut file = Connection::open(from, Role::Copier)?;
    let to = to.to_str().ok_or_else(|| Error::internal("the path is not UTF-8"))?;
    file.run("VACUUM INTO ?1", &[to.into()]).map(drop)
}

/// Leaves nothing in a file, or beside it, of what was deleted in it.
pub fn wipe(path: &Path, settle: impl Fn()) -> Result<()> {
    Connection::open(path, Role::Copier)?.wipe(settle)
}

/// Waits until a finished file and its name are on the disk.
pub fn sync_file(path: &Path) -> Result<()> {
    File::open(path)?.sync_all()?;
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => sync_dir(dir),
        _ => sync_dir(Path::new(".")),
    }
}

/// A file that disappears unless it is published.
struct Draft(PathBuf);

impl Draft {
    fn new(dir: &Path) -> Draft {
        Draft(dir.join(format!("draft-{}.db", new_id())))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

/// Gives a finished file its name, unless there is one of that name.
fn publish(draft: &Path, path: &Path) -> Result<bool> {
    match fs::hard_link(draft, path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(_) if path.exists() => Ok(false),
        // A file system without hard links.
        Err(_) => Ok(fs::rename(draft, path).map(|()| true)?),
    }
}

/// A new name is only on the disk when its directory is.
fn sync_dir(dir: &Path) -> Result<()> {
    Ok(File::open(dir)?.sync_all()?)
}

#[cfg(unix)]
fn private(dir: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?)
}

#[cfg(not(unix))]
fn private(_: &Path) -> Result<()> {
    Ok(())
}
