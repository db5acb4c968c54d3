use base::{Error, Result, Value};
use rusqlite::types::ValueRef;
use std::borrow::Cow;
use tokio_postgres::types::{FromSql, Type};

/// One row of an answer. Columns are counted from 0.
pub struct Row<'a>(Cells<'a>);

enum Cells<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl<'a> Row<'a> {
    pub(crate) fn sqlite(row: &'a rusqlite::Row<'a>) -> Row<'a> {
        Row(Cells::Sqlite(row))
    }
    pub(crate) fn postgres(row: &'a tokio_postgres::Row) -> Row<'a> {
        Row(Cells::Postgres(row))
    }
}

impl Row<'_> {
    pub fn text(&self, i: usize) -> Result<&str> {
        self.opt_text(i)?.ok_or_else(|| null(i))
    }
    pub fn opt_text(&self, i: usize) -> Result<Option<&str>> {
        match self.value(i)? {
            Value::Null => Ok(None),
            Value::Text(Cow::Borrowed(v)) => Ok(Some(v)),
            other => Err(wrong(i, "text", &other)),
        }
    }
    pub fn int(&self, i: usize) -> Result<i64> {
        self.opt_int(i)?.ok_or_else(|| null(i))
    }
    pub fn opt_int(&self, i: usize) -> Result<Option<i64>> {
        match self.value(i)? {
            Value::Null => Ok(None),
            Value::Int(v) => Ok(Some(v)),
            other => Err(wrong(i, "an integer", &other)),
        }
    }
    pub fn bool(&self, i: usize) -> Result<bool> {
        self.opt_bool(i)?.ok_or_else(|| null(i))
    }
    pub fn opt_bool(&self, i: usize) -> Result<Option<bool>> {
        match self.value(i)? {
            Value::Null => Ok(None),
            Value::Bool(v) => Ok(Some(v)),
            Value::Int(v @ (0 | 1)) => Ok(Some(v == 1)),
            other => Err(wrong(i, "a boolean", &other)),
        }
    }
    pub fn real(&self, i: usize) -> Result<f64> {
        self.opt_real(i)?.ok_or_else(|| null(i))
    }
    pub fn opt_real(&self, i: usize) -> Result<Option<f64>> {
        match self.value(i)? {
            Value::Null => Ok(None),
            Value::Real(v) => Ok(Some(v)),
            other => Err(wrong(i, "a real number", &other)),
        }
    }
    pub fn blob(&self, i: usize) -> Result<&[u8]> {
        self.opt_blob(i)?.ok_or_else(|| null(i))
    }
    pub fn opt_blob(&self, i: usize) -> Result<Option<&[u8]>> {
        match self.value(i)? {
            Value::Null => Ok(None),
            Value::Blob(Cow::Borrowed(v)) => Ok(Some(v)),
            other => Err(wrong(i, "bytes", &other)),
        }
    }
    /// The value as the engine has it, borrowed. SQLite cannot tell a boolean from an integer: it is `Int` 0 or 1 there.
    pub fn value(&self, i: usize) -> Result<Value<'_>> {
        match self.0 {
            Cells::Sqlite(row) => match row.get_ref(i).map_err(Error::internal)? {
                ValueRef::Null => Ok(Value::Null),
                ValueRef::Integer(v) => Ok(Value::Int(v)),
                ValueRef::Real(v) => Ok(Value::Real(v)),
                ValueRef::Text(v) => std::str::from_utf8(v).map(Value::from).map_err(Error::internal),
                ValueRef::Blob(v) => Ok(Value::from(v)),
            },
            Cells::Postgres(row) => postgres(row, i),
        }
    }
    /// How many columns the row has.
    pub fn width(&self) -> usize {
        match self.0 {
            Cells::Sqlite(row) => row.as_ref().column_count(),
            Cells::Postgres(row) => row.len(),
        }
    }
}

fn postgres(row: &tokio_postgres::Row, i: usize) -> Result<Value<'_>> {
    fn get<'a, T: FromSql<'a>>(row: &'a tokio_postgres::Row, i: usize, f: impl FnOnce(T) -> Value<'a>) -> Result<Value<'a>> {
        row.try_get::<_, Option<T>>(i).map(|v| v.map_or(Value::Null, f)).map_err(Error::internal)
    }
    let column = row.columns().get(i).ok_or_else(|| Error::internal(format!("column {i} of {}", row.len())))?;
    match *column.type_() {
        Type::INT8 => get::<i64>(row, i, Value::Int),
        Type::INT4 => get::<i32>(row, i, |v| Value::Int(v.into())),
        Type::INT2 => get::<i16>(row, i, |v| Value::Int(v.into())),
        Type::BOOL => get::<bool>(row, i, Value::Bool),
        Type::FLOAT8 => get::<f64>(row, i, Value::Real),
        Type::FLOAT4 => get::<f32>(row, i, |v| Value::Real(v.into())),
        Type::BYTEA => get::<&[u8]>(row, i, Value::from),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => get::<&str>(row, i, Value::from),
        ref other => Err(Error::internal(format!("column {i} `{}` has type {other}, which is not portable: CAST it in the SQL", column.name()))),
    }
}

fn null(i: usize) -> Error {
    Error::internal(format!("column {i} is NULL"))
}

fn wrong(i: usize, wanted: &str, found: &Value<'_>) -> Error {
    let found = match found {
        Value::Null => "NULL",
        Value::Bool(_) => "a boolean",
        Value::Int(_) => "an integer",
        Value::Real(_) => "a real number",
        Value::Text(_) => "text",
        Value::Blob(_) => "bytes",
    };
    Error::internal(format!("column {i} is {found}, not {wanted}"))
}
