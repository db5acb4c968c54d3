use super::{Field, Kind, Plan, plan::quote};
use base::hex;
use sha2::{Digest, Sha256};

/// One index of a table; the columns stand in it in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct Index {
    pub name: String,
    pub table: String,
    pub columns: Vec<String>,
    pub unique: bool,
}

impl Index {
    fn new(table: &str, columns: &[&str], unique: bool) -> Index {
        let named: Vec<&str> = columns.iter().copied().filter(|c| *c != "id").collect();
        let name = short(&format!("{table}_{}_{}", named.join("_"), if unique { "uq" } else { "ix" }));
        Index { name, table: table.to_owned(), columns: columns.iter().map(|c| (*c).to_owned()).collect(), unique }
    }
    pub fn create(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|c| quote(c)).collect();
        let unique = if self.unique { "UNIQUE " } else { "" };
        format!("CREATE {unique}INDEX {} ON {} ({})", quote(&self.name), quote(&self.table), columns.join(", "))
    }
}

/// The name, or if PostgreSQL would cut it (63 bytes) its beginning with a hash of the whole.
pub fn short(name: &str) -> String {
    const LONGEST: usize = 63;
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let hash = hex(&Sha256::digest(name.as_bytes()));
    format!("{}_{hash:.8}", name.get(..LONGEST - 9).unwrap_or(name))
}

/// Every index of a resource: unique fields; references, users and choices; what the default list shows, so that it can
/// be sorted by; the declared ones; the tags of side tables.
pub fn indexes(table: &str, fields: &[Field], declared: &[Vec<String>]) -> Vec<Index> {
    let mut all: Vec<Index> = Vec::new();
    for field in fields {
        let column = field.sort_column();
        let refers = matches!(field.kind, Kind::Ref { .. } | Kind::User | Kind::Choice { .. });
        if let Some(column) = column.as_deref().filter(|_| field.unique) {
            all.push(Index::new(table, &[column], true));
        }
        if let Some(column) = column.as_deref().filter(|_| refers || field.listed) {
            all.push(Index::new(table, &[column, "id"], false));
        }
        if let Kind::Tags { table: side, .. } = &field.kind {
            all.push(Index::new(side, &["value", "id"], false));
        }
        // The email's key is there to be found by.
        if let Some(key) = field.key.as_deref().filter(|_| !field.unique && !field.listed) {
            all.push(Index::new(table, &[key, "id"], false));
        }
    }
    for columns in declared {
        let id = ["id"].into_iter().filter(|_| !columns.iter().any(|c| c == "id"));
        let columns: Vec<&str> = columns.iter().map(String::as_str).chain(id).collect();
        if !all.iter().any(|i| i.columns == columns) {
            all.push(Index::new(table, &columns, false));
        }
    }
    all
}

impl Plan {
    /// Portable DDL that makes its tables and indexes. A foreign key is a net below the kernel's own checks; it is only
    /// there where `stands` says that the other table does.
    pub(super) fn create(&self, stands: &dyn Fn(&str) -> bool) -> Vec<String> {
        let system = [
            "\"id\" TEXT NOT NULL PRIMARY KEY",
            "\"created_at\" BIGINT NOT NULL",
            "\"updated_at\" BIGINT NOT NULL",
            "\"created_by\" TEXT",
            "\"version\" BIGINT NOT NULL",
        ];
        let columns: Vec<String> = system.into_iter().map(str::to_owned).chain(self.fields.iter().flat_map(|f| f.definitions(stands))).collect();
        let table = format!("CREATE TABLE {} ({})", self.quoted(), columns.join(", "));
        let sides = self.fields.iter().filter_map(|f| f.side(&self.table));
        std::iter::once(table).chain(sides).chain(self.indexes.iter().map(Index::create)).collect()
    }
    pub(super) fn drop_tables(&self) -> Vec<String> {
        let tables = self.fields.iter().filter_map(Field::side_table).chain([self.table.as_str()]);
        tables.map(|t| format!("DROP TABLE {}", quote(t))).collect()
    }
}

impl Field {
    /// Its columns as they stand in CREATE TABLE and ADD COLUMN. All may be null: an older binary writes rows without them.
    pub(super) fn definitions(&self, stands: &dyn Fn(&str) -> bool) -> Vec<String> {
        let target = match &self.kind {
            Kind::Ref { to, .. } => Some(to.replace('.', "_")).filter(|table| stands(table)),
            Kind::User => Some("members".to_owned()),
            _ => None,
        };
        let net = target.map(|table| format!(" REFERENCES {} (\"id\")", quote(&table))).unwrap_or_default();
        let key = self.key.iter().map(|key| format!("{} TEXT", quote(key)));
        self.columns().iter().map(|(column, ty)| format!("{} {ty}{net}", quote(column))).chain(key).collect()
    }
    /// The name of the side table of its tags.
    pub(super) fn side_table(&self) -> Option<&str> {
        match &self.kind {
            Kind::Tags { table, .. } => Some(table),
            _ => None,
        }
    }
    /// What makes it.
    pub(super) fn side(&self, table: &str) -> Option<String> {
        self.side_table().map(|side| side_table(table, side))
    }
}

/// The name of the side table that holds the tags of a field.
pub fn side_name(table: &str, field: &str) -> String {
    short(&format!("{table}__{field}"))
}

pub fn side_table(table: &str, side: &str) -> String {
    let (side, table) = (quote(side), quote(table));
    let id = format!("\"id\" TEXT NOT NULL REFERENCES {table} (\"id\") ON DELETE CASCADE");
    format!("CREATE TABLE {side} ({id}, \"value\" TEXT NOT NULL, PRIMARY KEY (\"id\", \"value\"))")
}

/// Portable DDL that makes the tables of a module's `plans` in their order.
pub fn install(plans: &[&Plan]) -> Vec<String> {
    let mut made: Vec<&str> = Vec::new();
    let mut ddl = Vec::new();
    for plan in plans {
        made.push(&plan.table);
        ddl.extend(plan.create(&|table| stands(plan, &made, table)));
    }
    ddl
}

/// Whether a foreign key of `plan` may point to `table`: another module's tables are there before this one's; of this
/// module's own only those made earlier. Two resources that refer to each other have one foreign key, not two.
pub(super) fn stands(plan: &Plan, made: &[&str], table: &str) -> bool {
    let own = table.strip_prefix(plan.module.as_str()).is_some_and(|rest| rest.starts_with('_'));
    !own || made.contains(&table)
}

/// Portable DDL that drops them again, last first.
pub fn purge(plans: &[&Plan]) -> Vec<String> {
    plans.iter().rev().flat_map(|plan| plan.drop_tables()).collect()
}
