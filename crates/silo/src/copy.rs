//! Backups and restores: rows from one engine to the other.
//!
//! A backup is a SQLite file whose tables were made from portable DDL. Restoring believes nothing in it: the file is opened
//! read-only with everything switched off, must pass SQLite's own integrity check, and what its schema says must read as
//! portable DDL. A trigger, a view or a foreign virtual table refuses the whole file.

use crate::{
    Row, Schema, Tx,
    ddl::{self, Statement},
    link::{Dialect, Link},
    search,
    sqlite::{self, Role},
    unit,
};
use base::{Code, Error, Result, TenantId, Value};
use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// Values per INSERT; both engines take more, but neither gets faster.
const VALUES: usize = 2000;
/// Rows per FETCH from PostgreSQL.
const FETCH: usize = 500;

fn refuse(why: impl std::fmt::Display) -> Error {
    Error::new(Code::Invalid, "backup", format!("This file is not restored: {why}."))
}

/// A file that came from somewhere.
pub struct Guest {
    link: Link,
    statements: Vec<Statement>,
    tables: Vec<String>,
    search: bool,
}

impl Guest {
    pub fn open(path: &Path, schema: &Schema) -> Result<Guest> {
        if !path.is_file() {
            return Err(refuse("it is not there"));
        }
        let mut guest = Guest { link: sqlite::link(path, Role::Guest)?, statements: Vec::new(), tables: Vec::new(), search: false };
        let looked = guest.look(schema);
        match looked {
            Ok(()) => Ok(guest),
            Err(e) if e.code() == Code::Internal || e.name() == Error::QUARANTINED => Err(refuse("it is no whole SQLite database").with_cause(e)),
            Err(e) => Err(e),
        }
    }

    fn look(&mut self, schema: &Schema) -> Result<()> {
        let whose = first(&mut self.link, "PRAGMA application_id", |row| row.int(0))?;
        if whose != Some(sqlite::application_id(schema.name).into()) {
            return Err(refuse(format_args!("it is no backup of a {}", schema.name)));
        }
        if let Some(fault) = first(&mut self.link, "PRAGMA integrity_check(1)", |row| Ok(row.text(0)?.to_owned()))?.filter(|f| f != "ok") {
            return Err(refuse("its integrity check fails").with_cause(fault));
        }
        let mut entries = Vec::new();
        let mut read = Ok(());
        self.link.step("SELECT type, name, sql FROM sqlite_schema ORDER BY type = 'index', rowid", &[], |row| {
            let entry = || -> Result<_> { Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.opt_text(2)?.map(str::to_owned))) };
            read = entry().map(|e| entries.push(e));
            read.is_ok()
        })?;
        read?;
        for (kind, name, sql) in entries {
            self.entry(&kind, &name, sql.as_deref())?;
        }
        if !self.tables.iter().any(|t| t == "meta") || self.search != schema.search {
            return Err(refuse(format_args!("it has not the tables of a {}", schema.name)));
        }
        let rows = first(&mut self.link, r#"SELECT COUNT(*) FROM "meta" WHERE "one" = 1"#, |row| row.int(0))?;
        if rows == Some(1) { Ok(()) } else { Err(refuse("it does not say whose it is")) }
    }

    fn entry(&mut self, kind: &str, name: &str, sql: Option<&str>) -> Result<()> {
        match (kind, sql) {
            // The index of a PRIMARY KEY or UNIQUE: made by its table.
            ("index", None) => Ok(()),
            ("table" | "index", Some(sql)) if is_search(name) => {
                self.search |= name == "search_docs";
                let known = name.starts_with("search_index_") || search::ddl(Dialect::Sqlite).split(';').any(|known| known.trim() == sql);
                if known { Ok(()) } else { Err(refuse(format_args!("`{name}` is not what it should be"))) }
            }
            ("table" | "index", Some(sql)) => {
                let statement = ddl::parse_sqlite(sql).map_err(|e| refuse(format_args!("`{name}` is not portable")).with_cause(e))?;
                if statement.is_table() != (kind == "table") || !statement.portable().contains(&format!("\"{name}\"")) {
                    return Err(refuse(format_args!("`{name}` is not what it says")));
                }
                if kind == "table" {
                    self.tables.push(name.to_owned());
                }
                self.statements.push(statement);
                Ok(())
            }
            _ => Err(refuse(format_args!("it has a {kind}"))),
        }
    }

    /// Makes the tables and copies every row.
    pub fn load(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        let mut later = Vec::new();
        for statement in self.statements.iter().filter(|s| s.is_table()) {
            later.extend(tx.link().load(statement)?);
        }
        for table in &self.tables {
            copy_table(&mut self.link, tx, table)?;
        }
        if self.search {
            self.load_search(tx)?;
        }
        for statement in self.statements.iter().filter(|s| !s.is_table()) {
            later.extend(tx.link().load(statement)?);
        }
        for sql in later {
            tx.link().engine_batch(&sql).map_err(|e| refuse("its rows refer to rows that are not there").with_cause(e))?;
        }
        if tx.link().engine() == Dialect::Sqlite && first(tx.link(), "PRAGMA foreign_key_check", |_| Ok(()))?.is_some() {
            return Err(refuse("its rows refer to rows that are not there"));
        }
        Ok(())
    }

    /// A contentless index still knows which words each row has.
    fn load_search(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        self.link.engine_batch("CREATE VIRTUAL TABLE temp.search_words USING fts5vocab('main', 'search_index', 'instance')")?;
        let mut words: std::collections::HashMap<i64, String> = std::collections::HashMap::new();
        each(&mut self.link, "SELECT doc, term FROM temp.search_words", &mut |row| {
            let all = words.entry(row.int(0)?).or_default();
            if !all.is_empty() {
                all.push(' ');
            }
            all.push_str(row.text(1)?);
            Ok(())
        })?;
        each(&mut self.link, r#"SELECT "n", "resource", "id", "title" FROM "search_docs""#, &mut |row| {
            let n = row.int(0)?;
            search::insert(tx, n, row.text(1)?, row.text(2)?, row.text(3)?, words.get(&n).map_or("", String::as_str))
        })
    }
}

