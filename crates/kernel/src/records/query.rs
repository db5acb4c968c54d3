use super::{Kind, Plan, SYSTEM, Shown, accept::cut, plan::quote, write::is_shown};
use base::{Error, Fault, Result, nearest};

/// What a list was asked for, checked: `filter sort limit cursor fields expand count q`.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pub filter: Option<expr::Expr>,
    /// At most three; the id follows by itself.
    pub sort: Vec<Sort>,
    /// 1 to 200, 50 when nothing is said.
    pub limit: usize,
    /// Still sealed: whoever has the key opens it and passes the bytes to `Plan::list`.
    pub cursor: Option<String>,
    /// By slot, what is to be written: `fields=` and what the reader may see. Empty means all.
    pub fields: Vec<bool>,
    /// Slots of references whose titles are wanted.
    pub expand: Vec<usize>,
    pub count: bool,
    /// Words to search for.
    pub q: Option<String>,
}

/// One column to sort by.
#[derive(Debug, Clone, PartialEq)]
pub struct Sort {
    pub name: String,
    pub descending: bool,
    /// Quoted.
    pub(super) column: String,
    pub(super) kind: KeyKind,
}

/// How a sort column is read back for a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyKind {
    Text,
    Int,
    Bool,
}

const LIMIT: usize = 50;
const MOST: usize = 200;
const PARAMETERS: [&str; 8] = ["filter", "sort", "limit", "cursor", "fields", "expand", "count", "q"];

impl Query {
    /// Everything, unsorted: what a bulk by filter or an export begins with.
    pub fn all() -> Query {
        Query { limit: MOST, ..Query::default() }
    }
    /// Reads the pairs of a URL's query (decoded), all faults at once. Fields that are not `shown` do not exist here:
    /// neither filter nor sort may ask about what the reader may not see.
    pub fn parse<'a>(plan: &Plan, pairs: impl IntoIterator<Item = (&'a str, &'a str)>, shown: &Shown) -> Result<Query> {
        let mut query = Query { limit: LIMIT, fields: shown.to_vec(), ..Query::default() };
        let mut faults = Vec::new();
        let mut given: Vec<&str> = Vec::new();
        for (name, value) in pairs {
            if given.contains(&name) {
                faults.push(Fault::new(cut(name), "duplicate", "This parameter stands here twice."));
                continue;
            }
            given.push(name);
            if let Err(fault) = query.take(plan, name, value, shown) {
                faults.push(fault);
            }
        }
        if faults.is_empty() { Ok(query) } else { Err(Error::invalid(faults)) }
    }
    /// Filter, sort and words in one text: what a cursor is bound to.
    pub fn binding(&self) -> String {
        let filter = self.filter.as_ref().map_or("", expr::Expr::text);
        let sort: Vec<String> = self.sort.iter().map(|s| format!("{}{}", if s.descending { "-" } else { "" }, s.name)).collect();
        serde_json::json!([filter, sort.join(","), self.q]).to_string()
    }

    fn take(&mut self, plan: &Plan, name: &str, value: &str, shown: &Shown) -> Result<(), Fault> {
        if value.contains('\0') {
            return Err(Fault::new(name, "nul", "The character U+0000 cannot be used."));
        }
        match name {
            "filter" if value.trim().is_empty() => {}
            "filter" => self.filter = Some(plan.filter(value, shown)?),
            "sort" => self.sort = plan.sort(value, shown)?,
            "limit" => match value.parse() {
                Ok(limit) if (1..=MOST).contains(&limit) => self.limit = limit,
                _ => return Err(Fault::new(name, "limit", format!("Give a number from 1 to {MOST}."))),
            },
            "cursor" if value.is_empty() => {}
            "cursor" => self.cursor = Some(value.to_owned()),
            "fields" => self.fields = plan.pick(value, shown)?,
            "expand" => self.expand = plan.expand(value, shown)?,
            "count" => match value {
                "true" => self.count = true,
                "false" => self.count = false,
                _ => return Err(Fault::new(name, "type", "Write true or false.")),
            },
            "q" => self.q = (!value.trim().is_empty()).then(|| value.trim().to_owned()),
            other => {
                let hint =
                    nearest(other, PARAMETERS).map_or_else(|| format!("Known: {}.", PARAMETERS.join(", ")), |near| format!("Did you mean {near}?"));
                return Err(Fault::new(cut(other), "unknown", format!("There is no such parameter. {hint}")));
            }
        }
        Ok(())
    }
}

