use super::{Cell, Default, Field, Kind, OnDelete, Plan, SYSTEM};
use serde_json::{Map, Value, json};

/// What one person may do with a resource: by slot what they may read and write, and the verbs they hold.
pub struct Rights<'a> {
    pub readable: &'a dyn Fn(usize) -> bool,
    pub writable: &'a dyn Fn(usize) -> bool,
    /// `list get create update delete import export history aggregate bulk` and the moves.
    pub verb: &'a dyn Fn(&str) -> bool,
}

/// The verbs every resource has, as `/meta` lists them.
pub const VERBS: [&str; 10] = ["list", "get", "create", "update", "delete", "import", "export", "history", "aggregate", "bulk"];

impl Plan {
    /// The resource as `GET /meta` shows it to one person.
    pub fn meta(&self, rights: &Rights<'_>) -> Value {
        let fields: Map<String, Value> = self.fields.iter().enumerate().map(|(slot, f)| (f.name.clone(), f.meta(slot, rights))).collect();
        let names = |slots: &[usize]| slots.iter().filter(|s| (rights.readable)(**s)).map(|s| self.name_of(*s)).collect::<Vec<_>>();
        let mut views = json!({"list": names(&self.views.list)});
        if let Some(board) = self.views.board {
            put(&mut views, "board", self.name_of(board).into());
        }
        let verbs: Map<String, Value> = VERBS.iter().map(|verb| ((*verb).to_owned(), (rights.verb)(verb).into())).collect();
        let mut meta = json!({
            "name": self.name, "plural": self.plural, "module": self.module, "label": self.label, "labels": self.labels,
            "title": self.title_template(), "fields": fields, "views": views, "verbs": verbs,
        });
        if let Some(icon) = &self.icon {
            put(&mut meta, "icon", icon.as_str().into());
        }
        if let Some(states) = &self.states {
            let one = |m: &super::Move| json!({"name": m.name, "label": m.label, "event": m.event, "from": m.from, "to": m.to, "allowed": (rights.verb)(&m.name)});
            let moves: Vec<Value> = states.moves.iter().map(one).collect();
            put(&mut meta, "states", json!({"field": self.name_of(states.slot), "moves": moves}));
        }
        meta
    }
    /// JSON Schema of a record as it is answered.
    pub fn record_schema(&self) -> Value {
        let mut properties = Map::new();
        properties.insert("id".into(), id());
        properties.extend(self.fields.iter().map(|f| (f.name.clone(), nullable(f.schema(), f))));
        for time in ["created_at", "updated_at"] {
            properties.insert(time.into(), json!({"type": "string", "format": "date-time"}));
        }
        properties.insert("created_by".into(), json!({"type": ["string", "null"], "description": "The member who made it."}));
        properties.insert("version".into(), json!({"type": "integer", "minimum": 1}));
        let refs = self.fields.iter().filter(|f| matches!(f.kind, Kind::Ref { .. } | Kind::User));
        let title = json!({"type": ["object", "null"], "properties": {"id": id(), "title": {"type": ["string", "null"]}}});
        let expanded: Map<String, Value> = refs.map(|f| (f.name.clone(), title.clone())).collect();
        if !expanded.is_empty() {
            properties.insert(
                "expanded".into(),
                json!({"type": "object", "description": "Titles of references, when asked for by `expand`.", "properties": expanded}),
            );
        }
        json!({"type": "object", "title": self.label, "required": SYSTEM, "properties": properties, "additionalProperties": false})
    }
    /// JSON Schema of the body of a create.
    pub fn create_schema(&self) -> Value {
        let required: Vec<&str> = self.fields.iter().filter(|f| f.required && f.default.is_none()).map(|f| f.name.as_str()).collect();
        let mut schema = self.input_schema();
        put(&mut schema, "required", json!(required));
        schema
    }
    /// JSON Schema of the body of an update: a JSON merge patch.
    pub fn patch_schema(&self) -> Value {
        self.input_schema()
    }
    /// JSON Schema of a page; `record` is a reference to the record's schema.
    pub fn list_schema(&self, record: &str) -> Value {
        json!({
            "type": "object",
            "required": ["items", "next"],
            "properties": {
                "items": {"type": "array", "items": {"$ref": record}},
                "next": {"type": ["string", "null"], "description": "Give it as `cursor` for the next page; null on the last."},
                "total": {"type": "integer", "description": "All that the filter finds, when asked for by `count=true`."},
            },
        })
    }
    fn input_schema(&self) -> Value {
        let properties: Map<String, Value> = self.fields.iter().map(|f| (f.name.clone(), nullable(f.input(), f))).collect();
        json!({"type": "object", "properties": properties, "additionalProperties": false})
    }
}

