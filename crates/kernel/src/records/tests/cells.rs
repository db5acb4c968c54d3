use super::*;
use proptest::prelude::*;

#[test]
fn cells_that_a_spreadsheet_would_run_are_guarded() {
    let (plan, who) = (every(), me());
    let name = plan.slot("name").unwrap();
    for (text, cell) in
        [("=1+1", "'=1+1"), ("+49", "'+49"), ("-x", "'-x"), ("@a", "'@a"), ("\ta", "'\ta"), ("'=x", "''=x"), ("'x", "'x"), ("a=b", "a=b")]
    {
        let mut values = Values::new(&plan, &who);
        values.set(name, Cell::Text(text.to_owned()));
        assert_eq!(plan.write_cell(&values, name), cell);
        assert_eq!(plan.read_cell(name, cell, &entry(&who)).unwrap(), Cell::Text(text.to_owned()));
    }
}

#[test]
fn cells_are_read_as_people_write_them() {
    let (plan, who) = (every(), me());
    let read = |name: &str, text: &str| plan.read_cell(plan.slot(name).unwrap(), text, &entry(&who)).map_err(|f| f.code);
    assert_eq!(read("amount", "12.50 USD"), Ok(Cell::Money { minor: 1250, currency: "USD".into() }));
    assert_eq!(read("amount", "12.5"), Ok(Cell::Money { minor: 1250, currency: "EUR".into() }));
    assert_eq!(read("amount", "'-12.50 EUR"), Ok(Cell::Money { minor: -1250, currency: "EUR".into() }));
    assert_eq!(read("amount", "1,250.00"), Err("money"));
    assert_eq!(read("rank", "17"), Ok(Cell::Int(17)));
    assert_eq!(read("rank", "1,7"), Err("type"));
    assert_eq!(read("rank", "101"), Err("max"));
    assert_eq!(read("open", "TRUE"), Ok(Cell::Bool(true)));
    assert_eq!(read("open", "ja"), Err("type"));
    assert_eq!(read("topics", "b; a;;b"), Ok(Cell::Tags(vec!["a".into(), "b".into()])));
    assert_eq!(read("topics", ""), Ok(Cell::Tags(Vec::new())));
    assert_eq!(read("name", "  "), Ok(Cell::Null));
    assert_eq!(read("stage", "won"), Ok(Cell::Text("won".into())));
    assert_eq!(read("site", "Official website"), Err("url"));
}

/// Any value a field of the plan can hold.
fn cell(plan: &Plan, slot: usize) -> BoxedStrategy<Cell> {
    let some = match &plan.field(slot).unwrap().kind {
        Kind::Text { .. } => "[-=+@'\t\r\na-zß;, \"]{1,20}".prop_map(Cell::Text).boxed(),
        Kind::Email => "[+=a-z]{1,5}@[a-z]{1,5}\\.de".prop_map(Cell::Text).boxed(),
        Kind::Url => "https?://[a-z]{1,9}\\.com/[=+,;]?".prop_map(Cell::Text).boxed(),
        Kind::Phone => "[+(]?[0-9]{3,8}".prop_map(Cell::Text).boxed(),
        Kind::Integer { min, max } => (*min..=*max).prop_map(Cell::Int).boxed(),
        Kind::Boolean => any::<bool>().prop_map(Cell::Bool).boxed(),
        Kind::Date => (1000..9999i32, 1..=12u8, 1..=28u8).prop_map(|(y, m, d)| Cell::Text(format!("{y}-{m:02}-{d:02}"))).boxed(),
        Kind::Datetime => (-62_135_596_800_000_000_i64..=253_402_300_799_999_999).prop_map(Cell::Int).boxed(),
        Kind::Choice { options } => prop::sample::select(options.iter().map(|o| Cell::Text(o.value.clone())).collect::<Vec<_>>()).boxed(),
        Kind::Tags { .. } => {
            prop::collection::btree_set("[-=+@'a-z][a-z, ]{0,5}[a-z']", 0..5).prop_map(|t| Cell::Tags(t.into_iter().collect())).boxed()
        }
        Kind::Ref { .. } | Kind::User => Just(Cell::Text(base::new_id())).boxed(),
        Kind::Money => (-9_007_199_254_740_992_i64..=9_007_199_254_740_992, prop::sample::select(vec!["EUR", "JPY", "KWD", "CLF"]))
            .prop_map(|(minor, currency)| Cell::Money { minor, currency: currency.to_owned() })
            .boxed(),
    };
    let required = plan.field(slot).unwrap().required;
    let kept = some.prop_filter("white space only is null", |c| c.text().is_none_or(|t| !t.trim().is_empty()));
    let tags = matches!(plan.field(slot).unwrap().kind, Kind::Tags { .. });
    if required || tags { kept.boxed() } else { prop_oneof![1 => Just(Cell::Null), 4 => kept].boxed() }
}

/// Any record of `plan`.
pub fn values(plan: &'static Plan) -> impl Strategy<Value = Values> {
    let cells: Vec<BoxedStrategy<Cell>> = (0..plan.fields().len()).map(|slot| cell(plan, slot)).collect();
    cells.prop_map(move |cells| {
        let mut values = Values::new(plan, &me());
        for (slot, cell) in cells.into_iter().enumerate() {
            values.set(slot, cell);
        }
        values
    })
}

pub static PLAN: std::sync::LazyLock<Plan> = std::sync::LazyLock::new(every);

