//! What an expression means, told by example; and the SQL it becomes, which indexes depend on.

use crate::world::{Thing, actor, schema};
use base::Value;
use expr::{Actor, Cell, Expr, Record, Sql};

fn holds(text: &str, thing: &Thing) -> bool {
    Expr::parse(text, &schema()).unwrap_or_else(|fault| panic!("{text}: {fault}")).holds(thing, &actor())
}

fn deal() -> Thing {
    Thing {
        name: Some("Größe 50%".into()),
        stage: Some("won".into()),
        owner: Some("m1".into()),
        active: Some(true),
        count: Some(3),
        closes: Some("2026-11-20".into()),
        seen: Some(1_795_000_000_000_000),
        price: Some(1250),
        amount: Some((150_000, "EUR".into())),
        tags: vec!["key".into(), "new".into()],
    }
}

#[test]
fn a_record_is_asked_in_the_words_of_its_fields() {
    for text in [
        "stage == \"won\" && amount.minor > 1000",
        "record.stage == 'won' && record.amount.currency in [\"EUR\", \"USD\"]",
        "active",
        "!(count >= 4)",
        "owner == actor.id && \"manager\" in actor.roles && tenant.slug == \"won\"",
        "\"key\" in tags && !(\"old\" in tags) && size(tags) == 2",
        "closes >= \"2026-11-01\" && closes < \"2026-12-01\"",
        "seen <= now && seen > timestamp(\"2026-01-01T00:00:00+01:00\")",
        "price == 12.5 && price == \"12.50\" && price > 12 && price in [1, 12.5]",
        "name.contains(\"50%\") && name.startsWith(\"Gr\") && name.endsWith(\"%\") && size(name) == 9 && name.size() == 9",
        "!name.contains(\"größe\") && !name.startsWith(\"gr\")",
        "has(record.amount) && amount != null // a remark",
        "stage == \"lost\" || (stage in [\"won\"] && (active))",
        "\"w\\u006fn\" == stage",
    ] {
        assert!(holds(text, &deal()), "{text}");
    }
}

#[test]
fn missing_data_never_grants() {
    let nothing = Thing::default();
    for text in [
        "stage == \"won\"",
        "stage < \"won\"",
        "!(stage < \"won\")",
        "active",
        "!active",
        "stage.contains(\"\")",
        "!stage.contains(\"x\")",
        "size(stage) == 0",
        "!(size(stage) == 0)",
        "has(record.stage)",
        "has(amount.currency)",
        "\"x\" in tags",
        "amount.minor > 0 || amount.minor <= 0",
        "owner == actor.id",
    ] {
        assert!(!holds(text, &nothing), "{text}");
    }
}

#[test]
fn equality_and_membership_always_answer() {
    let nothing = Thing::default();
    for text in [
        "stage == null && null == amount && tags == null",
        "stage != \"won\"",
        "!(stage == \"won\")",
        "!(stage in [\"won\", \"lost\"])",
        "stage in [\"won\", null]",
        "stage == owner",
        "!has(record.stage)",
        "!(stage in tags)",
        "size(tags) == 0",
        "count < 1 || stage == null",
        "!(count < 1 && stage != null)",
    ] {
        assert!(holds(text, &nothing), "{text}");
    }
}

#[test]
fn an_update_is_asked_about_both_sides() {
    struct Update(Thing, Thing);
    impl Record for Update {
        fn cell(&self, slot: usize) -> Cell<'_> {
            self.1.cell(slot)
        }
        fn before(&self, slot: usize) -> Cell<'_> {
            self.0.cell(slot)
        }
    }
    let expr = Expr::parse("before.stage != \"lost\" && stage == \"won\" && !has(before.owner)", &schema().with_before()).unwrap();
    let before = Thing { stage: Some("lead".into()), ..Thing::default() };
    assert!(expr.holds(&Update(before, deal()), &actor()));
    assert!(!expr.holds(&Update(deal(), deal()), &actor()));
    assert_eq!(expr.fields(), ["owner", "stage"]);
    assert!(expr.asks_before());
    let mut sql = Sql::new();
    expr.to_sql(&actor(), &mut sql);
    assert!(sql.text.contains("(NULL = TRUE)"), "rows have no past: {}", sql.text);
}

