use crate::{TestApp, on_postgres};
use base::{Result, TenantId, Value, hex};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that a silo holds: by table its rows, as text. Two of them are equal when nothing at all was changed in between.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents(BTreeMap<String, Vec<String>>);

impl TestApp {
    /// All rows of all tables of a silo, those of the platform and those of its modules.
    pub async fn contents(&self, tenant: TenantId) -> Contents {
        let silo = self.app.silos().open(tenant).await.unwrap();
        silo.scan(move |sql| read(sql, "").map(Contents)).await.unwrap()
    }

    /// The names of all columns of all tables of a silo.
    pub async fn columns(&self, tenant: TenantId) -> BTreeSet<String> {
        let silo = self.app.silos().open(tenant).await.unwrap();
        let all = silo.scan(|sql| tables(sql)?.iter().map(|table| columns(sql, table)).collect::<Result<Vec<_>>>());
        all.await.unwrap().into_iter().flatten().collect()
    }

    /// The rows of the hub that are about one tenant: its people's seats, its invitations and its keys.
    pub async fn hub_rows(&self, tenant: TenantId) -> Contents {
        let mut all = self.app.hub().scan(move |sql| read(sql, &tenant.to_string())).await.unwrap();
        // When somebody was last seen, and which log grew, may change at any time.
        all.retain(|table, _| matches!(table.as_str(), "hub_tenants" | "user_tenants" | "links" | "keys"));
        // So may the version at which somebody last looked at its database; the column is the last one.
        for row in all.get_mut("hub_tenants").into_iter().flatten() {
            row.truncate(row.find(" stamp=").unwrap_or(row.len()));
        }
        Contents(all)
    }
}

impl Contents {
    /// Ends the test with the rows that differ.
    #[track_caller]
    pub fn expect_unchanged(&self, after: &Contents, during: &str) {
        for (table, rows) in &after.0 {
            let before = self.0.get(table).map(Vec::as_slice).unwrap_or_default();
            let new: Vec<&String> = rows.iter().filter(|row| !before.contains(row)).collect();
            let gone: Vec<&String> = before.iter().filter(|row| !rows.contains(row)).collect();
            assert!(new.is_empty() && gone.is_empty(), "{during} changed {table}:\n+ {new:#?}\n- {gone:#?}");
        }
        assert_eq!(self.0.keys().collect::<Vec<_>>(), after.0.keys().collect::<Vec<_>>(), "{during} made or dropped tables");
    }

    /// The same without a table, for what a refused request may note down.
    pub fn without(mut self, table: &str) -> Contents {
        self.0.remove(table);
        self
    }

    /// Whether a text stands anywhere in it.
    pub fn mentions(&self, text: &str) -> bool {
        !self.tables_with(text).is_empty()
    }

    /// The tables in which a text stands, as text or as bytes.
    pub fn tables_with(&self, text: &str) -> Vec<&str> {
        let bytes: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let holds = |rows: &[String]| rows.iter().any(|row| row.contains(text) || row.contains(&bytes));
        self.0.iter().filter(|(_, rows)| holds(rows)).map(|(table, _)| table.as_str()).collect()
    }

    /// Whether there is anything in a table.
    pub fn has(&self, table: &str) -> bool {
        self.0.get(table).is_some_and(|rows| !rows.is_empty())
    }
}

/// Of every table the rows that hold `word`; all of them where it is empty.
fn read(sql: &mut silo::Tx<'_>, word: &str) -> Result<BTreeMap<String, Vec<String>>> {
    let mut all = BTreeMap::new();
    for table in tables(sql)? {
        let columns = columns(sql, &table)?;
        let list = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let rows = sql.rows(&format!("SELECT {list} FROM \"{table}\""), &[], |row| {
            let cells: Result<Vec<String>> = columns.iter().enumerate().map(|(at, name)| Ok(format!("{name}={}", shown(&row.value(at)?)))).collect();
            cells.map(|cells| cells.join(" "))
        })?;
        let mut rows: Vec<String> = rows.into_iter().filter(|row| row.contains(word)).collect();
        rows.sort();
        all.insert(table, rows);
    }
    Ok(all)
}

fn tables(sql: &mut silo::Tx<'_>) -> Result<Vec<String>> {
    let tables = if on_postgres() {
        "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
    } else {
        // The full-text index is the engine's own; what it finds stands in search_docs.
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'search_index%' AND name NOT LIKE 'sqlite_%' ORDER BY 1"
    };
    sql.rows(tables, &[], |row| Ok(row.text(0)?.to_owned()))
}

fn columns(sql: &mut silo::Tx<'_>, table: &str) -> Result<Vec<String>> {
    let query = if on_postgres() {
        "SELECT CAST(column_name AS TEXT) FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ?1 AND data_type <> 'tsvector' ORDER BY ordinal_position"
    } else {
        "SELECT name FROM pragma_table_info(?1) ORDER BY cid"
    };
    sql.rows(query, &[table.into()], |row| Ok(row.text(0)?.to_owned()))
}

fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Real(n) => n.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Blob(bytes) => hex(bytes),
    }
}
