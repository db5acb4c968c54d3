use super::{Cell, Field, Kind, Plan, Values, statements::tags};
use crate::json::{number, optional, string};
use base::{Error, Result, Time};
use serde_json::Value;

/// Which fields are written, by slot; empty writes all. Made from `fields=` and from what the reader may see.
pub type Shown = [bool];

/// Whether the field at `slot` is among the shown.
pub fn is_shown(shown: &Shown, slot: usize) -> bool {
    shown.get(slot).copied().unwrap_or(true)
}

impl Plan {
    /// Writes the record in `row` (its columns from offset 0) as one JSON object, straight from the database row.
    pub fn write_row(&self, row: &silo::Row<'_>, shown: &Shown, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(b"{\"id\":");
        string(row.text(0)?, out);
        for (slot, field) in self.fields.iter().enumerate() {
            if is_shown(shown, slot) {
                out.extend_from_slice(&field.json);
                field.write_column(row, field.offset, out)?;
            }
        }
        write_system(row.int(1)?, row.int(2)?, row.opt_text(3)?, row.int(4)?, out);
        Ok(())
    }
    /// The same bytes from memory.
    pub fn write_values(&self, values: &Values, shown: &Shown, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":");
        string(&values.id, out);
        for (slot, field) in self.fields.iter().enumerate() {
            if is_shown(shown, slot) {
                out.extend_from_slice(&field.json);
                field.write_cell(values.cell(slot), out);
            }
        }
        write_system(values.created_at.0, values.updated_at.0, values.created_by.as_deref(), values.version, out);
    }
    /// The id that a reference in `row` holds, for expanding it.
    pub fn reference<'r>(&self, row: &'r silo::Row<'_>, slot: usize) -> Result<Option<&'r str>> {
        match self.field(slot) {
            Some(field) if matches!(field.kind, Kind::Ref { .. } | Kind::User) => row.opt_text(field.offset),
            Some(_) | None => Ok(None),
        }
    }
    /// Turns the last written object `{..}` into `{.., "expanded": {"company": {"id", "title"}, ..}}`: slot, id and title of each.
    /// An absent reference is null; a title the reader may not see is none.
    pub fn write_expanded(&self, refs: &[(usize, Option<&str>, Option<&str>)], out: &mut Vec<u8>) {
        if out.last() == Some(&b'}') {
            out.pop();
        }
        out.extend_from_slice(b",\"expanded\":{");
        for (n, (slot, id, title)) in refs.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            string(self.name_of(*slot), out);
            match id {
                Some(id) => {
                    out.extend_from_slice(b":{\"id\":");
                    string(id, out);
                    out.extend_from_slice(b",\"title\":");
                    optional(*title, out);
                    out.push(b'}');
                }
                None => out.extend_from_slice(b":null"),
            }
        }
        out.extend_from_slice(b"}}");
    }
    /// Event data of a create: `{"after": {..}}`.
    pub fn created(&self, values: &Values) -> Vec<u8> {
        self.whole("after", values)
    }
    /// Event data of an update: `{"before": {changed fields}, "after": {changed fields}, "version": n}`.
    pub fn updated(&self, before: &Values, after: &Values, changed: &[usize]) -> Vec<u8> {
        let mut out = b"{\"before\":".to_vec();
        self.some(before, changed, &mut out);
        out.extend_from_slice(b",\"after\":");
        self.some(after, changed, &mut out);
        out.extend_from_slice(b",\"version\":");
        number(after.version, &mut out);
        out.push(b'}');
        out
    }
    /// Event data of a delete: `{"before": {..}}`.
    pub fn deleted(&self, values: &Values) -> Vec<u8> {
        self.whole("before", values)
    }
    /// Plays one event's `data` onto `values`, for history and revert. A delete leaves the record as it was before.
    /// Fields the declaration does not have any more are passed over, new ones stay empty.
    pub fn replay(&self, data: &Value, values: &mut Option<Values>) -> Result<()> {
        match (data.get("before"), data.get("after"), values.as_mut()) {
            (None, Some(whole), _) | (Some(whole), None, _) => {
                *values = Some(self.restored(whole)?);
                Ok(())
            }
            (Some(_), Some(after), Some(values)) => {
                self.overlay(after, values);
                values.version = data.get("version").and_then(Value::as_i64).unwrap_or(values.version);
                Ok(())
            }
            (Some(_), Some(_), None) => Err(Error::internal("an update in the log without a create before it")),
            (None, None, _) => Ok(()),
        }
    }
    /// Event data with every field that is not shown left out: the log as somebody with fewer rights reads it.
    pub fn redact(&self, data: &mut Value, shown: &Shown) {
        for part in ["before", "after"] {
            if let Some(members) = data.get_mut(part).and_then(Value::as_object_mut) {
                members.retain(|name, _| self.slot(name).is_none_or(|slot| is_shown(shown, slot)));
            }
        }
    }

    fn whole(&self, part: &str, values: &Values) -> Vec<u8> {
        let mut out = format!("{{\"{part}\":").into_bytes();
        self.write_values(values, &[], &mut out);
        out.push(b'}');
        out
    }
    fn some(&self, values: &Values, slots: &[usize], out: &mut Vec<u8>) {
        out.push(b'{');
        for (n, slot) in slots.iter().enumerate() {
            if let Some(field) = self.field(*slot) {
                let from = usize::from(n == 0);
                out.extend_from_slice(field.json.get(from..).unwrap_or_default());
                field.write_cell(values.cell(*slot), out);
            }
        }
        out.push(b'}');
    }
    fn restored(&self, whole: &Value) -> Result<Values> {
        let text = |name: &str| whole.get(name).and_then(Value::as_str);
        let time = |name: &str| text(name).and_then(|t| Time::parse(t).ok()).unwrap_or(Time(0));
        let mut values = Values {
            id: text("id").ok_or_else(|| Error::internal("an event without the id of its record"))?.to_owned(),
            created_at: time("created_at"),
            updated_at: time("updated_at"),
            created_by: text("created_by").map(str::to_owned),
            version: whole.get("version").and_then(Value::as_i64).unwrap_or(1),
            cells: self.fields.iter().map(Field::empty).collect(),
        };
        self.overlay(whole, &mut values);
        Ok(values)
    }
    fn overlay(&self, members: &Value, values: &mut Values) {
        for (slot, field) in self.fields.iter().enumerate() {
            if let Some(value) = members.get(&field.name) {
                values.set(slot, field.stored(value));
            }
        }
    }
}