impl Field {
    fn meta(&self, slot: usize, rights: &Rights<'_>) -> Value {
        let readable = (rights.readable)(slot);
        let mut meta = json!({
            "type": self.kind.name(), "label": self.label, "required": self.required, "unique": self.unique, "search": self.search,
            "readable": readable, "writable": (rights.writable)(slot), "filterable": readable, "sortable": readable && self.sort_column().is_some(),
        });
        match &self.kind {
            Kind::Text { min, max } => {
                put(&mut meta, "min", (*min).into());
                put(&mut meta, "max", (*max).into());
            }
            Kind::Integer { min, max } => {
                put(&mut meta, "min", (*min).into());
                put(&mut meta, "max", (*max).into());
            }
            Kind::Choice { options } => put(&mut meta, "options", options.iter().map(|o| json!({"value": o.value, "label": o.label})).collect()),
            Kind::Tags { max, .. } => put(&mut meta, "max", (*max).into()),
            Kind::Ref { to, on_delete } => {
                put(&mut meta, "to", to.as_str().into());
                put(&mut meta, "on_delete", on_delete.name().into());
            }
            Kind::Email | Kind::Url | Kind::Phone | Kind::Boolean | Kind::Date | Kind::Datetime | Kind::User | Kind::Money => {}
        }
        match &self.default {
            Some(Default::Cell(cell)) => put(&mut meta, "default", self.plain(cell)),
            Some(Default::Actor) => put(&mut meta, "default", "actor.id".into()),
            Some(Default::Now) => put(&mut meta, "default", "now".into()),
            None => {}
        }
        meta
    }
    fn plain(&self, cell: &Cell) -> Value {
        let mut out = Vec::new();
        self.write_cell(cell, &mut out);
        serde_json::from_slice(&out).unwrap_or(Value::Null)
    }
    /// JSON Schema of the value as it is answered.
    fn schema(&self) -> Value {
        let mut schema = match &self.kind {
            Kind::Text { max, .. } => json!({"type": "string", "maxLength": max}),
            Kind::Email => json!({"type": "string", "format": "email"}),
            Kind::Url => json!({"type": "string", "format": "uri"}),
            Kind::Phone => json!({"type": "string"}),
            Kind::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
            Kind::Boolean => json!({"type": "boolean"}),
            Kind::Date => json!({"type": "string", "format": "date"}),
            Kind::Datetime => json!({"type": "string", "format": "date-time"}),
            Kind::Choice { options } => json!({"type": "string", "enum": options.iter().map(|o| &o.value).collect::<Vec<_>>()}),
            Kind::Tags { max, .. } => json!({"type": "array", "items": {"type": "string"}, "maxItems": max}),
            Kind::Ref { to, .. } => json!({"type": "string", "format": "uuid", "description": format!("The id of one of {to}.")}),
            Kind::User => json!({"type": "string", "format": "uuid", "description": "The id of a member."}),
            Kind::Money => money(),
        };
        put(&mut schema, "title", self.label.as_str().into());
        schema
    }
    /// JSON Schema of what is accepted, where that is wider than what is answered.
    fn input(&self) -> Value {
        match &self.kind {
            Kind::Money => json!({
                "title": self.label,
                "oneOf": [money(), {"type": "number", "description": "The amount in the company's currency, 12.5 for 12.50."}],
            }),
            Kind::Url => json!({"title": self.label, "type": "string", "description": "A host standing alone gets https://."}),
            _ => self.schema(),
        }
    }
}

impl OnDelete {
    pub fn name(self) -> &'static str {
        match self {
            OnDelete::Restrict => "restrict",
            OnDelete::Clear => "clear",
            OnDelete::Cascade => "cascade",
        }
    }
}

fn id() -> Value {
    json!({"type": "string", "format": "uuid"})
}

fn money() -> Value {
    json!({
        "type": "object",
        "required": ["minor"],
        "properties": {
            "minor": {"type": "integer", "description": "In the smallest unit of the currency."},
            "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        },
        "additionalProperties": false,
    })
}

/// The same schema that also allows null; tags are an empty array instead.
fn nullable(mut schema: Value, field: &Field) -> Value {
    if matches!(field.kind, Kind::Tags { .. }) {
        return schema;
    }
    if let Some(ty) = schema.get("type").cloned() {
        put(&mut schema, "type", json!([ty, "null"]));
    }
    for list in ["enum", "oneOf"] {
        let null = if list == "enum" { Value::Null } else { json!({"type": "null"}) };
        if let Some(values) = schema.get_mut(list).and_then(Value::as_array_mut) {
            values.push(null);
        }
    }
    schema
}

/// Puts a member into an object.
pub(super) fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
