//! Where the next page begins: the sort values and the id of the last row, as bytes and as a condition.
//!
//! NULL is the smallest value on both engines. A row value such as `(a, id) > (?, ?)` loses the rows with NULL, so the rows
//! after a cursor are found in at most two statements, one after the other, each of which an index on the first
//! column can serve: the rest of the rows with (or without) a value there, then the rows of the other kind.

use super::{
    list::Where,
    query::{KeyKind, Sort},
};
use base::{Error, Result, Value, is_id};

/// The last row of a page: its value in each sort column, then its id.
#[derive(Debug, Clone, PartialEq)]
pub struct Keys {
    values: Vec<Value<'static>>,
    id: String,
}

impl Keys {
    /// Reads the sort columns that stand behind the record's own, which end at `width`.
    pub fn of_row(row: &silo::Row<'_>, sorts: &[Sort], width: usize) -> Result<Keys> {
        let mut values = Vec::with_capacity(sorts.len());
        for (n, sort) in sorts.iter().enumerate() {
            let at = width + n;
            values.push(match sort.kind {
                KeyKind::Text => Value::from(row.opt_text(at)?.map(str::to_owned)),
                KeyKind::Int => Value::from(row.opt_int(at)?),
                KeyKind::Bool => Value::from(row.opt_bool(at)?),
            });
        }
        Ok(Keys { values, id: row.text(0)?.to_owned() })
    }
    /// Bytes for the inside of a cursor.
    pub fn to_bytes(&self) -> Vec<u8> {
        let plain = |v: &Value<'_>| match v {
            Value::Text(text) => serde_json::Value::from(text.as_ref()),
            Value::Int(number) => serde_json::Value::from(*number),
            Value::Bool(value) => serde_json::Value::from(*value),
            Value::Null | Value::Real(_) | Value::Blob(_) => serde_json::Value::Null,
        };
        let all: Vec<serde_json::Value> = self.values.iter().map(plain).chain([self.id.as_str().into()]).collect();
        serde_json::Value::from(all).to_string().into_bytes()
    }
    /// Reads the bytes back, for the same sort columns.
    pub fn from_bytes(bytes: &[u8], sorts: &[Sort]) -> Result<Keys> {
        let bad = || Error::fault("cursor", "cursor", "This cursor is not one of ours, or belongs to another list.");
        let mut all: Vec<serde_json::Value> = serde_json::from_slice(bytes).map_err(|_| bad())?;
        let id = all.pop().and_then(|id| id.as_str().filter(|id| is_id(id)).map(str::to_owned)).ok_or_else(bad)?;
        if all.len() != sorts.len() {
            return Err(bad());
        }
        let value = |(value, sort): (&serde_json::Value, &Sort)| match (value, sort.kind) {
            (serde_json::Value::Null, _) => Some(Value::Null),
            (value, KeyKind::Text) => value.as_str().map(|t| Value::from(t.to_owned())),
            (value, KeyKind::Int) => value.as_i64().map(Value::Int),
            (value, KeyKind::Bool) => value.as_bool().map(Value::Bool),
        };
        let values = all.iter().zip(sorts).map(value).collect::<Option<Vec<_>>>().ok_or_else(bad)?;
        Ok(Keys { values, id })
    }
}

/// `ORDER BY`, which an index on the first column and the id can serve on both engines.
pub fn order(sorts: &[Sort]) -> String {
    let direction = |descending: bool| if descending { "DESC NULLS LAST" } else { "ASC NULLS FIRST" };
    match sorts {
        // The primary key's own order; a NULLS clause would keep PostgreSQL from using its index.
        [] => " ORDER BY \"id\"".to_owned(),
        [id, ..] if id.column == "\"id\"" => format!(" ORDER BY \"id\" {}", if id.descending { "DESC" } else { "ASC" }),
        many => {
            let columns: Vec<String> = many.iter().map(|s| format!("{} {}", s.column, direction(s.descending))).collect();
            format!(" ORDER BY {}, \"id\" {}", columns.join(", "), direction(is_descending(many)))
        }
    }
}

/// The id follows the direction of the last column, so that one index serves both.
fn is_descending(sorts: &[Sort]) -> bool {
    sorts.last().is_some_and(|s| s.descending)
}

/// The conditions for the rows after `keys`: one for each statement, in the order in which they are read.
pub fn after(sorts: &[Sort], keys: &Keys, find: &Where) -> Vec<Where> {
    let id_sign = if is_descending(sorts) { "<" } else { ">" };
    let with = |condition: &dyn Fn(&mut Where) -> String| {
        let mut find = find.clone();
        let condition = condition(&mut find);
        find.and(&condition);
        find
    };
    let leading = sorts.split_first().filter(|(first, _)| first.column != "\"id\"").zip(keys.values.split_first());
    let Some(((first, rest), (value, values))) = leading else {
        let id_sign = if sorts.first().is_some_and(|s| s.descending) { "<" } else { ">" };
        return vec![with(&|find| format!("\"id\" {id_sign} {}", find.param(Value::from(keys.id.clone()))))];
    };
    let (column, sign) = (&first.column, if first.descending { "<" } else { ">" });
    let tail = |find: &mut Where| ladder(rest, values, &keys.id, id_sign, find);
    match (value.is_null(), first.descending) {
        (true, true) => vec![with(&|find| format!("{column} IS NULL AND {}", tail(find)))],
        (true, false) => vec![with(&|find| format!("{column} IS NULL AND {}", tail(find))), with(&|_| format!("{column} IS NOT NULL"))],
        (false, descending) => {
            let here = with(&|find| {
                let number = find.param(value.clone());
                match rest {
                    [] => format!("({column}, \"id\") {sign} ({number}, {})", find.param(Value::from(keys.id.clone()))),
                    _ => format!("{column} {sign}= {number} AND ({column} {sign} {number} OR {})", tail(find)),
                }
            });
            match descending {
                true => vec![here, with(&|_| format!("{column} IS NULL"))],
                false => vec![here],
            }
        }
    }
}

/// After (a, b, id): `a` is after, or `a` is the same and (`b` is after, or `b` is the same and the id is after).
fn ladder(sorts: &[Sort], values: &[Value<'static>], id: &str, id_sign: &str, find: &mut Where) -> String {
    let (Some((first, rest)), Some((value, values))) = (sorts.split_first(), values.split_first()) else {
        return format!("\"id\" {id_sign} {}", find.param(Value::from(id.to_owned())));
    };
    let column = &first.column;
    let (same, later) = match (value.is_null(), first.descending) {
        (true, false) => (format!("{column} IS NULL"), Some(format!("{column} IS NOT NULL"))),
        (true, true) => (format!("{column} IS NULL"), None),
        (false, descending) => {
            let number = find.param(value.clone());
            let later = if descending { format!("{column} < {number} OR {column} IS NULL") } else { format!("{column} > {number}") };
            (format!("{column} = {number}"), Some(later))
        }
    };
    let below = ladder(rest, values, id, id_sign, find);
    match later {
        Some(later) => format!("({later} OR ({same} AND {below}))"),
        None => format!("({same} AND {below})"),
    }
}
