use super::*;

fn query<'a>(pairs: &[(&'a str, &'a str)]) -> base::Result<Query> {
    Query::parse(&every(), pairs.iter().copied(), &[])
}

fn sql(pairs: &[(&str, &str)], after: Option<&[u8]>) -> Vec<String> {
    let (plan, who) = (every(), me());
    let query = query(pairs).unwrap();
    let select = plan.list(&query, after, &Scope { only: &[], who: &who }, None).unwrap();
    let from = |sql: &str| {
        sql.split_once(" FROM \"lab_things\"").map(|(_, rest)| rest.rsplit(" FROM \"lab_things\"").next().unwrap_or(rest).to_owned()).unwrap()
    };
    select.parts.iter().map(|p| from(&p.rows.sql)).collect()
}

#[test]
fn wrong_parameters_are_told_with_what_was_meant() {
    let wrong = [
        ("filtre", "x", "filtre/unknown"),
        ("filter", "stage ==", "filter/"),
        ("filter", "nobody == 1", "filter/"),
        ("sort", "nmae", "sort/unknown-field"),
        ("sort", "topics", "sort/not-sortable"),
        ("sort", "site", "sort/not-sortable"),
        ("sort", "name,-name", "sort/duplicate"),
        ("sort", "name,rank,born,open", "sort/too-many"),
        ("limit", "201", "limit/limit"),
        ("limit", "0", "limit/limit"),
        ("limit", "x", "limit/limit"),
        ("count", "yes", "count/type"),
        ("fields", "name,nmae", "fields/unknown-field"),
        ("expand", "name", "expand/not-a-reference"),
        ("q", "a\0b", "q/nul"),
    ];
    for (name, value, code) in wrong {
        let found = codes(query(&[(name, value)]));
        assert!(found.len() == 1 && found[0].starts_with(code), "{name}={value}: {found:?}");
    }
    let both = codes(query(&[("limit", "x"), ("sort", "nmae"), ("limit", "1")]));
    assert_eq!(both, ["limit/limit", "sort/unknown-field", "limit/duplicate"]);
}

