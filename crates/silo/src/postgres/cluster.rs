use super::{
    Connection, Store,
    address::{Address, refused},
    pool::Pool,
    session::{Ahead, Session},
};
use crate::{
    Tx, copy,
    fair::Gate,
    fault,
    link::{Dialect, Link},
    search, unit,
};
use base::{Error, Result, TenantId, Value};
use std::{path::Path, sync::Arc, time::Duration};

/// A unit waits for the network at each statement; SQLite needs a quarter of this.
pub const UNIT: Duration = Duration::from_secs(2);
pub const SCAN: Duration = Duration::from_secs(2);
/// What every session begins with: how long a statement, a lock and a pause in a transaction may take.
pub fn limits() -> String {
    format!("SET statement_timeout = {}; SET lock_timeout = 2000; SET idle_in_transaction_session_timeout = 5000", SCAN.max(UNIT).as_millis())
}

/// For a transaction that makes a silo or takes one away: the number of its tables is not ours to limit, and the one before may take a while.
const MAKING: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '20s'";

/// How often an opening that a deadlock has ended begins again.
const AGAIN: u32 = 3;

/// Where one tenant's tables are, and what begins a transaction there.
pub struct Place {
    /// Name of the schema and of the role.
    pub name: String,
    pub begin_write: String,
    pub begin_read: String,
}

impl Place {
    fn new(name: String) -> Place {
        let head = r#"SELECT "seq", "hash", "epoch" FROM "meta" WHERE "one" = 1 FOR UPDATE"#;
        let whose = Place::whose(&name);
        Place {
            begin_write: format!("BEGIN; {whose}; {head}"),
            begin_read: format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {whose}"),
            name,
        }
    }
    /// Whose transaction it is, until it ends. `pg_temp` is named so that it comes last: a temporary table can never stand before a
    /// tenant's own. Two statements that are not planned cost a tenth of one that is.
    fn whose(name: &str) -> String {
        format!("SET LOCAL ROLE \"{name}\"; SET LOCAL search_path = \"{name}\", pg_temp")
    }
}

/// One tenant's way to the server, see [`Connection`].
pub fn link(pool: &Arc<Pool>, place: &Arc<Place>) -> Link {
    Link::Postgres(Box::new(Connection::new(pool.clone(), place.clone(), None)))
}

/// The database in which all silos of this installation are.
pub struct Cluster {
    pub pool: Arc<Pool>,
    /// How many sessions the pool may have.
    size: usize,
    prefix: String,
}

