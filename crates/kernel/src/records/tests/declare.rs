use super::*;

fn faults(json: &str) -> Vec<String> {
    match Plan::compile("lab", json) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

/// A resource with these fields and this rest.
fn with(fields: &str, rest: &str) -> String {
    format!(
        "{{\"name\": \"thing\", \"plural\": \"things\", \"title\": \"{{name}}\",\n\"fields\": {{\"name\": {{\"type\": \"text\"}},\n{fields}}}{rest}}}"
    )
}

#[test]
fn a_wrong_declaration_is_refused_with_its_line() {
    let wrong = [
        (r#""before": {"type": "text"}"#, "", "resources/things.json:3: \"before\" is a word of the system"),
        (r#""id": {"type": "text"}"#, "", "\"id\" is a word of the system"),
        (r#""in": {"type": "text"}"#, "", "\"in\" is a word of the system"),
        (r#""x": {"type": "decimal"}"#, "", "\"decimal\" is not yet available. Available: text, email"),
        (r#""x": {"type": "choice"}"#, "", "A choice has options."),
        (r#""x": {"type": "text", "unique": true}"#, "", "A unique text has a max of at most 200."),
        (r#""x": {"type": "url"}"#, ",\n\"indexes\": [[\"x\"]]", "A field of type url cannot stand in an index."),
        (r#""x": {"type": "boolean", "max": 3}"#, "", "A field of type boolean has no \"max\"."),
        (r#""x": {"type": "integer", "min": 3, "max": 1}"#, "", "min is greater than max."),
        (r#""x": {"type": "integer", "max": 1, "default": 2}"#, "", "The default does not fit the field. At most 1."),
        (r#""x": {"type": "ref"}"#, "", "A ref says where it points"),
        (r#""x": {"type": "ref", "to": "lab.things", "on_delete": "clear", "required": true}"#, "", "A required reference cannot be cleared"),
        (r#""x": {"type": "money"}, "x_minor": {"type": "integer"}"#, "", "\"x_minor\" is a column of the field \"x\""),
        (r#""a_name_of_more_than_thirty_chars": {"type": "text"}"#, "", "is not spelled as it must be here"),
        (
            r#""x": {"type": "text"}"#,
            ",\n\"views\": {\"list\": [\"nmae\"]}",
            "resources/things.json:4: There is no field \"nmae\". Did you mean \"name\"?",
        ),
        (r#""x": {"type": "text"}"#, ",\n\"views\": {\"board\": \"x\"}", "\"x\" is no choice field."),
        (r#""x": {"type": "tags"}"#, ",\n\"indexes\": [[\"x\"]]", "A field of type tags cannot stand in an index."),
        (r#""x": {"type": "text"}"#, ",\n\"indexes\": [[\"x\"]]", "A text in an index has a max of 200"),
        (r#""x": {"type": "text", "type": "text"}"#, "", "\"type\" stands here twice."),
        (r#""x": {"type": "text"}"#, ",\n\"viws\": {}", "resources/things.json:4: Unknown key \"viws\". Did you mean \"views\"?"),
    ];
    for (fields, rest, message) in wrong {
        let found = faults(&with(fields, rest));
        assert!(found.iter().any(|f| f.contains(message)), "{fields} {rest}: {found:#?}");
    }
    assert_eq!(faults(&with(r#""x": {"type": "text"}"#, "")), Vec::<String>::new());
}

#[test]
fn states_and_their_conditions_are_checked() {
    let field = r#""stage": {"type": "choice", "options": ["open", "done"], "default": "open"}"#;
    let moves = |m: &str| with(field, &format!(",\n\"states\": {{\"field\": \"stage\",\n\"moves\": [{m}]}}"));
    assert_eq!(faults(&moves(r#"{"name": "finish", "from": ["open"], "to": "done"}"#)), Vec::<String>::new());
    let found = faults(&moves("\n{\"name\": \"finish\", \"from\": [\"opne\"], \"to\": \"done\",\n\"when\": \"name == \\\"x\\\" && nmae == 1\"}"));
    assert!(found[0].contains("things.json:6: \"opne\" is no option of stage. Did you mean \"open\"?"), "{found:#?}");
    assert!(found[1].contains("things.json:7:") && found[1].contains("column 16"), "{found:#?}");
    assert!(faults(&moves(r#"{"name": "delete", "from": ["open"], "to": "done"}"#))[0].contains("The verb \"delete\" is taken."));
    let found = faults(&with(r#""stage": {"type": "choice", "options": ["open"]}"#, r#", "states": {"field": "stage", "moves": []}"#));
    assert!(found[0].contains("A state field has a default"), "{found:#?}");
}

#[test]
fn a_title_names_fields_that_can_be_read() {
    let title = |title: &str| {
        faults(&format!(
            "{{\"name\": \"t\", \"plural\": \"ts\", \"title\": {title:?}, \"fields\": {{\"name\": {{\"type\": \"text\"}}, \"tags\": {{\"type\": \"tags\"}}}}}}"
        ))
    };
    assert!(title("{name} ({name})").is_empty());
    for (wrong, message) in [("plain", "at least one field"), ("{nobody}", "no field \"nobody\""), ("{name", "not closed"), ("{tags}", "type tags")] {
        assert!(title(wrong)[0].contains(message), "{wrong}: {:?}", title(wrong));
    }
}

#[test]
fn tables_and_indexes_follow_from_the_declaration() {
    let plan = every();
    let ddl = install(&[&plan]).join(";\n");
    for part in [
        r#"CREATE TABLE "lab_things" ("id" TEXT NOT NULL PRIMARY KEY, "created_at" BIGINT NOT NULL"#,
        r#""name" TEXT, "name_key" TEXT, "mail" TEXT, "mail_key" TEXT, "site" TEXT, "phone" TEXT, "amount_minor" BIGINT, "amount_currency" TEXT"#,
        r#""open" BOOLEAN"#,
        r#""parent" TEXT REFERENCES "lab_things" ("id"), "owner" TEXT REFERENCES "members" ("id")"#,
        r#"CREATE TABLE "lab_things__topics" ("id" TEXT NOT NULL REFERENCES "lab_things" ("id") ON DELETE CASCADE, "value" TEXT NOT NULL, PRIMARY KEY ("id", "value"))"#,
        r#"CREATE UNIQUE INDEX "lab_things_mail_key_uq" ON "lab_things" ("mail_key")"#,
        r#"CREATE INDEX "lab_things_name_key_ix" ON "lab_things" ("name_key", "id")"#,
        r#"CREATE INDEX "lab_things_stage_ix" ON "lab_things" ("stage", "id")"#,
        r#"CREATE INDEX "lab_things_owner_ix" ON "lab_things" ("owner", "id")"#,
        r#"CREATE INDEX "lab_things_stage_born_ix" ON "lab_things" ("stage", "born", "id")"#,
        r#"CREATE INDEX "lab_things__topics_value_ix" ON "lab_things__topics" ("value", "id")"#,
    ] {
        assert!(ddl.contains(part), "{part}\nis not in\n{ddl}");
    }
    assert_eq!(purge(&[&plan]), [r#"DROP TABLE "lab_things__topics""#, r#"DROP TABLE "lab_things""#]);
}