#[test]
fn what_the_reader_may_not_see_cannot_be_asked_about() {
    let plan = every();
    let shown: Vec<bool> = plan.fields().iter().map(|f| f.name != "amount").collect();
    for (name, value) in [("filter", "amount.minor > 5"), ("filter", "has(record.amount)"), ("sort", "-amount"), ("fields", "amount")] {
        assert!(Query::parse(&plan, [(name, value)], &shown).is_err(), "{name}={value}");
        assert!(Query::parse(&plan, [(name, value)], &[]).is_ok(), "{name}={value}");
    }
    assert!(Aggregate::parse(&plan, br#"{"sum": ["amount"]}"#, &shown).is_err());
    assert!(Aggregate::parse(&plan, br#"{"filter": "amount.minor > 5"}"#, &shown).is_err());
    let query = Query::parse(&plan, [("fields", "name,id")], &shown).unwrap();
    assert_eq!(query.fields.iter().filter(|f| **f).count(), 1);
}

#[test]
fn a_page_continues_in_one_or_two_statements() {
    let id = "0190a5c4-7b1a-7000-8000-000000000009";
    assert_eq!(sql(&[], None), [r#" ORDER BY "id" LIMIT ?1"#]);
    assert_eq!(sql(&[], Some(format!("[\"{id}\"]").as_bytes())), [r#" WHERE ("id" > ?1) ORDER BY "id" LIMIT ?2"#]);
    assert_eq!(sql(&[("sort", "-id")], Some(format!("[\"{id}\",\"{id}\"]").as_bytes())), [r#" WHERE ("id" < ?1) ORDER BY "id" DESC LIMIT ?2"#]);
    let order = r#" ORDER BY "rank" DESC NULLS LAST, "id" DESC NULLS LAST LIMIT"#;
    assert_eq!(
        sql(&[("sort", "-rank")], Some(format!("[5,\"{id}\"]").as_bytes())),
        [format!(r#" WHERE (("rank", "id") < (?1, ?2)){order} ?3"#), format!(r#" WHERE ("rank" IS NULL){order} ?1"#)]
    );
    assert_eq!(
        sql(&[("sort", "-rank")], Some(format!("[null,\"{id}\"]").as_bytes())),
        [format!(r#" WHERE ("rank" IS NULL AND "id" < ?1){order} ?2"#)]
    );
    let order = r#" ORDER BY "name_key" ASC NULLS FIRST, "id" ASC NULLS FIRST LIMIT"#;
    assert_eq!(
        sql(&[("sort", "name")], Some(format!("[null,\"{id}\"]").as_bytes())),
        [format!(r#" WHERE ("name_key" IS NULL AND "id" > ?1){order} ?2"#), format!(r#" WHERE ("name_key" IS NOT NULL){order} ?1"#)]
    );
    let order = r#" ORDER BY "stage" ASC NULLS FIRST, "born" DESC NULLS LAST, "id" DESC NULLS LAST LIMIT"#;
    assert_eq!(
        sql(&[("sort", "stage,-born")], Some(format!("[\"lead\",\"2026-01-01\",\"{id}\"]").as_bytes())),
        [format!(r#" WHERE ("stage" >= ?1 AND ("stage" > ?1 OR ("born" < ?2 OR "born" IS NULL OR ("born" = ?2 AND "id" < ?3)))){order} ?4"#)]
    );
}

#[test]
fn a_cursor_of_another_list_is_refused() {
    let (plan, who) = (every(), me());
    let by_rank = query(&[("sort", "-rank")]).unwrap();
    for bytes in [&b""[..], b"[]", b"[1]", b"[1,2]", b"[\"x\",\"0190a5c4-7b1a-7000-8000-000000000009\"]", b"[1,\"x\"]", b"{}", b"\xff"] {
        let error = plan.list(&by_rank, Some(bytes), &Scope { only: &[], who: &who }, None).unwrap_err();
        assert_eq!(error.faults()[0].code, "cursor");
    }
    assert_ne!(by_rank.binding(), query(&[("sort", "rank")]).unwrap().binding());
    assert_ne!(query(&[("q", "a")]).unwrap().binding(), query(&[("filter", "name == \"a\"")]).unwrap().binding());
}

#[test]
fn grants_are_ored_and_the_filter_is_anded() {
    let (plan, who) = (every(), me());
    let own = plan.expression("owner == actor.id").unwrap();
    let open = plan.expression("open").unwrap();
    let query = query(&[("filter", "rank > 3")]).unwrap();
    let search = Condition { sql: "\"id\" IN (SELECT 1 WHERE ?1 = ?2)".into(), params: vec!["a".into(), "b".into()] };
    let count = plan.count(&query, &Scope { only: &[&own, &open], who: &who }, Some(&search));
    assert_eq!(count.params.len(), 4, "{count:?}");
    assert!(count.sql.starts_with("SELECT COUNT(*) FROM \"lab_things\" WHERE (\"id\" IN (SELECT 1 WHERE ?1 = ?2)) AND ("), "{}", count.sql);
    assert!(count.sql.contains(" OR ") && count.sql.contains("?3") && count.sql.contains("?4"), "{}", count.sql);
}

#[test]
fn an_aggregate_takes_only_what_can_be_counted() {
    let plan = every();
    let what = Aggregate::parse(&plan, br#"{"group_by": ["stage"], "sum": ["amount", "rank"], "min": ["born"]}"#, &[]).unwrap();
    assert!(what.count && what.sum.len() == 2);
    for (body, code) in [
        (r#"{"group_by": ["topics"]}"#, "group_by/type"),
        (r#"{"sum": ["name"]}"#, "sum/type"),
        (r#"{"max": ["open"]}"#, "max/type"),
        (r#"{"sum": ["nmae"]}"#, "sum/unknown-field"),
        (r#"{"summ": []}"#, "summ/unknown"),
        (r#"{"count": 1}"#, "count/type"),
        (r#"{"count": true, "count": true}"#, "count/duplicate"),
    ] {
        assert_eq!(codes(Aggregate::parse(&plan, body.as_bytes(), &[])), [code], "{body}");
    }
}