impl Field {
    /// One value straight from its columns, the first of which is at `at`.
    pub(super) fn write_column(&self, row: &silo::Row<'_>, at: usize, out: &mut Vec<u8>) -> Result<()> {
        match &self.kind {
            Kind::Integer { .. } => match row.opt_int(at)? {
                Some(n) => number(n, out),
                None => out.extend_from_slice(b"null"),
            },
            Kind::Datetime => write_time(row.opt_int(at)?, out),
            Kind::Boolean => write_bool(row.opt_bool(at)?, out),
            Kind::Money => match (row.opt_int(at)?, row.opt_text(at + 1)?) {
                (Some(minor), Some(currency)) => write_money(minor, currency, out),
                _ => out.extend_from_slice(b"null"),
            },
            Kind::Tags { .. } => write_tags(row.opt_text(at)?.into_iter().flat_map(tags), out),
            Kind::Text { .. } | Kind::Email | Kind::Url | Kind::Phone | Kind::Date | Kind::Choice { .. } | Kind::Ref { .. } | Kind::User => {
                optional(row.opt_text(at)?, out)
            }
        }
        Ok(())
    }
    pub(super) fn write_cell(&self, cell: &Cell, out: &mut Vec<u8>) {
        match (cell, &self.kind) {
            (Cell::Null, _) => out.extend_from_slice(b"null"),
            (Cell::Bool(value), _) => write_bool(Some(*value), out),
            (Cell::Int(micros), Kind::Datetime) => write_time(Some(*micros), out),
            (Cell::Int(n), _) => number(*n, out),
            (Cell::Text(text), _) => string(text, out),
            (Cell::Money { minor, currency }, _) => write_money(*minor, currency, out),
            (Cell::Tags(tags), _) => write_tags(tags.iter().map(String::as_str), out),
        }
    }
    /// A value of our own log back as a cell. It was checked when it was written; rules may have become stricter since.
    fn stored(&self, value: &Value) -> Cell {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let cell = match &self.kind {
            Kind::Integer { .. } => value.as_i64().map(Cell::Int),
            Kind::Datetime => value.as_str().and_then(|t| Time::parse(t).ok()).map(|t| Cell::Int(t.0)),
            Kind::Boolean => value.as_bool().map(Cell::Bool),
            Kind::Money => match (value.get("minor").and_then(Value::as_i64), value.get("currency").and_then(Value::as_str)) {
                (Some(minor), Some(currency)) => Some(Cell::Money { minor, currency: currency.to_owned() }),
                _ => None,
            },
            Kind::Tags { .. } => value.as_array().map(|tags| Cell::Tags(tags.iter().filter_map(text).collect())),
            Kind::Text { .. } | Kind::Email | Kind::Url | Kind::Phone | Kind::Date | Kind::Choice { .. } | Kind::Ref { .. } | Kind::User => {
                text(value).map(Cell::Text)
            }
        };
        cell.unwrap_or_else(|| self.empty())
    }
}

/// The members every record ends with, and the closing brace.
fn write_system(created_at: i64, updated_at: i64, created_by: Option<&str>, version: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"created_at\":");
    write_time(Some(created_at), out);
    out.extend_from_slice(b",\"updated_at\":");
    write_time(Some(updated_at), out);
    out.extend_from_slice(b",\"created_by\":");
    optional(created_by, out);
    out.extend_from_slice(b",\"version\":");
    number(version, out);
    out.push(b'}');
}

fn write_bool(value: Option<bool>, out: &mut Vec<u8>) {
    out.extend_from_slice(match value {
        Some(true) => b"true",
        Some(false) => b"false",
        None => b"null",
    });
}

fn write_time(micros: Option<i64>, out: &mut Vec<u8>) {
    match micros {
        Some(micros) => {
            out.push(b'"');
            Time(micros).write(out);
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
}

pub fn write_money(minor: i64, currency: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"minor\":");
    number(minor, out);
    out.extend_from_slice(b",\"currency\":");
    string(currency, out);
    out.push(b'}');
}

fn write_tags<'t>(tags: impl Iterator<Item = &'t str>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (n, tag) in tags.enumerate() {
        if n > 0 {
            out.push(b',');
        }
        string(tag, out);
    }
    out.push(b']');
}