#[test]
fn a_record_that_breaks_its_schema_is_unknown() {
    struct Broken;
    impl Record for Broken {
        fn cell(&self, _: usize) -> Cell<'_> {
            Cell::Int(7)
        }
    }
    for text in ["stage != \"won\"", "!(stage == \"won\")", "active", "!active", "!(\"x\" in tags)", "!(amount.currency == \"EUR\")"] {
        assert!(!Expr::parse(text, &schema()).unwrap().holds(&Broken, &actor()), "{text}");
    }
}

fn sql(text: &str) -> (String, Vec<Value<'static>>) {
    let mut sql = Sql::new();
    Expr::parse(text, &schema()).unwrap().to_sql(&actor(), &mut sql);
    (sql.text.replace("\"things\".", "").replace('"', ""), sql.params)
}

#[test]
fn sql_stays_plain_where_an_index_could_serve_it() {
    for (text, expected) in [
        ("stage == \"won\"", "(stage = ?1)"),
        ("!(stage == \"won\")", "(NOT (stage IS NOT DISTINCT FROM ?1))"),
        ("stage != \"won\"", "(stage IS DISTINCT FROM ?1)"),
        ("stage == owner", "(stage IS NOT DISTINCT FROM owner)"),
        ("stage in [\"won\", \"lost\"]", "(stage IN (?1, ?2))"),
        ("!(stage in [\"won\", \"lost\"])", "(NOT (stage IS NOT NULL AND stage IN (?1, ?2)))"),
        ("stage in []", "(FALSE)"),
        ("stage == null || has(record.amount)", "((stage IS NULL) OR (amount_minor IS NOT NULL))"),
        ("active && !active", "((active = TRUE) AND (NOT (active = TRUE)))"),
        ("name.startsWith(\"az\")", "(name >= ?1 AND name < ?2)"),
        ("name.contains(\"a\")", "(replace(name, CAST(?1 AS TEXT), '') <> name)"),
        ("name.contains(\"\")", "(name = name)"),
        ("\"key\" in tags", "(EXISTS (SELECT 1 FROM things__tags WHERE things__tags.id = id AND things__tags.value = ?1))"),
        ("size(tags) > 1", "((SELECT count(*) FROM things__tags WHERE things__tags.id = id) > ?1)"),
        ("size(name) > 1", "(CAST(length(name) AS BIGINT) > ?1)"),
        ("\"manager\" in actor.roles && stage == \"won\"", "(stage = ?1)"),
        ("\"owner\" in actor.roles && stage == \"won\"", "(FALSE)"),
        ("\"owner\" in actor.roles || stage == \"won\"", "(stage = ?1)"),
        ("owner in actor.roles", "(owner IN (?1, ?2))"),
        ("true", "(TRUE)"),
        ("now < timestamp(\"2020-01-01T00:00:00Z\")", "(FALSE)"),
        ("amount.minor >= 5 && amount.currency == \"EUR\"", "((amount_minor >= ?1) AND (amount_currency = ?2))"),
    ] {
        assert_eq!(sql(text).0, expected, "{text}");
    }
}

#[test]
fn literals_arrive_as_their_column_stores_them() {
    let (_, params) = sql("price < 12.5 && seen > timestamp(\"1970-01-01T00:00:01Z\") && name.startsWith(\"a\u{10ffff}\") && active == false");
    assert_eq!(params, [Value::Int(1250), Value::Int(1_000_000), "a\u{10ffff}".into(), "b".into(), Value::Bool(false)]);
}

#[test]
fn numbers_go_on_from_the_parameters_that_are_there() {
    let mut sql = Sql::new();
    sql.push("x = ").bind(1_i64).push(" AND ");
    Expr::parse("stage == \"won\"", &schema()).unwrap().to_sql(&actor(), &mut sql);
    assert_eq!(sql.text, "x = ?1 AND (\"things\".\"stage\" = ?2)");
    assert_eq!(sql.params, [Value::Int(1), "won".into()]);
}

#[test]
fn nobody_is_the_owner_of_what_has_no_owner() {
    let nobody = Actor { id: String::new(), ..actor() };
    let expr = Expr::parse("owner == actor.id", &schema()).unwrap();
    assert!(!expr.holds(&Thing::default(), &nobody));
}
