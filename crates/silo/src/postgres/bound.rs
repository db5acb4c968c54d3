use base::Value;
use std::error::Error;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut};

/// A value on its way to PostgreSQL, in whatever type the server has found for its place.
#[derive(Debug)]
pub struct Bound<'a>(pub &'a Value<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self.0, ty) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Int(v), &Type::INT8) => v.to_sql(ty, out),
            (Value::Int(v), &Type::INT4) => i32::try_from(*v)?.to_sql(ty, out),
            (Value::Int(v), &Type::INT2) => i16::try_from(*v)?.to_sql(ty, out),
            (Value::Int(v @ (0 | 1)), &Type::BOOL) => (*v == 1).to_sql(ty, out),
            #[expect(clippy::cast_precision_loss, reason = "SQLite stores an integer in a REAL column the same way")]
            (Value::Int(v), &Type::FLOAT8) => (*v as f64).to_sql(ty, out),
            (Value::Bool(v), &Type::BOOL) => v.to_sql(ty, out),
            (Value::Bool(v), &Type::INT8) => i64::from(*v).to_sql(ty, out),
            (Value::Real(v), &Type::FLOAT8) => v.to_sql(ty, out),
            (Value::Text(v), &Type::TEXT | &Type::VARCHAR | &Type::BPCHAR | &Type::NAME | &Type::UNKNOWN) => v.as_ref().to_sql(ty, out),
            (Value::Blob(v), &Type::BYTEA) => v.as_ref().to_sql(ty, out),
            (value, ty) => Err(format!("{value:?} does not fit a place of type {ty}").into()),
        }
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    tokio_postgres::types::to_sql_checked!();
}