/// Builds a SQLite file from a silo on PostgreSQL, all in one snapshot.
pub fn backup(tenant: TenantId, from: &mut Link, schema: &str, to: &Path) -> Result<()> {
    let mut file = sqlite::link(to, Role::Builder)?;
    let Link::Sqlite(c) = &mut file else { return Err(Error::internal("not a file")) };
    sqlite::begin_file(c, schema)?;
    from.begin_read()?;
    let done = from.unlimited().and_then(|()| {
        file.begin_write()?;
        unit::write_on(tenant, &mut file, |tx| write_file(from, tx)).map(drop)
    });
    from.end_read();
    done
}

fn write_file(from: &mut Link, tx: &mut Tx<'_>) -> Result<()> {
    let mut statements = Vec::new();
    each(from, r#"SELECT "sql" FROM "silo_ddl" ORDER BY "n""#, &mut |row| {
        statements.push(row.text(0)?.to_owned());
        Ok(())
    })?;
    for sql in statements {
        tx.ddl(&sql)?;
    }
    let tables = tx.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid", &[], |row| Ok(row.text(0)?.to_owned()))?;
    for table in tables.iter().filter(|t| !is_search(t)) {
        copy_table(from, tx, table)?;
    }
    if first(from, "SELECT CAST(to_regclass('search_docs') AS TEXT)", |row| Ok(row.opt_text(0)?.is_some()))? != Some(true) {
        return Ok(());
    }
    tx.link().engine_batch(search::ddl(Dialect::Sqlite))?;
    let sql = r#"SELECT "n", "resource", "id", "title", array_to_string(tsvector_to_array("words"), ' ') FROM "search_docs" ORDER BY "n""#;
    each(from, sql, &mut |row| search::insert(tx, row.int(0)?, row.text(1)?, row.text(2)?, row.text(3)?, row.text(4)?))
}

fn is_search(table: &str) -> bool {
    table == "search_docs" || table == "search_docs_key" || table == "search_index" || table.starts_with("search_index_")
}

/// Copies every row. The columns are those of the SQLite side, whichever that is.
fn copy_table(from: &mut Link, to: &mut Tx<'_>, table: &str) -> Result<()> {
    let mut columns = Vec::new();
    let sql = from.columns_sql();
    from.step(sql, &[table.into()], |row| row.text(0).map(|name| columns.push(format!("\"{name}\""))).is_ok())?;
    let columns = columns.join(", ");
    let width = columns.split(", ").count();
    let mut waiting: Vec<Value<'static>> = Vec::new();
    let flush = |to: &mut Tx<'_>, waiting: &mut Vec<Value<'static>>| {
        if waiting.is_empty() {
            return Ok(());
        }
        let sql = insert(table, &columns, width, waiting.len() / width.max(1));
        let done = to.run(&sql, waiting);
        waiting.clear();
        done.map(drop)
    };
    let most = (VALUES / width.max(1)).max(1) * width;
    each(from, &format!("SELECT {columns} FROM \"{table}\""), &mut |row| {
        for i in 0..row.width() {
            waiting.push(row.value(i)?.into_owned());
        }
        if waiting.len() >= most { flush(to, &mut waiting) } else { Ok(()) }
    })?;
    flush(to, &mut waiting)
}

fn insert(table: &str, columns: &str, width: usize, rows: usize) -> String {
    let mut sql = format!("INSERT INTO \"{table}\" ({columns}) VALUES ");
    for row in 0..rows {
        sql.push_str(if row > 0 { ", (" } else { "(" });
        for column in 0..width {
            let comma = if column > 0 { ", " } else { "" };
            sql.push_str(&format!("{comma}?{}", row * width + column + 1));
        }
        sql.push(')');
    }
    sql
}

fn first<T>(link: &mut Link, sql: &str, f: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<Option<T>> {
    link.first(sql, &[], f)?.transpose()
}

/// Every row, without holding all of them in memory on either engine.
fn each(link: &mut Link, sql: &str, f: &mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
    let mut answer = Ok(());
    let mut take = |row: &Row<'_>| {
        answer = f(row);
        answer.is_ok()
    };
    if link.engine() == Dialect::Sqlite {
        link.step(sql, &[], &mut take)?;
        return answer;
    }
    // A FETCH is prepared like any statement, and has the columns of its cursor: no two cursors share a name.
    static CURSORS: AtomicU64 = AtomicU64::new(0);
    let cursor = format!("copy_{}", CURSORS.fetch_add(1, Relaxed));
    link.engine_batch(&format!("DECLARE {cursor} NO SCROLL CURSOR FOR {sql}"))?;
    loop {
        let mut some = false;
        link.step(&format!("FETCH {FETCH} FROM {cursor}"), &[], |row| {
            some = true;
            take(row)
        })?;
        if !some {
            break;
        }
    }
    link.engine_batch(&format!("CLOSE {cursor}"))?;
    answer
}
