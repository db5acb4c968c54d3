use super::{Cell, Field, Kind, Plan, SYSTEM, Values, plan::quote};
use base::{Result, Time, Value};
use std::borrow::Cow;

/// One SQL text with what stands for its `?1 ?2`.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement<'a> {
    pub sql: Cow<'a, str>,
    pub params: Vec<Value<'a>>,
}

impl Statement<'_> {
    /// Runs it for its effect, at the latest when the unit ends.
    pub fn run(&self, tx: &mut silo::Tx<'_>) -> Result<()> {
        tx.later(&self.sql, &self.params)
    }
}

/// The SQL texts of a resource that never change, built once.
#[derive(Debug)]
pub struct Texts {
    /// What stands between SELECT and FROM to read a record.
    pub columns: String,
    pub width: usize,
    select_one: String,
    select_current: String,
    insert: String,
    delete: String,
}

/// Between the tags of one record when the database joins them: U+001F, which no tag may hold.
const SEPARATOR: char = '\u{1f}';

/// The tags of one record, in order. They are sorted here: an ordered aggregate costs SQLite a table of its own for each record.
pub fn tags(joined: &str) -> Vec<&str> {
    let mut tags: Vec<&str> = joined.split(SEPARATOR).collect();
    tags.sort_unstable();
    tags
}

impl Texts {
    pub fn new(table: &str, fields: &[Field]) -> Texts {
        let read: Vec<String> = SYSTEM.iter().map(|c| quote(c)).chain(fields.iter().flat_map(|f| f.read_columns(table))).collect();
        let written: Vec<String> = SYSTEM.iter().map(|c| quote(c)).chain(fields.iter().flat_map(Field::written_columns)).collect();
        let numbers: Vec<String> = (1..=written.len()).map(|n| format!("?{n}")).collect();
        let table = quote(table);
        let columns = read.join(", ");
        Texts {
            width: read.len(),
            select_one: format!("SELECT {columns} FROM {table} WHERE \"id\" = ?1"),
            select_current: format!("SELECT {columns}, (SELECT \"epoch\" FROM \"meta\" WHERE \"one\" = 1) FROM {table} WHERE \"id\" = ?1"),
            insert: format!("INSERT INTO {table} ({}) VALUES ({})", written.join(", "), numbers.join(", ")),
            delete: format!("DELETE FROM {table} WHERE \"id\" = ?1"),
            columns,
        }
    }
}

impl Field {
    /// How many columns it takes in a row that is read.
    pub(super) fn width(&self) -> usize {
        if self.kind == Kind::Money { 2 } else { 1 }
    }
    fn read_columns(&self, table: &str) -> Vec<String> {
        match &self.kind {
            Kind::Tags { table: side, .. } => {
                let (side, table) = (quote(side), quote(table));
                vec![format!("(SELECT string_agg(\"value\", '{SEPARATOR}') FROM {side} WHERE {side}.\"id\" = {table}.\"id\")")]
            }
            _ => self.columns().iter().map(|(c, _)| quote(c)).collect(),
        }
    }
    fn written_columns(&self) -> Vec<String> {
        self.columns().into_iter().map(|(c, _)| c).chain(self.key.clone()).map(|c| quote(&c)).collect()
    }
    fn written_values<'a>(&self, cell: &'a Cell) -> Vec<Value<'a>> {
        let mut values = match (&self.kind, cell) {
            (Kind::Tags { .. }, _) => return Vec::new(),
            (Kind::Money, Cell::Money { minor, currency }) => vec![Value::Int(*minor), Value::from(currency)],
            (Kind::Money, _) => vec![Value::Null, Value::Null],
            (_, cell) => vec![cell.value()],
        };
        if self.key.is_some() {
            values.push(self.key_of(cell));
        }
        values
    }
    /// Reads its cell from `row`, whose record begins at column `offset`.
    pub(super) fn cell(&self, row: &silo::Row<'_>, offset: usize) -> Result<Cell> {
        let at = offset + self.offset;
        Ok(match &self.kind {
            Kind::Integer { .. } | Kind::Datetime => row.opt_int(at)?.map_or(Cell::Null, Cell::Int),
            Kind::Boolean => row.opt_bool(at)?.map_or(Cell::Null, Cell::Bool),
            Kind::Money => match (row.opt_int(at)?, row.opt_text(at + 1)?) {
                (Some(minor), Some(currency)) => Cell::Money { minor, currency: currency.to_owned() },
                _ => Cell::Null,
            },
            Kind::Tags { .. } => {
                Cell::Tags(row.opt_text(at)?.map(|joined| tags(joined).into_iter().map(str::to_owned).collect()).unwrap_or_default())
            }
            Kind::Text { .. } | Kind::Email | Kind::Url | Kind::Phone | Kind::Date | Kind::Choice { .. } | Kind::Ref { .. } | Kind::User => {
                row.opt_text(at)?.map_or(Cell::Null, |t| Cell::Text(t.to_owned()))
            }
        })
    }
}

