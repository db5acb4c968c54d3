use super::*;
use serde_json::json as j;

fn plan(fields: &str) -> Plan {
    let text =
        format!(r#"{{"name": "thing", "plural": "things", "title": "{{name}}", "fields": {{"name": {{"type": "text", "max": 50}}{fields}}}}}"#);
    Plan::compile("lab", &text).unwrap_or_else(|f| panic!("{f:?}"))
}

fn way(from: &Plan, to: &Plan) -> base::Result<Migration> {
    migrate(&[to], &[], &columns(&[from], 0))
}

#[test]
fn nothing_changed_means_nothing_to_do() {
    assert!(way(&every(), &every()).unwrap().is_empty());
    assert_eq!(migrate(&[&every()], &[], &j!({})).unwrap().ddl, install(&[&every()]));
}

#[test]
fn new_fields_come_with_their_defaults_and_indexes() {
    let new = plan(
        r#", "stage": {"type": "choice", "options": ["o'k"], "required": true, "default": "o'k"}, "topics": {"type": "tags"}, "price": {"type": "money"}"#,
    );
    let steps = way(&plan(""), &new).unwrap();
    assert_eq!(
        steps.ddl,
        [
            r#"ALTER TABLE "lab_things" ADD COLUMN "stage" TEXT DEFAULT 'o''k'"#,
            r#"CREATE TABLE "lab_things__topics" ("id" TEXT NOT NULL REFERENCES "lab_things" ("id") ON DELETE CASCADE, "value" TEXT NOT NULL, PRIMARY KEY ("id", "value"))"#,
            r#"ALTER TABLE "lab_things" ADD COLUMN "price_minor" BIGINT"#,
            r#"ALTER TABLE "lab_things" ADD COLUMN "price_currency" TEXT"#,
        ]
    );
    assert_eq!(steps.indexes.len(), 2);
}

#[test]
fn a_text_that_becomes_sortable_gets_its_keys() {
    let old = plan("");
    let new = Plan::compile(
        "lab",
        r#"{"name": "thing", "plural": "things", "title": "{name}", "fields": {"name": {"type": "text", "max": 50}}, "views": {"list": ["name"]}}"#,
    )
    .unwrap();
    let steps = way(&old, &new).unwrap();
    assert_eq!(steps.ddl, [r#"ALTER TABLE "lab_things" ADD COLUMN "name_key" TEXT"#]);
    assert_eq!(steps.folds, [("lab_things".to_owned(), "name".to_owned(), "name_key".to_owned())]);
    assert_eq!(steps.indexes, [r#"CREATE INDEX "lab_things_name_key_ix" ON "lab_things" ("name_key", "id")"#]);
}

#[test]
fn what_would_lose_or_narrow_data_is_refused() {
    let x = |x: &str| plan(&format!(r#", "x": {{{x}}}"#));
    let cases = [
        (x(r#""type": "text""#), plan(""), "the field is gone"),
        (x(r#""type": "text""#), x(r#""type": "integer""#), "its type changed"),
        (x(r#""type": "text", "max": 50"#), x(r#""type": "text", "max": 49"#), "limits became narrower"),
        (x(r#""type": "integer", "min": 1"#), x(r#""type": "integer", "min": 2"#), "limits became narrower"),
        (x(r#""type": "text", "max": 50"#), x(r#""type": "text", "max": 50, "required": true"#), "became required"),
        (x(r#""type": "text", "max": 50"#), x(r#""type": "text", "max": 50, "unique": true"#), "became unique"),
        (x(r#""type": "choice", "options": ["a", "b"]"#), x(r#""type": "choice", "options": ["a"]"#), "lost an option"),
        (x(r#""type": "ref", "to": "lab.things""#), x(r#""type": "ref", "to": "lab.others""#), "refers to something else"),
        (plan(""), x(r#""type": "text", "required": true"#), "needs a default"),
        (plan(""), x(r#""type": "user", "required": true, "default": "actor.id""#), "needs a default"),
    ];
    for (from, to, why) in &cases {
        let error = way(from, to).unwrap_err();
        assert!(error.detail().contains(why), "{why}: {}", error.detail());
    }
    assert!(way(&x(r#""type": "text", "max": 50"#), &x(r#""type": "text", "max": 51"#)).unwrap().is_empty());
    assert!(migrate(&[], &[], &columns(&[&every()], 0)).unwrap_err().detail().contains("the resource is gone"));
}