impl Plan {
    /// Compiles a filter; the fault says at which column of it something is wrong.
    pub(super) fn filter(&self, text: &str, shown: &Shown) -> Result<expr::Expr, Fault> {
        self.expression_for(text, shown).map_err(|fault| Fault::new("filter", fault.code, fault.to_string()))
    }
    /// `-amount,name` as columns.
    fn sort(&self, text: &str, shown: &Shown) -> Result<Vec<Sort>, Fault> {
        let mut sorts: Vec<Sort> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let (descending, name) = part.strip_prefix('-').map_or((false, part), |name| (true, name));
            let sort = self.sort_by(name, descending, shown)?;
            if sorts.iter().any(|s| s.name == sort.name) {
                return Err(Fault::new("sort", "duplicate", format!("{name} stands in the sort twice.")));
            }
            sorts.push(sort);
        }
        if sorts.len() > 3 {
            return Err(Fault::new("sort", "too-many", "Sort by at most three fields."));
        }
        Ok(sorts)
    }
    fn sort_by(&self, name: &str, descending: bool, shown: &Shown) -> Result<Sort, Fault> {
        let sort = |column: &str, kind| Ok(Sort { name: name.to_owned(), descending, column: quote(column), kind });
        match name {
            "created_at" | "updated_at" | "version" => return sort(name, KeyKind::Int),
            "id" | "created_by" => return sort(name, KeyKind::Text),
            _ => {}
        }
        let slot = self.known("sort", name, shown)?;
        let field = self.field(slot);
        let Some((column, field)) = field.and_then(|f| Some((f.sort_column()?, f))) else {
            return Err(Fault::new(
                "sort",
                "not-sortable",
                format!("{} is not kept in an order. Sortable: {}.", cut(name), self.sortable(shown).join(", ")),
            ));
        };
        match &field.kind {
            Kind::Boolean => sort(&column, KeyKind::Bool),
            Kind::Integer { .. } | Kind::Datetime | Kind::Money => sort(&column, KeyKind::Int),
            Kind::Text { .. }
            | Kind::Email
            | Kind::Url
            | Kind::Phone
            | Kind::Date
            | Kind::Choice { .. }
            | Kind::Tags { .. }
            | Kind::Ref { .. }
            | Kind::User => sort(&column, KeyKind::Text),
        }
    }
    fn sortable<'a>(&'a self, shown: &Shown) -> Vec<&'a str> {
        let fields = self.fields.iter().enumerate().filter(|(slot, f)| is_shown(shown, *slot) && f.sort_column().is_some());
        fields.map(|(_, f)| f.name.as_str()).chain(SYSTEM).collect()
    }
    fn pick(&self, text: &str, shown: &Shown) -> Result<Vec<bool>, Fault> {
        let mut picked = vec![false; self.fields.len()];
        for name in text.split(',').map(str::trim).filter(|p| !p.is_empty() && !SYSTEM.contains(p)) {
            let slot = self.known("fields", name, shown)?;
            if let Some(place) = picked.get_mut(slot) {
                *place = true;
            }
        }
        Ok(picked)
    }
    fn expand(&self, text: &str, shown: &Shown) -> Result<Vec<usize>, Fault> {
        let mut slots = Vec::new();
        for name in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let slot = self.known("expand", name, shown)?;
            match self.field(slot).map(|f| &f.kind) {
                Some(Kind::Ref { .. } | Kind::User) if slots.contains(&slot) => {}
                Some(Kind::Ref { .. } | Kind::User) => slots.push(slot),
                _ => return Err(Fault::new("expand", "not-a-reference", format!("{name} refers to nothing."))),
            }
        }
        Ok(slots)
    }
    /// The slot of a field the reader may see, or the fault that there is none.
    pub(super) fn known(&self, at: &str, name: &str, shown: &Shown) -> Result<usize, Fault> {
        match self.slot(name).filter(|slot| is_shown(shown, *slot)) {
            Some(slot) => Ok(slot),
            None => {
                let visible = self.fields.iter().enumerate().filter(|(slot, _)| is_shown(shown, *slot)).map(|(_, f)| f.name.as_str());
                let hint = nearest(name, visible).map(|near| format!(" Did you mean {near}?")).unwrap_or_default();
                Err(Fault::new(at, "unknown-field", format!("There is no field {}.{hint}", cut(name))))
            }
        }
    }
}
