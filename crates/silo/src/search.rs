//! The search port: FTS5 on SQLite, tsvector on PostgreSQL, one way of cutting words for both.
//!
//! `search_docs(n, resource, id, title)` says what can be found. On SQLite a contentless FTS5 table `search_index` has the words by
//! `n`; on PostgreSQL a further column `words` has them. Neither engine cuts words itself: a word is a run of letters and
//! digits of folded text, at most 64 characters, so both find the same.

use crate::{Tx, link::Dialect};
use base::{Result, Value};
use std::collections::{BTreeSet, HashMap};

/// What somebody typed into the search box, cut by [`cut_words`]; the last word counts as a beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// All of them must be there. Without any, nothing is found.
    pub words: Vec<String>,
    /// Only these resources. Without any, nothing is found.
    pub resources: Vec<String>,
    pub limit: i64,
    pub offset: i64,
}

const LONGEST_WORD: usize = 64;
const MOST_WORDS: usize = 10_000;
/// So many are looked up by one statement.
const AT_ONCE: usize = 64;
/// So many are put by one statement, where there are so many.
const ROWS: usize = 8;

/// Cuts text into folded words, the same way for what is stored and for what is asked.
pub fn cut_words(text: &str) -> Vec<String> {
    base::fold(text).split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(|w| w.chars().take(LONGEST_WORD).collect()).collect()
}

pub struct Edit {
    resource: String,
    id: String,
    /// Title and words, or nothing when it goes.
    doc: Option<(String, String)>,
}

impl Edit {
    pub fn put(resource: &str, id: &str, title: &str, words: &str) -> Edit {
        let title = cut_words(title);
        let mut all: BTreeSet<String> = title.iter().cloned().collect();
        all.extend(cut_words(words).into_iter().take(MOST_WORDS));
        let words: Vec<String> = all.into_iter().collect();
        Edit { resource: resource.into(), id: id.into(), doc: Some((title.join(" "), words.join(" "))) }
    }
    pub fn remove(resource: &str, id: &str) -> Edit {
        Edit { resource: resource.into(), id: id.into(), doc: None }
    }
}

pub fn ddl(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => {
            r#"CREATE TABLE "search_docs" ("n" INTEGER PRIMARY KEY, "resource" TEXT NOT NULL, "id" TEXT NOT NULL, "title" TEXT NOT NULL) STRICT;
            CREATE UNIQUE INDEX "search_docs_key" ON "search_docs" ("resource", "id");
            CREATE VIRTUAL TABLE "search_index" USING fts5("words", content='', contentless_delete=1, detail=none, tokenize='ascii');"#
        }
        Dialect::Postgres => {
            r#"CREATE TABLE "search_docs" ("n" BIGINT PRIMARY KEY, "resource" TEXT COLLATE "C" NOT NULL, "id" TEXT COLLATE "C" NOT NULL,
                "title" TEXT COLLATE "C" NOT NULL, "words" TSVECTOR NOT NULL);
            CREATE UNIQUE INDEX "search_docs_key" ON "search_docs" ("resource", "id");
            CREATE INDEX "search_docs_words" ON "search_docs" USING GIN ("words");"#
        }
    }
}

/// Writes what a batch has left, each record once.
pub fn write(tx: &mut Tx<'_>, edits: Vec<Edit>) -> Result<()> {
    let last: HashMap<(&str, &str), usize> = edits.iter().enumerate().map(|(i, e)| ((e.resource.as_str(), e.id.as_str()), i)).collect();
    let mut kept: Vec<usize> = last.into_values().collect();
    kept.sort_unstable();
    let edits: Vec<&Edit> = kept.into_iter().filter_map(|i| edits.get(i)).collect();
    match tx.link().engine() {
        Dialect::Sqlite => write_numbered(tx, &edits),
        Dialect::Postgres => write_keyed(tx, &edits),
    }
}