proptest! {
    #[test]
    fn what_is_exported_is_imported_unchanged(values in values(&PLAN)) {
        let who = me();
        let free = Entry { states: true, ..entry(&who) };
        for slot in 0..PLAN.fields().len() {
            let text = PLAN.write_cell(&values, slot);
            let number = matches!(PLAN.field(slot).unwrap().kind, Kind::Integer { .. });
            prop_assert!(number || !text.starts_with(['=', '+', '-', '@', '\t', '\r']), "{text:?}");
            let back = PLAN.read_cell(slot, &text, &free);
            prop_assert_eq!(back.as_ref(), Ok(values.cell(slot)), "{:?}", text);
        }
    }

    #[test]
    fn what_is_answered_can_be_sent_back(values in values(&PLAN)) {
        let who = me();
        let free = Entry { states: true, ..entry(&who) };
        let mut body = json(&PLAN, &values);
        for name in SYSTEM {
            body.as_object_mut().unwrap().remove(name);
        }
        let mut same = values.clone();
        prop_assert_eq!(PLAN.merge(body.to_string().as_bytes(), &free, &mut same).unwrap(), Vec::<usize>::new());
        let mut again = PLAN.read(body.to_string().as_bytes(), &free).unwrap();
        again.id = values.id.clone();
        let empty = |slot: &usize| !values.cell(*slot).is_null();
        prop_assert_eq!(again.differs(&values).into_iter().filter(empty).collect::<Vec<_>>(), Vec::<usize>::new());
    }

    #[test]
    fn no_body_makes_the_reader_fall_over(body in "[\\{\\}\\[\\]\":,a-z0-9.\\\\ ]{0,60}") {
        let who = me();
        let _ = PLAN.read(body.as_bytes(), &entry(&who));
        let _ = PLAN.read_cell(4, &body, &entry(&who));
        let _ = Query::parse(&PLAN, [("filter", body.as_str()), ("sort", body.as_str())], &[]);
    }
}

const BODY: &str = r#"{"name": "Ada", "mail": "ada@example.com", "site": "example.com", "phone": "+49 30 1", "amount": {"minor": 1250, "currency": "EUR"}, "rank": 17, "open": true, "born": "2026-11-20", "seen": "2026-11-20T09:55:00Z", "stage": "lead", "topics": ["a", "b"], "parent": null, "owner": null}"#;

#[test]
fn fuzz_large_bodies_cells_and_queries_are_read_soon() {
    let who = me();
    for text in crate::fuzz::large() {
        crate::fuzz::told(crate::fuzz::soon(&text, || PLAN.read(text.as_bytes(), &entry(&who))));
        let body = format!("{{\"name\": \"x\"{text}}}");
        crate::fuzz::told(crate::fuzz::soon(&body, || PLAN.read(body.as_bytes(), &entry(&who))));
        for slot in 0..PLAN.fields().len() {
            let _ = crate::fuzz::soon(&text, || PLAN.read_cell(slot, &text, &entry(&who)));
        }
        crate::fuzz::soon(&text, || drop(Query::parse(&PLAN, [("filter", text.as_str()), ("sort", &text), ("fields", &text), (&text, "")], &[])));
    }
}

#[test]
fn fuzz_the_smallest_and_the_largest_numbers_are_refused() {
    let who = me();
    for number in [i64::MIN, i64::MIN + 1, i64::MAX] {
        for field in [format!("\"rank\": {number}"), format!("\"amount\": {{\"minor\": {number}}}"), format!("\"amount\": {number}")] {
            let body = format!("{{\"name\": \"x\", {field}}}");
            assert_eq!(PLAN.read(body.as_bytes(), &entry(&who)).unwrap_err().code(), base::Code::Invalid, "{body}");
        }
    }
}

proptest! {
    #[test]
    fn fuzz_a_broken_body_is_refused_or_reads_back_as_written(body in crate::fuzz::texts(BODY)) {
        let who = me();
        let free = Entry { states: true, ..entry(&who) };
        let Some(values) = crate::fuzz::told(PLAN.read(body.as_bytes(), &free)) else { return Ok(()) };
        let mut written = json(&PLAN, &values);
        for name in SYSTEM {
            written.as_object_mut().unwrap().remove(name);
        }
        let mut again = values.clone();
        prop_assert_eq!(PLAN.merge(written.to_string().as_bytes(), &free, &mut again).unwrap(), Vec::<usize>::new());
    }

    #[test]
    fn fuzz_a_cell_is_refused_or_reads_back_as_written(slot in 0..PLAN.fields().len(), text in crate::fuzz::texts("'=12.50 EUR; ada@example.com")) {
        let who = me();
        let free = Entry { states: true, ..entry(&who) };
        let Ok(cell) = PLAN.read_cell(slot, &text, &free) else { return Ok(()) };
        let mut values = Values::new(&PLAN, &who);
        values.set(slot, cell.clone());
        prop_assert_eq!(PLAN.read_cell(slot, &PLAN.write_cell(&values, slot), &free).unwrap(), cell);
    }

    #[test]
    fn fuzz_no_query_makes_the_reader_fall_over(name in "filter|sort|limit|cursor|fields|expand|count|q|\\PC{0,6}", value in crate::fuzz::texts("stage == \"won\" && amount.minor > 5")) {
        crate::fuzz::told(Query::parse(&PLAN, [(name.as_str(), value.as_str())], &[]));
    }
}
