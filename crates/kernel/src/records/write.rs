use super::{Plan, Values};
use base::Result;

/// Which fields are written, by slot; empty writes all. Made from `fields=` and from what the reader may see.
pub type Shown = [bool];

impl Plan {
    /// Writes the record in `row` as one JSON object, straight from the database row.
    pub fn write_row(&self, _row: &silo::Row<'_>, _shown: &Shown, _out: &mut Vec<u8>) -> Result<()> {
        Err(base::Error::internal("soon"))
    }
    /// The same bytes from memory.
    pub fn write_values(&self, _values: &Values, _shown: &Shown, _out: &mut Vec<u8>) {}
    /// Turns the last written object `{..}` into `{.., "expanded": {"company": {"id", "title"}, ..}}`. A title the reader may not see is none.
    pub fn write_expanded<'t>(&self, _refs: &[(usize, String)], _title: impl Fn(usize, &str) -> Option<&'t str>, _out: &mut Vec<u8>) {}
    /// Event data of a create: `{"after": {..}}`.
    pub fn created(&self, _values: &Values) -> Vec<u8> {
        Vec::new()
    }
    /// Event data of an update: `{"before": {changed fields}, "after": {changed fields}, "version": n}`.
    pub fn updated(&self, _before: &Values, _after: &Values, _changed: &[usize]) -> Vec<u8> {
        Vec::new()
    }
    /// Event data of a delete: `{"before": {..}}`.
    pub fn deleted(&self, _values: &Values) -> Vec<u8> {
        Vec::new()
    }
    /// Plays one event's `data` onto `values`, for history and revert: `after` is applied, a delete leaves the record as it was before.
    pub fn replay(&self, _data: &serde_json::Value, _values: &mut Option<Values>) -> Result<()> {
        Err(base::Error::internal("soon"))
    }
}
