use std::{collections::HashMap, sync::Arc};

/// What kind of value a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Bool,
    Int,
    Text,
    /// Text such as `2026-11-20`; literals are checked against the calendar.
    Date,
    /// Microseconds since 1970; literals are written `timestamp("2026-11-20T09:55:00Z")`.
    Time,
    /// An integer scaled by this many digits; literals are written `12`, `12.5` or `"12.50"`.
    Decimal(u8),
    /// `x.minor` is an integer, `x.currency` a text.
    Money,
    /// A list of texts: `"key" in tags`, `size(tags)`. An empty list and an absent one are the same.
    Tags,
}

/// Where a field's value stands in the database. All names are already quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// One column: `"stage"`.
    Plain(String),
    /// The two columns of a money field.
    Money { minor: String, currency: String },
    /// A side table `(id, value)` of a list field, and the id of the outer row, such as `"crm_companies"."id"`.
    Side { table: String, key: String },
    /// Not in a column of its own: an expression that names it is refused.
    None,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub name: String,
    pub slot: usize,
    pub ty: Type,
    pub column: Column,
}

/// The names an expression may use and their types. Built once per resource, event type or set of claims.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    fields: Vec<Arc<Field>>,
    slots: HashMap<String, usize>,
    before: bool,
}

impl Schema {
    pub fn new() -> Schema {
        Schema::default()
    }
    /// Adds a field; its slot is the number of fields before it. A name given twice means the later field.
    pub fn field(&mut self, name: &str, ty: Type, column: Column) -> &mut Schema {
        let slot = self.fields.len();
        self.slots.insert(name.to_owned(), slot);
        self.fields.push(Arc::new(Field { name: name.to_owned(), slot, ty, column }));
        self
    }
    /// Lets expressions name `before.x`, the record as it was before an update. In SQL a comparison with it is unknown.
    pub fn with_before(mut self) -> Schema {
        self.before = true;
        self
    }
    pub(crate) fn has_before(&self) -> bool {
        self.before
    }
    pub(crate) fn slot(&self, name: &str) -> Option<&Arc<Field>> {
        self.slots.get(name).and_then(|slot| self.fields.get(*slot))
    }
    /// The names to tell somebody; one that begins with U+0000 only keeps its slot, and cannot be written.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.fields.iter().map(|f| f.name.as_str()).filter(|name| !name.starts_with('\0'))
    }
}
