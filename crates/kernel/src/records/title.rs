use super::{
    Cell, Field, Kind, Plan, Scope, Statement, Values,
    list::{Where, in_scope},
    plan::quote,
};
use base::{Result, Value};
use std::collections::HashMap;

/// A title template, cut into what stands there and what is filled in: `"{name}"`, `"{subject} ({kind})"`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Title {
    pub template: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Plain(String),
    Field(usize),
}

impl Title {
    /// Cuts `template`; the error is a sentence for whoever writes the declaration.
    pub fn parse(template: &str, fields: &[Field], slots: &HashMap<String, usize>) -> Result<Title, String> {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some((plain, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or("A { in the title is not closed.")?;
            let slot = *slots.get(name).ok_or_else(|| format!("There is no field {name:?} for the title."))?;
            let field = fields.get(slot).ok_or("There is no such field.")?;
            if matches!(field.kind, Kind::Tags { .. } | Kind::Money | Kind::Ref { .. } | Kind::User | Kind::Boolean | Kind::Datetime) {
                return Err(format!("A field of type {} cannot stand in a title.", field.kind.name()));
            }
            if field.read.is_some() {
                return Err(format!("{name:?} may be read by some only, and a title is shown to everybody."));
            }
            parts.push(Part::Plain(plain.to_owned()));
            parts.push(Part::Field(slot));
            rest = behind;
        }
        if parts.is_empty() {
            return Err("A title names at least one field: \"{name}\".".to_owned());
        }
        parts.push(Part::Plain(rest.to_owned()));
        parts.retain(|p| !matches!(p, Part::Plain(text) if text.is_empty()));
        Ok(Title { template: template.to_owned(), parts })
    }
    /// The slots filled in, in order.
    pub fn slots(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().filter_map(|p| match p {
            Part::Field(slot) => Some(*slot),
            Part::Plain(_) => None,
        })
    }
    fn fill(&self, mut text: impl FnMut(usize) -> String) -> String {
        let filled = self.parts.iter().map(|p| match p {
            Part::Plain(plain) => plain.clone(),
            Part::Field(slot) => text(*slot),
        });
        filled.collect::<String>().trim().to_owned()
    }
}

/// Statements have one of these numbers of ids, so that few texts serve all pages.
const SIZES: [usize; 4] = [1, 10, 50, 200];

impl Plan {
    /// The title template as it was declared.
    pub fn title_template(&self) -> &str {
        &self.title.template
    }
    /// What people call this record: the declared title template filled in.
    pub fn title(&self, values: &Values) -> String {
        self.title.fill(|slot| plain(values.cell(slot)))
    }
    /// Selects id and title of up to 200 records, those outside `scope` left out.
    pub fn titles(&self, ids: &[&str], scope: &Scope<'_>) -> Statement<'static> {
        let size = SIZES.into_iter().find(|size| ids.len() <= *size).unwrap_or(200);
        let last = ids.last().copied().unwrap_or_default();
        let padded = ids.iter().copied().chain(std::iter::repeat(last)).take(size);
        let mut find = Where::default();
        let numbers: Vec<String> = padded.map(|id| find.param(Value::from(id.to_owned()))).collect();
        find.and(&format!("\"id\" IN ({})", numbers.join(", ")));
        in_scope(scope, &mut find);
        find.statement(&self.title_columns(), &self.quoted(), "")
    }
    /// Selects id and title of the first `limit` records whose reference at `slot` is `id`.
    pub fn referrers(&self, slot: usize, id: &str, scope: &Scope<'_>, limit: usize) -> Statement<'static> {
        let mut find = Where::default();
        let number = find.param(Value::from(id.to_owned()));
        find.and(&format!("{} = {number}", quote(self.name_of(slot))));
        in_scope(scope, &mut find);
        find.statement(&self.title_columns(), &self.quoted(), &format!(" ORDER BY \"id\" LIMIT {limit}"))
    }
    /// Selects the ids of all records whose reference at `slot` is `?1`, for clear and cascade.
    pub fn referring(&self, slot: usize) -> String {
        format!("SELECT \"id\" FROM {} WHERE {} = ?1 ORDER BY \"id\"", self.quoted(), quote(self.name_of(slot)))
    }
    /// Reads a row of `titles` or `referrers`: (id, title).
    pub fn title_row(&self, row: &silo::Row<'_>) -> Result<(String, String)> {
        let mut texts = HashMap::new();
        for (n, slot) in self.title.slots().enumerate() {
            let text = match self.field(slot).map(|f| &f.kind) {
                Some(Kind::Integer { .. }) => row.opt_int(n + 1)?.map(|i| i.to_string()),
                _ => row.opt_text(n + 1)?.map(str::to_owned),
            };
            texts.insert(slot, text.unwrap_or_default());
        }
        Ok((row.text(0)?.to_owned(), self.title.fill(|slot| texts.get(&slot).cloned().unwrap_or_default())))
    }
    /// Title and searchable words of a record, folded and separated by spaces, as `silo::Tx::search_put` takes them.
    /// Nothing when no field of the resource is searched.
    pub fn search_words(&self, values: &Values) -> Option<(String, String)> {
        let searched: Vec<(usize, &Field)> = self.fields.iter().enumerate().filter(|(_, f)| f.search).collect();
        if searched.is_empty() {
            return None;
        }
        let texts: Vec<&str> = searched.iter().flat_map(|(slot, field)| field.words(values.cell(*slot))).collect();
        Some((silo::cut_words(&self.title(values)).join(" "), silo::cut_words(&texts.join(" ")).join(" ")))
    }
    fn title_columns(&self) -> String {
        let columns = self.title.slots().map(|slot| format!(", {}", quote(self.name_of(slot))));
        format!("\"id\"{}", columns.collect::<String>())
    }
}

fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Int(number) => number.to_string(),
        Cell::Null | Cell::Bool(_) | Cell::Money { .. } | Cell::Tags(_) => String::new(),
    }
}