impl Plan {
    /// Selects one record; `?1` is the id. Its columns are what `from_row` and `write_row` read at offset 0.
    pub fn select_one(&self) -> &str {
        &self.texts.select_one
    }
    /// The same with the epoch of rights behind it, in column `width`.
    pub fn select_current(&self) -> &str {
        &self.texts.select_current
    }
    /// Selects at most two records whose field at `slot` has the key `?1` (see `Field::key_of`): none, the one, or "ambiguous".
    pub fn select_by_key(&self, slot: usize) -> String {
        let column = self.field(slot).map(|f| f.key.clone().unwrap_or_else(|| f.name.clone())).unwrap_or_default();
        format!("SELECT {} FROM {} WHERE {} = ?1 ORDER BY \"id\" LIMIT 2", self.texts.columns, self.quoted(), quote(&column))
    }
    /// How many columns a record takes in a row.
    pub fn width(&self) -> usize {
        self.texts.width
    }
    pub fn insert<'a>(&'a self, values: &'a Values) -> Vec<Statement<'a>> {
        let mut params: Vec<Value<'a>> = Vec::with_capacity(self.texts.width + self.fields.len());
        params.extend([Value::from(&values.id), values.created_at.into(), values.updated_at.into()]);
        params.extend([Value::from(values.created_by.as_deref()), Value::Int(values.version)]);
        for (slot, field) in self.fields.iter().enumerate() {
            params.extend(field.written_values(values.cell(slot)));
        }
        let mut statements = vec![Statement { sql: Cow::Borrowed(&self.texts.insert), params }];
        for slot in 0..self.fields.len() {
            statements.extend(self.insert_tags(values, slot));
        }
        statements
    }
    /// Writes the changed fields with version and updated_at.
    pub fn update<'a>(&'a self, values: &'a Values, changed: &[usize]) -> Vec<Statement<'a>> {
        let mut params: Vec<Value<'a>> = vec![Value::from(&values.id), values.updated_at.into(), Value::Int(values.version)];
        let mut sets = "\"updated_at\" = ?2, \"version\" = ?3".to_owned();
        let mut others = Vec::new();
        for slot in changed.iter().copied() {
            let Some(field) = self.field(slot) else { continue };
            for (column, value) in field.written_columns().into_iter().zip(field.written_values(values.cell(slot))) {
                params.push(value);
                sets.push_str(&format!(", {column} = ?{}", params.len()));
            }
            if let Kind::Tags { table, .. } = &field.kind {
                let sql = format!("DELETE FROM {} WHERE \"id\" = ?1", quote(table));
                others.push(Statement { sql: sql.into(), params: vec![Value::from(&values.id)] });
                others.extend(self.insert_tags(values, slot));
            }
        }
        let sql = format!("UPDATE {} SET {sets} WHERE \"id\" = ?1", self.quoted());
        let mut statements = vec![Statement { sql: sql.into(), params }];
        statements.extend(others);
        statements
    }
    pub fn delete<'a>(&'a self, id: &'a str) -> Vec<Statement<'a>> {
        let side = |f: &Field| match &f.kind {
            Kind::Tags { table, .. } => Some(format!("DELETE FROM {} WHERE \"id\" = ?1", quote(table))),
            _ => None,
        };
        let sides = self.fields.iter().filter_map(side).map(Cow::Owned);
        sides.chain([Cow::Borrowed(self.texts.delete.as_str())]).map(|sql| Statement { sql, params: vec![Value::from(id)] }).collect()
    }
    /// Reads the record that begins at column `offset`.
    pub fn from_row(&self, row: &silo::Row<'_>, offset: usize) -> Result<Values> {
        Ok(Values {
            id: row.text(offset)?.to_owned(),
            created_at: Time(row.int(offset + 1)?),
            updated_at: Time(row.int(offset + 2)?),
            created_by: row.opt_text(offset + 3)?.map(str::to_owned),
            version: row.int(offset + 4)?,
            cells: self.fields.iter().map(|f| f.cell(row, offset)).collect::<Result<_>>()?,
        })
    }
    /// The tags of one field as rows, all in one statement. Few numbers of rows, so few texts: 1, 2, 4, 8 ..; the last tag is repeated.
    fn insert_tags<'a>(&'a self, values: &'a Values, slot: usize) -> Option<Statement<'a>> {
        let (Some(Kind::Tags { table, .. }), Cell::Tags(tags)) = (self.field(slot).map(|f| &f.kind), values.cell(slot)) else { return None };
        let last = tags.last()?;
        let size = tags.len().next_power_of_two();
        let rows: Vec<String> = (0..size).map(|n| format!("(?1, ?{})", n + 2)).collect();
        let sql = format!("INSERT INTO {} (\"id\", \"value\") VALUES {} ON CONFLICT DO NOTHING", quote(table), rows.join(", "));
        let padded = tags.iter().chain(std::iter::repeat(last)).take(size).map(Value::from);
        Some(Statement { sql: sql.into(), params: std::iter::once(Value::from(&values.id)).chain(padded).collect() })
    }
}
