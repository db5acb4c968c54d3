use super::{
    Cell, Choice, Default, Field, Kind, Move, OnDelete, Plan, SYSTEM, Shown, States, Views,
    accept::SAFE,
    ddl,
    declaration::{Declaration, FieldDeclaration, OptionDeclaration, StatesDeclaration, humanise},
    json::Raw,
    plan::quote,
    statements::Texts,
    title::Title,
};
use crate::manifest::{Checked, ManifestFault, RESOURCE, meant, step};
use std::collections::HashMap;

/// Words of CEL (its specification, "Syntax", IDENT and RESERVED) and names that expressions, records and queries use themselves.
const RESERVED: [&str; 30] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "has",
    "record",
    "actor",
    "tenant",
    "now",
    "before",
    "expanded",
    "and",
    "or",
];
/// The longest text where nothing else is declared.
const LONGEST: usize = 10_000;
/// Text that stands in an index as it is, or must be unique, is short: PostgreSQL's index rows hold 2 704 bytes, keys are cut at 600.
const INDEXED: usize = 200;

pub fn compile(module: &str, json: &str) -> Result<Plan, Vec<ManifestFault>> {
    let plural = serde_json::from_str::<serde_json::Value>(json).ok().and_then(|v| Some(v.get("plural")?.as_str()?.to_owned()));
    compile_file(module, &format!("resources/{}.json", plural.as_deref().unwrap_or("?")), json)
}

/// Compiles one resource; faults name `file`.
pub fn compile_file(module: &str, file: &str, json: &str) -> Result<Plan, Vec<ManifestFault>> {
    let checked = Checked::read(file, json, &RESOURCE)?;
    if !checked.faults.is_empty() {
        return Err(checked.faults);
    }
    let declaration: Declaration = serde_json::from_value(checked.value.clone())
        .map_err(|e| vec![ManifestFault { file: file.to_owned(), line: 1, message: e.to_string(), hint: None }])?;
    let mut compiler = Compiler { checked, module, plural: &declaration.plural, fields: Vec::new(), slots: HashMap::new() };
    for (name, value) in &declaration.fields {
        compiler.field(name, value, &declaration);
    }
    compiler.columns_differ();
    compiler.finish(&declaration)
}

struct Compiler<'a> {
    checked: Checked,
    module: &'a str,
    plural: &'a str,
    fields: Vec<Field>,
    slots: HashMap<String, usize>,
}

