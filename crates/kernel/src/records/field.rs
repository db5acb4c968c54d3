use base::Value;

/// One declared field of a resource, compiled: what it holds, which columns it stands in, which rules it obeys.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    /// What people read: "Key people".
    pub label: String,
    pub kind: Kind,
    pub required: bool,
    pub unique: bool,
    /// Its words are found by the search.
    pub search: bool,
    /// Shown in the default list, and therefore indexed.
    pub listed: bool,
    pub default: Option<Default>,
    /// The column of folded text beside it, by which it is sorted, compared case-blind and kept unique.
    pub key: Option<String>,
    /// A permission of its own that reading the field needs, such as `crm.deals:see_amount`.
    pub read: Option<String>,
    /// A permission of its own that writing the field needs.
    pub write: Option<String>,
    /// The first of its columns in `Plan::columns` (tags have one too: the side table's values joined).
    pub(super) offset: usize,
    /// `,"name":` as it stands in JSON.
    pub(super) json: Vec<u8>,
}

/// The type of a field with the rules that only this type has.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Text {
        min: usize,
        max: usize,
    },
    Email,
    Url,
    Phone,
    Integer {
        min: i64,
        max: i64,
    },
    Boolean,
    Date,
    Datetime,
    Choice {
        options: Vec<Choice>,
    },
    /// At most `max` texts, kept sorted, each once, in a side table.
    Tags {
        max: usize,
        table: String,
    },
    /// The id of a record of the resource `to`, such as `crm.companies`.
    Ref {
        to: String,
        on_delete: OnDelete,
    },
    User,
    Money,
}

/// One value that a choice field may hold, and what people read instead of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

/// What happens to a record when the record it refers to is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDelete {
    /// The other record cannot be deleted while this one refers to it.
    Restrict,
    /// The reference becomes null, by an update with its event.
    Clear,
    /// This record is deleted too, with its event.
    Cascade,
}

/// What a new record holds where nothing was given.
#[derive(Debug, Clone, PartialEq)]
pub enum Default {
    Cell(super::Cell),
    /// `"actor.id"`: the member who creates it.
    Actor,
    /// `"now"`: the moment, or today's date.
    Now,
}

impl Kind {
    /// The word in the declaration, in `/meta` and in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Text { .. } => "text",
            Kind::Email => "email",
            Kind::Url => "url",
            Kind::Phone => "phone",
            Kind::Integer { .. } => "integer",
            Kind::Boolean => "boolean",
            Kind::Date => "date",
            Kind::Datetime => "datetime",
            Kind::Choice { .. } => "choice",
            Kind::Tags { .. } => "tags",
            Kind::Ref { .. } => "ref",
            Kind::User => "user",
            Kind::Money => "money",
        }
    }
    /// Stored as one TEXT column that a `_key` column may stand beside.
    pub fn is_words(&self) -> bool {
        matches!(self, Kind::Text { .. } | Kind::Email | Kind::Url | Kind::Phone)
    }
}

impl Field {
    /// The column that orders rows by this field, or nothing where no order makes sense or none is kept.
    pub fn sort_column(&self) -> Option<String> {
        match &self.kind {
            Kind::Text { .. } | Kind::Email | Kind::Url | Kind::Phone => self.key.clone(),
            Kind::Money => Some(format!("{}_minor", self.name)),
            Kind::Tags { .. } => None,
            Kind::Integer { .. } | Kind::Boolean | Kind::Date | Kind::Datetime | Kind::Choice { .. } | Kind::Ref { .. } | Kind::User => {
                Some(self.name.clone())
            }
        }
    }
    /// Its columns in the resource's own table with their portable types, without the key column.
    pub fn columns(&self) -> Vec<(String, &'static str)> {
        match &self.kind {
            Kind::Integer { .. } | Kind::Datetime => vec![(self.name.clone(), "BIGINT")],
            Kind::Boolean => vec![(self.name.clone(), "BOOLEAN")],
            Kind::Money => vec![(format!("{}_minor", self.name), "BIGINT"), (format!("{}_currency", self.name), "TEXT")],
            Kind::Tags { .. } => Vec::new(),
            Kind::Text { .. } | Kind::Email | Kind::Url | Kind::Phone | Kind::Date | Kind::Choice { .. } | Kind::Ref { .. } | Kind::User => {
                vec![(self.name.clone(), "TEXT")]
            }
        }
    }
    /// The folded text under which `cell` is looked up, for an import key or a unique field.
    pub fn key_of(&self, cell: &super::Cell) -> Value<'static> {
        match (cell.text(), &self.key) {
            (Some(text), Some(_)) => Value::from(super::values::fold_key(text)),
            (Some(text), None) => Value::from(text.to_owned()),
            (None, _) => cell.value().into_owned(),
        }
    }
}
