use super::{Field, Plan};
use base::{Time, Value, fold, new_id};

/// What one field of one record holds. A date is its text, a datetime its microseconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Cell {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    Money {
        minor: i64,
        currency: String,
    },
    /// Sorted, each once.
    Tags(Vec<String>),
}

impl Cell {
    pub fn is_null(&self) -> bool {
        matches!(self, Cell::Null)
    }
    pub fn text(&self) -> Option<&str> {
        match self {
            Cell::Text(text) => Some(text),
            Cell::Null | Cell::Bool(_) | Cell::Int(_) | Cell::Money { .. } | Cell::Tags(_) => None,
        }
    }
    /// The value of its first column; tags have none.
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Cell::Null | Cell::Tags(_) => Value::Null,
            Cell::Bool(v) => Value::Bool(*v),
            Cell::Int(v) | Cell::Money { minor: v, .. } => Value::Int(*v),
            Cell::Text(v) => Value::from(v),
        }
    }
    fn seen(&self) -> expr::Cell<'_> {
        match self {
            Cell::Null => expr::Cell::Null,
            Cell::Bool(v) => expr::Cell::Bool(*v),
            Cell::Int(v) => expr::Cell::Int(*v),
            Cell::Text(v) => expr::Cell::Text(v),
            Cell::Money { minor, currency } => expr::Cell::Money { minor: *minor, currency },
            Cell::Tags(v) => expr::Cell::Tags(v),
        }
    }
}

/// One record in memory: the five columns every record has, and one cell for each declared field, by slot.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    pub id: String,
    pub created_at: Time,
    pub updated_at: Time,
    /// The member who made it; null when the system did.
    pub created_by: Option<String>,
    pub version: i64,
    pub(super) cells: Vec<Cell>,
}

impl Values {
    /// An empty record of `plan` with a new id, made by `who` now.
    pub fn new(plan: &Plan, who: &expr::Actor) -> Values {
        let created_by = (!who.id.is_empty()).then(|| who.id.clone());
        Values { id: new_id(), created_at: who.now, updated_at: who.now, created_by, version: 1, cells: vec![Cell::Null; plan.fields().len()] }
    }
    /// What the field at `slot` holds; null for a slot that does not exist.
    pub fn cell(&self, slot: usize) -> &Cell {
        self.cells.get(slot).unwrap_or(&Cell::Null)
    }
    /// Puts `cell` there and says whether that changed anything.
    pub fn set(&mut self, slot: usize, cell: Cell) -> bool {
        match self.cells.get_mut(slot) {
            Some(old) if *old != cell => {
                *old = cell;
                true
            }
            Some(_) | None => false,
        }
    }
    /// The next version, saved at `now`.
    pub fn touch(&mut self, now: Time) {
        self.version += 1;
        self.updated_at = now;
    }
    /// The slots in which two records differ.
    pub fn differs(&self, other: &Values) -> Vec<usize> {
        (0..self.cells.len()).filter(|slot| self.cell(*slot) != other.cell(*slot)).collect()
    }
    /// This record together with what it was before, for expressions that name `before`.
    pub fn against<'a>(&'a self, before: &'a Values) -> Update<'a> {
        Update { now: self, before }
    }
}

impl expr::Record for Values {
    fn cell(&self, slot: usize) -> expr::Cell<'_> {
        match self.cells.get(slot) {
            Some(cell) => cell.seen(),
            None => match slot - self.cells.len() {
                0 => expr::Cell::Text(&self.id),
                1 => expr::Cell::Int(self.created_at.0),
                2 => expr::Cell::Int(self.updated_at.0),
                3 => self.created_by.as_deref().map_or(expr::Cell::Null, expr::Cell::Text),
                4 => expr::Cell::Int(self.version),
                _ => expr::Cell::Null,
            },
        }
    }
}

/// A record after and before a change, as an expression sees it.
pub struct Update<'a> {
    now: &'a Values,
    before: &'a Values,
}

impl expr::Record for Update<'_> {
    fn cell(&self, slot: usize) -> expr::Cell<'_> {
        expr::Record::cell(self.now, slot)
    }
    fn before(&self, slot: usize) -> expr::Cell<'_> {
        expr::Record::cell(self.before, slot)
    }
}

/// The names every record has beside its fields, in the order of their slots and columns.
pub const SYSTEM: [&str; 5] = ["id", "created_at", "updated_at", "created_by", "version"];

/// Folded text for a `_key` column, cut where PostgreSQL's index rows would not hold it (2 704 bytes for all columns of an index).
pub(super) fn fold_key(text: &str) -> String {
    let mut key = fold(text);
    if key.len() > MAX_KEY {
        let end = (0..=MAX_KEY).rev().find(|end| key.is_char_boundary(*end)).unwrap_or(0);
        key.truncate(end);
    }
    key
}

const MAX_KEY: usize = 600;

impl Field {
    /// The words of a cell for the search index.
    pub fn words<'a>(&self, cell: &'a Cell) -> Vec<&'a str> {
        match cell {
            Cell::Text(text) => vec![text],
            Cell::Tags(tags) => tags.iter().map(String::as_str).collect(),
            Cell::Null | Cell::Bool(_) | Cell::Int(_) | Cell::Money { .. } => Vec::new(),
        }
    }
}
