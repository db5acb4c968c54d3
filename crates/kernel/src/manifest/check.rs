use super::{
    ManifestFault,
    lines::{Lines, step},
    meant,
};
use jsonschema::{Validator, error::ValidationErrorKind};
use serde_json::Value;
use std::sync::LazyLock;

/// A file while it is checked: its value, where things stand in it, and what was found wrong so far.
pub struct Checked {
    pub file: String,
    pub value: Value,
    lines: Lines,
    pub faults: Vec<ManifestFault>,
}

/// One of the two committed schemas with its compiled form.
pub struct FileSchema {
    json: Value,
    validator: Validator,
}

#[expect(clippy::expect_used, reason = "the schemas are part of the binary; the test below compiles them")]
fn load(text: &str) -> FileSchema {
    let json: Value = serde_json::from_str(text).expect("committed schema is JSON");
    let validator = jsonschema::validator_for(&json).expect("committed schema is a schema");
    FileSchema { json, validator }
}

pub static MANIFEST: LazyLock<FileSchema> = LazyLock::new(|| load(include_str!("../../schema/manifest.schema.json")));
pub static RESOURCE: LazyLock<FileSchema> = LazyLock::new(|| load(include_str!("../../schema/resource.schema.json")));

/// Types that the design names and that this version does not know yet.
const LATER: [&str; 10] = ["markdown", "decimal", "refs", "json", "file", "geo", "code", "computed", "secret", "object"];

impl Checked {
    /// Parses `text` and checks it against `schema`. Text that is no JSON at all is the only fault then.
    pub fn read(file: &str, text: &str, schema: &FileSchema) -> Result<Checked, Vec<ManifestFault>> {
        let value: Value = serde_json::from_str(text)
            .map_err(|e| vec![ManifestFault { file: file.to_owned(), line: e.line(), message: format!("This is not JSON: {e}."), hint: None }])?;
        let mut checked = Checked { file: file.to_owned(), value, lines: Lines::scan(text), faults: Vec::new() };
        for (pointer, line) in std::mem::take(&mut checked.lines.twice) {
            let name = pointer.rsplit('/').next().unwrap_or_default();
            checked.faults.push(ManifestFault { file: file.to_owned(), line, message: format!("{name:?} stands here twice."), hint: None });
        }
        let value = std::mem::take(&mut checked.value);
        for error in schema.validator.iter_errors(&value) {
            checked.translate(&error, schema);
        }
        checked.value = value;
        Ok(checked)
    }
    /// Adds a fault at a JSON pointer.
    pub fn fault(&mut self, pointer: &str, message: impl Into<String>, hint: Option<String>) {
        self.faults.push(ManifestFault { file: self.file.clone(), line: self.lines.of(pointer), message: message.into(), hint });
    }
    /// The value, or everything that is wrong with it, by file and line.
    pub fn done<T>(mut self, value: T) -> Result<T, Vec<ManifestFault>> {
        self.faults.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        if self.faults.is_empty() { Ok(value) } else { Err(self.faults) }
    }

    /// Says what jsonschema found in the words of somebody who writes manifests.
    fn translate(&mut self, error: &jsonschema::ValidationError<'_>, schema: &FileSchema) {
        let at = error.instance_path().as_str();
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let known = siblings(&schema.json, error.schema_path().as_str());
                for name in unexpected {
                    let hint = known_hint(name, &known);
                    self.fault(&format!("{at}/{}", step(name)), format!("Unknown key {name:?}."), Some(hint));
                }
            }
            ValidationErrorKind::Required { property } => self.fault(at, format!("{} is missing here.", property), None),
            ValidationErrorKind::Enum { options } => {
                let given = error.instance().as_str().unwrap_or_default().to_owned();
                let options: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                if at.ends_with("/type") && LATER.contains(&given.as_str()) {
                    self.fault(at, format!("The field type {given:?} is not yet available."), Some(format!("Available: {}.", options.join(", "))));
                } else {
                    self.fault(at, format!("{} is not known here.", error.instance()), Some(known_hint(&given, &options)));
                }
            }
            ValidationErrorKind::PropertyNames { error } => {
                let name = error.instance().as_str().unwrap_or_default().to_owned();
                self.fault(&format!("{at}/{}", step(&name)), spelling(&name), None);
            }
            ValidationErrorKind::Pattern { .. } if error.instance().as_str().is_some_and(|s| s.len() < 80) => {
                let given = error.instance().as_str().unwrap_or_default().to_owned();
                self.fault(at, spelling(&given), error.schema_path().as_str().rsplit('/').nth(1).and_then(example).map(str::to_owned));
            }
            _ => self.fault(at, format!("{error}."), None),
        }
    }
}

fn spelling(name: &str) -> String {
    format!(
        "{name:?} is not spelled as it must be here: lower-case letters, digits and _, a letter first, modules and resources up to 20 characters, fields up to 30."
    )
}

fn example(kind: &str) -> Option<&'static str> {
    match kind {
        "version" => Some("A version is written 1.2.3."),
        "permission" => Some("A permission is written crm.deals:read."),
        "event" => Some("An event type is written crm.deal.won."),
        "to" => Some("A resource is written crm.companies."),
        _ => None,
    }
}

fn known_hint(word: &str, known: &[&str]) -> String {
    meant(word, known.iter().copied()).unwrap_or_else(|| format!("Known: {}.", known.join(", ")))
}

/// The keys that the object schema allows whose `additionalProperties` failed.
fn siblings<'a>(schema: &'a Value, path: &str) -> Vec<&'a str> {
    let object = path.strip_suffix("/additionalProperties").unwrap_or(path);
    let properties = schema.pointer(object).and_then(|s| s.get("properties")).and_then(Value::as_object);
    properties.into_iter().flat_map(|p| p.keys()).map(String::as_str).filter(|k| !k.starts_with('$')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        Checked::read("resources/deals.json", text, &RESOURCE).map_or_else(|f| f, |c| c.faults).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest_one() {
        let text = "{\n \"name\": \"deal\", \"plural\": \"deals\", \"title\": \"{name}\",\n \"fields\": {\n  \"name\": {\"type\": \"text\",\n   \"requred\": true}\n }\n}";
        assert_eq!(faults(text), ["resources/deals.json:5: Unknown key \"requred\". Did you mean \"required\"?"]);
    }

    #[test]
    fn a_type_of_later_versions_is_refused_as_such() {
        let text = r#"{"name": "deal", "plural": "deals", "title": "{name}", "fields": {"name": {"type": "markdown"}}}"#;
        let found = faults(text);
        assert!(found[0].contains("\"markdown\" is not yet available"), "{found:?}");
        let text = text.replace("markdown", "txet");
        assert!(faults(&text)[0].ends_with("Did you mean \"text\"?"), "{:?}", faults(&text));
    }

    #[test]
    fn text_that_is_no_json_names_the_line() {
        assert!(faults("{\n\n  \"name\" 3}")[0].starts_with("resources/deals.json:3: This is not JSON"));
    }

    #[test]
    fn names_are_checked_where_they_stand() {
        let text = "{\"name\": \"deal\", \"plural\": \"Deals\", \"title\": \"x\",\n \"fields\": {\"na-me\": {\"type\": \"text\"}}}";
        let found = faults(text);
        assert!(found.iter().any(|f| f.starts_with("resources/deals.json:1: \"Deals\" is not spelled")), "{found:?}");
        assert!(found.iter().any(|f| f.starts_with("resources/deals.json:2: \"na-me\" is not spelled")), "{found:?}");
    }
}