impl Compiler<'_> {
    fn finish(mut self, d: &Declaration) -> Result<Plan, Vec<ManifestFault>> {
        let table = format!("{}_{}", self.module, self.plural);
        let schema = schema(&table, &self.fields, &[]);
        let title = Title::parse(&d.title, &self.fields, &self.slots).unwrap_or_else(|message| {
            self.checked.fault("/title", message, None);
            Title::default()
        });
        let list = d.views.list.iter().enumerate().filter_map(|(n, name)| self.named(&format!("/views/list/{n}"), name)).collect();
        let board = d.views.board.as_ref().and_then(|name| self.choice("/views/board", name));
        let states = d.states.as_ref().and_then(|s| self.states(s, d, &schema));
        let declared = d.indexes.iter().enumerate().filter_map(|(n, names)| self.index(n, names)).collect::<Vec<_>>();
        let Compiler { checked, module, fields, slots, .. } = self;
        let resource = format!("{module}.{}", d.plural);
        let indexes = ddl::indexes(&table, &fields, &declared);
        let texts = Texts::new(&table, &fields);
        let label = d.label.clone().unwrap_or_else(|| humanise(&d.name));
        let labels = d.labels.clone().unwrap_or_else(|| humanise(&d.plural));
        let (module, name, plural, icon) = (module.to_owned(), d.name.clone(), d.plural.clone(), d.icon.clone());
        let views = Views { list, board };
        let read = format!("{resource}:read");
        checked.done(Plan {
            module,
            name,
            plural,
            resource,
            read,
            label,
            labels,
            icon,
            table,
            views,
            states,
            fields,
            slots,
            schema,
            title,
            indexes,
            texts,
        })
    }

    fn field(&mut self, name: &str, value: &serde_json::Value, resource: &Declaration) {
        let at = format!("/fields/{}", step(name));
        if RESERVED.contains(&name) || SYSTEM.contains(&name) {
            self.checked.fault(&at, format!("{name:?} is a word of the system or of expressions; a field cannot have that name."), None);
        }
        let d: FieldDeclaration = match serde_json::from_value(value.clone()) {
            Ok(d) => d,
            Err(e) => return self.checked.fault(&at, e.to_string(), None),
        };
        self.options_fit(&at, &d, value);
        let Some(kind) = self.kind(&at, name, &d) else { return };
        let listed = resource.views.list.iter().any(|n| n == name);
        let key = (kind.is_words() && (listed || d.unique || kind == Kind::Email)).then(|| format!("{name}_key"));
        let offset = self.fields.last().map_or(SYSTEM.len(), |f| f.offset + f.width());
        let json = format!(",\"{name}\":").into_bytes();
        let label = d.label.clone().unwrap_or_else(|| humanise(name));
        let (required, unique, search) = (d.required, d.unique, d.search);
        let (read, write) = (d.read.clone(), d.write.clone());
        if read.is_some() && search {
            self.checked.fault(
                &format!("{at}/search"),
                "What only some may read cannot be searched: whoever finds the record learns what it says.",
                None,
            );
        }
        let mut field = Field { name: name.to_owned(), label, kind, required, unique, search, listed, default: None, key, read, write, offset, json };
        field.default = self.default(&at, &field, &d);
        self.slots.insert(name.to_owned(), self.fields.len());
        self.fields.push(field);
    }
    /// Which keys make sense beside which type.
    fn options_fit(&mut self, at: &str, d: &FieldDeclaration, value: &serde_json::Value) {
        let own: &[&str] = match d.kind.as_str() {
            "text" => &["min", "max", "unique", "search"],
            "email" | "url" | "phone" => &["unique", "search"],
            "integer" => &["min", "max", "unique"],
            "choice" => &["options"],
            "tags" => &["max", "search"],
            "ref" => &["to", "on_delete"],
            _ => &[],
        };
        let common = ["type", "label", "required", "default", "read", "write"];
        for name in value.as_object().into_iter().flat_map(|o| o.keys()) {
            if !own.contains(&name.as_str()) && !common.contains(&name.as_str()) {
                self.checked.fault(&format!("{at}/{}", step(name)), format!("A field of type {} has no {name:?}.", d.kind), None);
            }
        }
    }
    fn kind(&mut self, at: &str, name: &str, d: &FieldDeclaration) -> Option<Kind> {
        let size = |n: Option<i64>, otherwise: usize| n.map_or(Ok(otherwise), usize::try_from);
        Some(match d.kind.as_str() {
            "text" => match (size(d.min, 0), size(d.max, LONGEST)) {
                (Ok(_), Ok(max)) if d.unique && max > INDEXED => return self.refuse(at, &format!("A unique text has a max of at most {INDEXED}.")),
                (Ok(min), Ok(max)) if min <= max && (1..=1_000_000).contains(&max) => Kind::Text { min, max },
                _ => return self.refuse(at, "A text has min ≤ max characters, and max is 1 to 1 000 000."),
            },
            "email" => Kind::Email,
            "url" => Kind::Url,
            "phone" => Kind::Phone,
            "integer" => match (d.min.unwrap_or(-SAFE), d.max.unwrap_or(SAFE)) {
                (min, max) if min <= max => Kind::Integer { min, max },
                _ => return self.refuse(at, "min is greater than max."),
            },
            "boolean" => Kind::Boolean,
            "date" => Kind::Date,
            "datetime" => Kind::Datetime,
            "choice" => Kind::Choice { options: self.options(at, d)? },
            "tags" => match size(d.max, 100) {
                Ok(max) if (1..=1000).contains(&max) => Kind::Tags { max, table: ddl::side_name(&format!("{}_{}", self.module, self.plural), name) },
                _ => return self.refuse(at, "Tags have a max of 1 to 1000."),
            },
            "ref" => {
                let Some(to) = d.to.clone() else { return self.refuse(at, "A ref says where it points: \"to\": \"crm.companies\".") };
                let on_delete = match d.on_delete.as_deref() {
                    Some("clear") => OnDelete::Clear,
                    Some("cascade") => OnDelete::Cascade,
                    _ => OnDelete::Restrict,
                };
                if on_delete == OnDelete::Clear && d.required {
                    return self.refuse(&format!("{at}/on_delete"), "A required reference cannot be cleared; use restrict or cascade.");
                }
                Kind::Ref { to, on_delete }
            }
            "user" => Kind::User,
            "money" => Kind::Money,
            other => return self.refuse(at, &format!("The field type {other:?} is not yet available.")),
        })
    }
    fn options(&mut self, at: &str, d: &FieldDeclaration) -> Option<Vec<Choice>> {
        let mut options: Vec<Choice> = Vec::new();
        for (n, option) in d.options.iter().enumerate() {
            let (value, label) = match option {
                OptionDeclaration::Value(value) => (value, humanise(value)),
                OptionDeclaration::Labelled { value, label } => (value, label.clone()),
            };
            if options.iter().any(|o| o.value == *value) || value.trim() != value || value.chars().any(char::is_control) {
                self.checked.fault(
                    &format!("{at}/options/{n}"),
                    "Options differ, and have no space around them nor control characters in them.",
                    None,
                );
            }
            options.push(Choice { value: value.clone(), label });
        }
        if options.is_empty() { self.refuse(at, "A choice has options.") } else { Some(options) }
    }
    fn default(&mut self, at: &str, field: &Field, d: &FieldDeclaration) -> Option<Default> {
        let value = d.default.as_ref()?;
        match (&field.kind, value.as_str()) {
            (Kind::User, Some("actor.id")) => return Some(Default::Actor),
            (Kind::Date | Kind::Datetime, Some("now")) => return Some(Default::Now),
            (Kind::User, _) => return self.refuse(&format!("{at}/default"), "The default of a user is \"actor.id\"."),
            (Kind::Ref { .. }, _) => return self.refuse(&format!("{at}/default"), "A ref has no default."),
            (Kind::Money, _) if !value.is_object() => {
                return self.refuse(&format!("{at}/default"), "The default of money names its currency: {\"minor\": 0, \"currency\": \"EUR\"}.");
            }
            _ => {}
        }
        let text = value.to_string();
        match Raw::parse(text.as_bytes()).map(|raw| field.accept(raw, "EUR")) {
            Ok(Ok(cell)) => Some(Default::Cell(cell)),
            Ok(Err(fault)) => self.refuse(&format!("{at}/default"), &format!("The default does not fit the field. {}", fault.message)),
            Err(error) => self.refuse(&format!("{at}/default"), error.detail()),
        }
    }
    fn refuse<T>(&mut self, at: &str, message: &str) -> Option<T> {
        self.checked.fault(at, message, None);
        None
    }
    /// `x_minor`, `x_currency` and `x_key` must not meet a field of that name.
    fn columns_differ(&mut self) {
        let made = |f: &Field| f.columns().into_iter().map(|(c, _)| c).chain(f.key.clone()).filter(|c| *c != f.name).collect::<Vec<_>>();
        let clashes: Vec<(String, String)> = (self.fields.iter())
            .flat_map(|f| made(f).into_iter().map(|column| (f.name.clone(), column)))
            .filter(|(_, column)| self.slots.contains_key(column))
            .collect();
        for (field, column) in clashes {
            self.checked.fault(&format!("/fields/{column}"), format!("{column:?} is a column of the field {field:?}; take another name."), None);
        }
    }
    /// The slot of a name that must be a field.
    fn named(&mut self, at: &str, name: &str) -> Option<usize> {
        let slot = self.slots.get(name).copied();
        if slot.is_none() {
            let hint = meant(name, self.fields.iter().map(|f| f.name.as_str()));
            self.checked.fault(at, format!("There is no field {name:?}."), hint);
        }
        slot
    }
    fn choice(&mut self, at: &str, name: &str) -> Option<usize> {
        let slot = self.named(at, name)?;
        match self.fields.get(slot).map(|f| &f.kind) {
            Some(Kind::Choice { .. }) => Some(slot),
            _ => self.refuse(at, &format!("{name:?} is no choice field.")),
        }
    }
    fn states(&mut self, states: &StatesDeclaration, d: &Declaration, schema: &expr::Schema) -> Option<States> {
        let slot = self.choice("/states/field", &states.field)?;
        let field = self.fields.get(slot)?.clone();
        let Kind::Choice { options } = &field.kind else { return None };
        if !matches!(field.default, Some(Default::Cell(Cell::Text(_)))) {
            self.checked.fault(&format!("/fields/{}", field.name), "A state field has a default: the state in which records begin.", None);
        }
        let mut moves: Vec<Move> = Vec::new();
        for (n, m) in states.moves.iter().enumerate() {
            let at = format!("/states/moves/{n}");
            let ends = m.from.iter().enumerate().map(|(i, from)| (format!("{at}/from/{i}"), from)).chain([(format!("{at}/to"), &m.to)]);
            for (at, state) in ends {
                if !options.iter().any(|o| o.value == *state) {
                    let hint = meant(state, options.iter().map(|o| o.value.as_str()));
                    self.checked.fault(&at, format!("{state:?} is no option of {}.", field.name), hint);
                }
            }
            if TAKEN.contains(&m.name.as_str()) || moves.iter().any(|o| o.name == m.name) {
                self.checked.fault(&format!("{at}/name"), format!("The verb {:?} is taken.", m.name), None);
            }
            let when = m.when.as_ref().and_then(|text| match expr::Expr::parse(text, schema) {
                Ok(when) => Some(when),
                Err(fault) => self.refuse(&format!("{at}/when"), &format!("{text:?}, {fault}")),
            });
            let event = format!("{}.{}.{}", self.module, d.name, m.event.as_ref().unwrap_or(&m.name));
            let label = m.label.clone().unwrap_or_else(|| humanise(&m.name));
            moves.push(Move { name: m.name.clone(), label, event, from: m.from.clone(), to: m.to.clone(), when });
        }
        Some(States { slot, moves })
    }
    /// The columns of a declared index.
    fn index(&mut self, n: usize, names: &[String]) -> Option<Vec<String>> {
        let mut columns = Vec::new();
        for (i, name) in names.iter().enumerate() {
            let at = format!("/indexes/{n}/{i}");
            if SYSTEM.contains(&name.as_str()) {
                columns.push(name.clone());
                continue;
            }
            let slot = self.named(&at, name)?;
            let field = self.fields.get(slot)?;
            match (field.sort_column(), &field.kind) {
                (Some(column), _) => columns.push(column),
                (None, Kind::Text { max, .. }) if *max <= INDEXED => columns.push(field.name.clone()),
                (None, Kind::Text { .. }) => return self.refuse(&at, &format!("A text in an index has a max of {INDEXED} or stands in views.list.")),
                (None, Kind::Phone) => columns.push(field.name.clone()),
                (None, kind) => {
                    let message = format!("A field of type {} cannot stand in an index.", kind.name());
                    return self.refuse(&at, &message);
                }
            }
        }
        Some(columns)
    }
}