impl Cluster {
    pub fn new(url: &str, pool: usize, installation: &str) -> Result<Cluster> {
        if installation.len() > 16 || !installation.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            return Err(Error::internal(format!("the installation's id `{installation}` is not up to 16 characters of a-z and 0-9")));
        }
        let address = Address::parse(url)?;
        let prefix = if installation.is_empty() { "tenon".to_owned() } else { format!("tenon_{installation}") };
        Ok(Cluster { pool: Pool::new(address, pool), size: pool, prefix })
    }

    /// Refuses to start where silos could not be made, with what to run.
    pub fn check(&self) -> Result<()> {
        let mut lease = self.pool.wait_for_lease()?;
        let sql = "SELECT r.rolsuper OR r.rolcreaterole, has_database_privilege(current_database(), 'CREATE'), CAST(current_user AS TEXT), \
            CAST(current_database() AS TEXT), CAST(current_setting('server_version_num') AS INTEGER) FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";
        let rows = lease.session()?.query(Ahead::default(), sql, &[])?;
        let row = rows.first().map(crate::Row::postgres).ok_or_else(|| Error::internal("who am I?"))?;
        let (user, database) = (row.text(2)?, row.text(3)?);
        if row.int(4)? < 140_000 {
            return Err(refused("PostgreSQL 14 or newer is needed."));
        }
        if !row.bool(0)? {
            return Err(refused(format!("Each tenant gets a role of its own. Let this one make them: ALTER ROLE \"{user}\" CREATEROLE")));
        }
        if !row.bool(1)? {
            return Err(refused(format!(
                "Each tenant gets a schema of its own. Let them be made: GRANT CREATE ON DATABASE \"{database}\" TO \"{user}\""
            )));
        }
        Ok(())
    }

    pub fn place(&self, id: TenantId) -> Arc<Place> {
        let name = if id.is_hub() { "hub".to_owned() } else { id.hex() };
        Arc::new(Place::new(format!("{}_{name}", self.prefix)))
    }

    /// Other installations whose hub is in this database, by their ids.
    pub fn others(&self) -> Result<Vec<String>> {
        let mut lease = self.pool.wait_for_lease()?;
        let sql = r"SELECT CAST(nspname AS TEXT) FROM pg_catalog.pg_namespace WHERE nspname LIKE 'tenon\_%\_hub' ORDER BY nspname";
        let own = self.place(TenantId::HUB).name.clone();
        let ids = texts(lease.session()?, sql, &[])?.into_iter().filter(|name| *name != own);
        Ok(ids.filter_map(|name| Some(name.strip_prefix("tenon_")?.strip_suffix("_hub")?.to_owned())).collect())
    }

    /// Every silo of this installation.
    pub fn all(&self) -> Result<Vec<TenantId>> {
        let mut lease = self.pool.wait_for_lease()?;
        let sql = "SELECT CAST(nspname AS TEXT) FROM pg_catalog.pg_namespace WHERE substr(nspname, 1, length(?1)) = ?1 ORDER BY nspname";
        let prefix = format!("{}_", self.prefix);
        let names = texts(lease.session()?, sql, &[prefix.as_str().into()])?;
        let id = |name: &String| match name.strip_prefix(&prefix)? {
            "hub" => Some(TenantId::HUB),
            hex => TenantId::from_hex(hex),
        };
        Ok(names.iter().filter_map(id).collect())
    }

    /// The number of the last entry in a silo's log.
    pub fn last_entry(&self, id: TenantId) -> Result<i64> {
        let mut link = link(&self.pool, &self.place(id));
        let head = unit::read(id, &mut link, SCAN, |tx| tx.row(crate::link::HEAD, &[], |row| row.int(0)))?;
        head.ok_or_else(|| Error::quarantined("it does not say whose it is"))
    }

    /// Settings of the server under which acknowledged work can be lost, or sessions run out.
    pub fn warnings(&self) -> Result<Vec<(String, String)>> {
        let mut lease = self.pool.wait_for_lease()?;
        let sql = "SELECT current_setting('fsync') = 'on', current_setting('full_page_writes') = 'on', current_setting('synchronous_commit') <> 'off', \
            CAST(current_setting('max_connections') AS BIGINT)";
        let rows = lease.session()?.query(Ahead::default(), sql, &[])?;
        let row = rows.first().map(crate::Row::postgres).ok_or_else(|| Error::internal("settings without a row"))?;
        let mut found = Vec::new();
        for (at, name) in ["fsync", "full_page_writes", "synchronous_commit"].into_iter().enumerate() {
            if !row.bool(at)? {
                found.push((
                    format!("PostgreSQL runs with {name} = off: a crash of the machine loses what was acknowledged, or the whole database"),
                    format!("ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();"),
                ));
            }
        }
        let (most, wanted) = (row.int(3)?, i64::try_from(self.size).unwrap_or(i64::MAX));
        // A second process beside the server, and those that PostgreSQL keeps for its superuser.
        if most < 2 * wanted + 3 {
            found.push((
                format!("PostgreSQL takes {most} connections; each process of Tenon uses up to {wanted}"),
                format!("ALTER SYSTEM SET max_connections = {}; and restart PostgreSQL.", 2 * wanted + 20),
            ));
        }
        Ok(found)
    }

    pub fn exists(&self, id: TenantId) -> Result<bool> {
        let mut lease = self.pool.wait_for_lease()?;
        let name = self.place(id).name.clone();
        let sql = "SELECT CAST(1 AS BIGINT) FROM pg_catalog.pg_namespace WHERE nspname = ?1";
        Ok(!lease.session()?.query(Ahead::default(), sql, &[name.into()])?.is_empty())
    }

    /// Makes schema, role and tables in one transaction. `fill` gets the transaction; false when somebody else was faster.
    pub fn make(&self, id: TenantId, schema: &str, search: bool, fill: impl FnOnce(&mut Link) -> Result<()>) -> Result<bool> {
        let place = self.place(id);
        let name = &place.name;
        let mut lease = self.pool.wait_for_lease()?;
        let session = lease.session()?;
        session.open = true;
        session.is_patient(true);
        // One silo at a time: roles are rows of a catalogue that all databases share.
        session.batch(&format!("BEGIN; {MAKING}; SELECT pg_advisory_xact_lock(hashtext('tenon makes a silo'))"))?;
        let there = |session: &mut Session, table: &str, column: &str| {
            let sql = format!("SELECT CAST(1 AS BIGINT) FROM pg_catalog.{table} WHERE {column} = ?1");
            session.query(Ahead::default(), &sql, &[name.as_str().into()]).map(|rows| !rows.is_empty())
        };
        if there(session, "pg_namespace", "nspname")? {
            session.batch("ROLLBACK")?;
            session.open = false;
            return Ok(false);
        }
        if !there(session, "pg_roles", "rolname")? {
            session.batch(&format!(r#"CREATE ROLE "{name}" NOLOGIN; GRANT "{name}" TO CURRENT_USER"#))?;
        }
        session.batch(&format!(
            r#"CREATE SCHEMA "{name}" AUTHORIZATION "{name}"; COMMENT ON SCHEMA "{name}" IS 'tenon {}'; {};
            CREATE TABLE "silo_ddl" ("n" BIGINT PRIMARY KEY, "sql" TEXT COLLATE "C" NOT NULL); {}"#,
            schema,
            Place::whose(name),
            if search { search::ddl(Dialect::Postgres) } else { "" }
        ))?;
        let mut connection = Connection::new(self.pool.clone(), place.clone(), None);
        connection.adopt(lease)?;
        let mut link = Link::Postgres(Box::new(connection));
        let done = fill(&mut link);
        if done.is_err() {
            link.rollback();
        }
        done.map(|()| true)
    }

    /// Two who open a silo whose own tables are to grow can stand in each other's way: each has begun, and wants the table for itself. The
    /// server ends one of them, who begins again.
    pub fn open(&self, id: TenantId, gate: Arc<Gate>, at_open: impl Fn(&mut Tx<'_>) -> Result<()>) -> Result<Store> {
        if !self.exists(id)? {
            return Err(Error::not_found());
        }
        let place = self.place(id);
        let mut link = link(&self.pool, &place);
        let mut again = 0;
        loop {
            match unit::write(id, &mut link, &at_open) {
                Err(error) if again < AGAIN && fault::is_deadlock(&error) => again += 1,
                done => return done.map(|()| Store::new(self.pool.clone(), place, gate)),
            }
        }
    }

    pub fn remove(&self, id: TenantId) -> Result<()> {
        let name = self.place(id).name.clone();
        let mut lease = self.pool.wait_for_lease()?;
        let session = lease.session()?;
        session.open = true;
        session.is_patient(true);
        let sql = format!(r#"BEGIN; {MAKING}; DROP SCHEMA IF EXISTS "{name}" CASCADE; DROP ROLE IF EXISTS "{name}"; COMMIT"#);
        session.batch(&sql)?;
        session.open = false;
        Ok(())
    }

    pub fn backup(&self, id: TenantId, to: &Path) -> Result<()> {
        let schema = self.schema_name(id)?;
        let mut link = link(&self.pool, &self.place(id));
        copy::backup(id, &mut link, &schema, to)
    }

    /// The name of the schema that a silo was made with.
    fn schema_name(&self, id: TenantId) -> Result<String> {
        let mut lease = self.pool.wait_for_lease()?;
        let sql = "SELECT obj_description(oid, 'pg_namespace') FROM pg_catalog.pg_namespace WHERE nspname = ?1";
        let rows = lease.session()?.query(Ahead::default(), sql, &[self.place(id).name.as_str().into()])?;
        let comment = rows.first().map(crate::Row::postgres).ok_or_else(Error::not_found)?.opt_text(0)?.unwrap_or_default().to_owned();
        Ok(comment.strip_prefix("tenon ").unwrap_or_default().to_owned())
    }
}

/// An answer of one column of texts.
fn texts(session: &mut Session, sql: &str, p: &[Value<'_>]) -> Result<Vec<String>> {
    session.query(Ahead::default(), sql, p)?.iter().map(|row| crate::Row::postgres(row).text(0).map(str::to_owned)).collect()
}
