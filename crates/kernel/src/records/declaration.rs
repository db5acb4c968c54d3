//! `resources/<plural>.json` as it is written. The JSON Schema has checked its shape before this is read.

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
pub struct Declaration {
    pub name: String,
    pub plural: String,
    pub label: Option<String>,
    pub labels: Option<String>,
    pub icon: Option<String>,
    pub title: String,
    /// In the order of the file.
    pub fields: Map<String, Value>,
    pub states: Option<StatesDeclaration>,
    #[serde(default)]
    pub indexes: Vec<Vec<String>>,
    #[serde(default)]
    pub views: ViewsDeclaration,
}

#[derive(Debug, Deserialize)]
pub struct FieldDeclaration {
    #[serde(rename = "type")]
    pub kind: String,
    pub label: Option<String>,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub unique: bool,
    #[serde(default)]
    pub search: bool,
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub default: Option<Value>,
    #[serde(default)]
    pub options: Vec<OptionDeclaration>,
    pub to: Option<String>,
    pub on_delete: Option<String>,
    pub read: Option<String>,
    pub write: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum OptionDeclaration {
    Value(String),
    Labelled { value: String, label: String },
}

#[derive(Debug, Deserialize)]
pub struct StatesDeclaration {
    pub field: String,
    pub moves: Vec<MoveDeclaration>,
}

#[derive(Debug, Deserialize)]
pub struct MoveDeclaration {
    pub name: String,
    pub label: Option<String>,
    pub event: Option<String>,
    pub from: Vec<String>,
    pub to: String,
    pub when: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub struct ViewsDeclaration {
    #[serde(default)]
    pub list: Vec<String>,
    pub board: Option<String>,
}

/// `key_people` as people read it: "Key people".
pub fn humanise(name: &str) -> String {
    let text = name.replace('_', " ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