/// Verbs that every record has already.
const TAKEN: [&str; 12] = ["list", "create", "get", "update", "delete", "history", "revert", "import", "export", "bulk", "aggregate", "read"];

/// The names an expression may use, in slot order: the fields, then the system's. What is not `shown` has a slot but no name.
pub fn schema(table: &str, fields: &[Field], shown: &Shown) -> expr::Schema {
    let mut schema = expr::Schema::new();
    for (slot, field) in fields.iter().enumerate() {
        let plain = || expr::Column::Plain(quote(&field.name));
        let (ty, column) = match &field.kind {
            Kind::Text { .. } | Kind::Email | Kind::Url | Kind::Phone | Kind::Choice { .. } | Kind::Ref { .. } | Kind::User => {
                (expr::Type::Text, plain())
            }
            Kind::Integer { .. } => (expr::Type::Int, plain()),
            Kind::Boolean => (expr::Type::Bool, plain()),
            Kind::Date => (expr::Type::Date, plain()),
            Kind::Datetime => (expr::Type::Time, plain()),
            Kind::Tags { table: side, .. } => (expr::Type::Tags, expr::Column::Side { table: quote(side), key: format!("{}.\"id\"", quote(table)) }),
            Kind::Money => {
                let part = |part: &str| quote(&format!("{}_{part}", field.name));
                (expr::Type::Money, expr::Column::Money { minor: part("minor"), currency: part("currency") })
            }
        };
        let name = if shown.get(slot).copied().unwrap_or(true) { field.name.clone() } else { format!("\0{slot}") };
        schema.field(&name, ty, column);
    }
    for (name, ty) in SYSTEM.iter().zip([expr::Type::Text, expr::Type::Time, expr::Type::Time, expr::Type::Text, expr::Type::Int]) {
        schema.field(name, ty, expr::Column::Plain(quote(name)));
    }
    schema
}