/// PostgreSQL finds by its key what is there already, and numbers what is new.
fn write_keyed(tx: &mut Tx<'_>, edits: &[&Edit]) -> Result<()> {
    let mut put = Vec::new();
    for edit in edits {
        match &edit.doc {
            None => tx.later(r#"DELETE FROM "search_docs" WHERE "resource" = ?1 AND "id" = ?2"#, &[(&edit.resource).into(), (&edit.id).into()])?,
            Some((title, words)) => put.push([&edit.resource, &edit.id, title, words].map(Value::from)),
        }
    }
    let (many, rest) = put.as_chunks::<ROWS>();
    for rows in many {
        tx.later(&upsert(ROWS), rows.as_flattened())?;
    }
    let one = upsert(1);
    rest.iter().try_for_each(|row| tx.later(&one, row))
}

/// Puts so many rows of resource, id, title, words.
fn upsert(rows: usize) -> String {
    let row = |i: usize| {
        let [resource, id, title, words] = [1, 2, 3, 4].map(|p| 4 * i + p);
        let n = format!(r#"(SELECT COALESCE(MAX("n"), 0) + {} FROM "search_docs")"#, i + 1);
        format!("({n}, ?{resource}, ?{id}, ?{title}, array_to_tsvector(string_to_array(?{words}, ' ')))")
    };
    format!(
        r#"INSERT INTO "search_docs" ("n", "resource", "id", "title", "words") VALUES {}
        ON CONFLICT ("resource", "id") DO UPDATE SET "title" = excluded."title", "words" = excluded."words""#,
        (0..rows).map(row).collect::<Vec<_>>().join(", ")
    )
}

/// SQLite keeps words by number: that of what is there already is looked up.
fn write_numbered(tx: &mut Tx<'_>, edits: &[&Edit]) -> Result<()> {
    let mut by_resource: HashMap<&str, Vec<&str>> = HashMap::new();
    for edit in edits {
        by_resource.entry(&edit.resource).or_default().push(&edit.id);
    }
    let mut known = HashMap::new();
    for (resource, ids) in by_resource {
        for ids in ids.chunks(AT_ONCE) {
            numbers(tx, resource, ids, &mut known)?;
        }
    }
    let mut next = None;
    for edit in edits {
        match (known.get(&(edit.resource.as_str(), edit.id.as_str())), &edit.doc) {
            (None, None) => {}
            (Some(n), None) => remove(tx, *n)?,
            (Some(n), Some((title, words))) => replace(tx, *n, title, words)?,
            (None, Some((title, words))) => {
                let n = match next {
                    Some(n) => n,
                    None => tx.row(r#"SELECT COALESCE(MAX("n"), 0) + 1 FROM "search_docs""#, &[], |row| row.int(0))?.unwrap_or(1),
                };
                insert(tx, n, &edit.resource, &edit.id, title, words)?;
                next = Some(n + 1);
            }
        }
    }
    Ok(())
}

/// The numbers of what can be found already. Few numbers of parameters, so few texts: 1, 2, 4 .. ids; the last is repeated.
fn numbers<'e>(tx: &mut Tx<'_>, resource: &'e str, ids: &[&'e str], known: &mut HashMap<(&'e str, &'e str), i64>) -> Result<()> {
    let Some(last) = ids.last() else { return Ok(()) };
    let size = ids.len().next_power_of_two();
    let places: Vec<String> = (0..size).map(|i| format!("?{}", i + 2)).collect();
    let padded = ids.iter().chain(std::iter::repeat(last)).take(size).map(|id| Value::from(*id));
    let p: Vec<Value<'_>> = std::iter::once(Value::from(resource)).chain(padded).collect();
    let sql = format!(r#"SELECT "id", "n" FROM "search_docs" WHERE "resource" = ?1 AND "id" IN ({})"#, places.join(", "));
    let found: HashMap<String, i64> = tx.rows(&sql, &p, |row| Ok((row.text(0)?.to_owned(), row.int(1)?)))?.into_iter().collect();
    known.extend(ids.iter().filter_map(|id| Some(((resource, *id), *found.get(*id)?))));
    Ok(())
}

pub fn insert(tx: &mut Tx<'_>, n: i64, resource: &str, id: &str, title: &str, words: &str) -> Result<()> {
    let p = [n.into(), resource.into(), id.into(), title.into(), words.into()];
    match tx.link().engine() {
        Dialect::Sqlite => {
            tx.later(r#"INSERT INTO "search_docs" ("n", "resource", "id", "title") VALUES (?1, ?2, ?3, ?4)"#, p.get(..4).unwrap_or_default())?;
            tx.later(r#"INSERT INTO "search_index" (rowid, "words") VALUES (?1, ?2)"#, &[n.into(), words.into()])?;
        }
        Dialect::Postgres => {
            let sql = r#"INSERT INTO "search_docs" ("n", "resource", "id", "title", "words") VALUES (?1, ?2, ?3, ?4, array_to_tsvector(string_to_array(?5, ' ')))"#;
            tx.later(sql, &p)?;
        }
    }
    Ok(())
}

fn replace(tx: &mut Tx<'_>, n: i64, title: &str, words: &str) -> Result<()> {
    tx.later(r#"UPDATE "search_docs" SET "title" = ?2 WHERE "n" = ?1"#, &[n.into(), title.into()])?;
    tx.later(r#"DELETE FROM "search_index" WHERE rowid = ?1"#, &[n.into()])?;
    tx.later(r#"INSERT INTO "search_index" (rowid, "words") VALUES (?1, ?2)"#, &[n.into(), words.into()])
}

fn remove(tx: &mut Tx<'_>, n: i64) -> Result<()> {
    tx.later(r#"DELETE FROM "search_docs" WHERE "n" = ?1"#, &[n.into()])?;
    tx.later(r#"DELETE FROM "search_index" WHERE rowid = ?1"#, &[n.into()])
}

/// All words must be there, the last one as a beginning. The words are letters and digits only, so quoting is all there is to it.
fn ask(dialect: Dialect, words: &[String]) -> String {
    let words: Vec<String> = words.iter().flat_map(|w| cut_words(w)).collect();
    let mut out = String::new();
    for (i, word) in words.iter().enumerate() {
        let last = i + 1 == words.len();
        match dialect {
            Dialect::Sqlite => {
                out.push_str(if i > 0 { " AND " } else { "" });
                out.push_str(&format!("\"{word}\"{}", if last { "*" } else { "" }));
            }
            Dialect::Postgres => {
                out.push_str(if i > 0 { " & " } else { "" });
                out.push_str(&format!("'{word}'{}", if last { ":*" } else { "" }));
            }
        }
    }
    out
}

fn matches(dialect: Dialect, number: usize) -> String {
    match dialect {
        Dialect::Sqlite => format!(r#"d."n" IN (SELECT rowid FROM "search_index" WHERE "search_index" MATCH ?{number})"#),
        Dialect::Postgres => format!(r#"d."words" @@ CAST(CAST(?{number} AS TEXT) AS TSQUERY)"#),
    }
}

pub fn condition(dialect: Dialect, words: &[String], resource: &str, from: usize) -> (String, Vec<Value<'static>>) {
    let asked = ask(dialect, words);
    if asked.is_empty() {
        return ("1 = 0".into(), Vec::new());
    }
    let sql = format!(r#""id" IN (SELECT d."id" FROM "search_docs" d WHERE d."resource" = ?{from} AND {})"#, matches(dialect, from + 1));
    (sql, vec![Value::from(resource.to_owned()), Value::from(asked)])
}

pub fn find(tx: &mut Tx<'_>, q: &SearchQuery) -> Result<Vec<(String, String)>> {
    let dialect = tx.link().engine();
    let asked = ask(dialect, &q.words);
    if asked.is_empty() || q.resources.is_empty() {
        return Ok(Vec::new());
    }
    let mut p = vec![Value::from(asked), Value::from(q.words.join(" ")), q.limit.into(), q.offset.into()];
    let resources: Vec<String> = (5..5 + q.resources.len()).map(|i| format!("?{i}")).collect();
    p.extend(q.resources.iter().map(Value::from));
    let sql = format!(
        r#"SELECT d."resource", d."id" FROM "search_docs" d WHERE {} AND d."resource" IN ({})
        ORDER BY CASE WHEN d."title" = ?2 THEN 0 WHEN substr(d."title", 1, length(?2)) = ?2 THEN 1 ELSE 2 END, d."n" DESC LIMIT ?3 OFFSET ?4"#,
        matches(dialect, 1),
        resources.join(", ")
    );
    tx.rows(&sql, &p, |row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned())))
}
