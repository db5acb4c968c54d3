use super::{Cell, Entry, Field, Kind, Plan, Shown, Values, money, write::is_shown};
use base::{Fault, Time};
use std::borrow::Cow;

impl Plan {
    /// The header of an export: `id` and the shown fields.
    pub fn csv_header(&self, shown: &Shown) -> Vec<&str> {
        let fields = self.fields.iter().enumerate().filter(|(slot, _)| is_shown(shown, *slot)).map(|(_, f)| f.name.as_str());
        std::iter::once("id").chain(fields).collect()
    }
    /// The text of one cell. Texts that a spreadsheet would take for a formula get a `'` in front.
    pub fn write_cell(&self, values: &Values, slot: usize) -> String {
        match (values.cell(slot), self.field(slot).map(|f| &f.kind)) {
            (Cell::Null, _) => String::new(),
            (Cell::Bool(value), _) => value.to_string(),
            (Cell::Int(micros), Some(Kind::Datetime)) => Time(*micros).to_string(),
            (Cell::Int(number), _) => number.to_string(),
            (Cell::Text(text), _) => guarded(text.clone()),
            (Cell::Money { minor, currency }, _) => guarded(format!("{} {currency}", money::amount(*minor, currency))),
            (Cell::Tags(tags), _) => guarded(tags.join("; ")),
        }
    }
    /// Reads a cell of an import; empty is null. The `'` of an export is taken off again.
    pub fn read_cell(&self, slot: usize, text: &str, entry: &Entry<'_>) -> Result<Cell, Fault> {
        match self.field(slot) {
            Some(field) => field.read_csv(text, entry.currency),
            None => Err(Fault::new("", "unknown", "There is no such field.")),
        }
    }
}

impl Field {
    fn read_csv(&self, text: &str, currency: &str) -> Result<Cell, Fault> {
        if text.trim().is_empty() {
            return Ok(self.empty());
        }
        match &self.kind {
            Kind::Integer { min, max } => match text.trim().parse::<i64>() {
                Ok(number) if !text.trim().starts_with('+') => self.integer(number, *min, *max),
                Ok(_) | Err(_) => Err(self.fault("type", "Write a whole number such as 1234567, without separators.")),
            },
            Kind::Boolean if text.trim().eq_ignore_ascii_case("true") => Ok(Cell::Bool(true)),
            Kind::Boolean if text.trim().eq_ignore_ascii_case("false") => Ok(Cell::Bool(false)),
            Kind::Boolean => Err(self.fault("type", "Write true or false.")),
            Kind::Money => match money::parse(&bare(text), currency) {
                Some((minor, currency)) => Ok(Cell::Money { minor, currency }),
                None => Err(self.fault("money", "Write an amount such as 12.50 EUR, or 12.50 in your own currency.")),
            },
            Kind::Tags { max, .. } => self.sorted(bare(text).split(';').map(str::to_owned).collect(), *max),
            Kind::Text { .. }
            | Kind::Email
            | Kind::Url
            | Kind::Phone
            | Kind::Date
            | Kind::Datetime
            | Kind::Choice { .. }
            | Kind::Ref { .. }
            | Kind::User => self.accept_text(bare(text)),
        }
    }
}

/// Whether a spreadsheet would run it (OWASP, "CSV Injection"), or it only begins with what guards such a text.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn guarded(text: String) -> String {
    if is_formula(&text) { format!("'{text}") } else { text }
}

/// The text without the `'` that guards it.
fn bare(text: &str) -> Cow<'_, str> {
    match text.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => Cow::Borrowed(rest),
        Some(_) | None => Cow::Borrowed(text),
    }
}
