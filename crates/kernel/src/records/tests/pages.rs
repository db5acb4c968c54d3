//! Walking all pages of any list gives exactly the full sorted set, each row once, whatever is null and whatever is added meanwhile.

use super::{
    stage::{insert, on_every_engine},
    *,
};
use proptest::{prelude::*, test_runner::TestRunner};
use std::cmp::Ordering;

const TEXT: &str = r#"{"name": "row", "plural": "rows", "title": "{a}", "fields": {
    "a": {"type": "text", "max": 20}, "b": {"type": "integer"}, "c": {"type": "date"}, "d": {"type": "boolean"}, "e": {"type": "tags"}
  }, "views": {"list": ["a", "b"]}, "indexes": [["b", "c"]]}"#;

static PLAN: std::sync::LazyLock<Plan> = std::sync::LazyLock::new(|| Plan::compile("lab", TEXT).unwrap());

/// Few different values, so that many rows are equal in what they are sorted by.
fn row() -> impl Strategy<Value = Vec<Cell>> {
    let maybe = |s: BoxedStrategy<Cell>| prop_oneof![2 => Just(Cell::Null), 5 => s];
    (
        maybe(prop::sample::select(vec!["a", "B", "b", "Ä", "z", "é"]).prop_map(|t| Cell::Text(t.to_owned())).boxed()),
        maybe((-2..3i64).prop_map(Cell::Int).boxed()),
        maybe((1..4u8).prop_map(|d| Cell::Text(format!("2026-01-0{d}"))).boxed()),
        maybe(any::<bool>().prop_map(Cell::Bool).boxed()),
        prop::collection::btree_set("[xy]", 0..2).prop_map(|t| Cell::Tags(t.into_iter().collect())),
    )
        .prop_map(|(a, b, c, d, e)| vec![a, b, c, d, e])
}

fn sort() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c", "d", "id", "created_at", "version"]);
    let signed = (name, any::<bool>()).prop_map(|(n, down)| (n, format!("{}{n}", if down { "-" } else { "" })));
    prop::collection::vec(signed, 0..4).prop_map(|mut sorts| {
        let mut seen = Vec::new();
        sorts.retain(|(name, _)| {
            !seen.contains(name) && {
                seen.push(*name);
                true
            }
        });
        sorts.into_iter().map(|(_, sort)| sort).collect::<Vec<_>>().join(",")
    })
}

const FILTERS: [&str; 9] = [
    "has(record.e)",
    "size(e) > 0 && !has(record.a)",
    "created_at > timestamp(\"2026-11-20T09:55:00Z\") || version == 1",
    "",
    "b > -1",
    "a != \"b\" || d",
    "\"x\" in e",
    "c == null",
    "!(b == 1) && c < \"2026-01-03\"",
];

fn made(cells: &[Cell], n: usize) -> Values {
    let mut values = Values::new(&PLAN, &me());
    values.created_at = me().now.plus_seconds(n as i64 % 3);
    values.version = n as i64 % 2;
    for (slot, cell) in cells.iter().enumerate() {
        values.set(slot, cell.clone());
    }
    values
}

/// NULL first, text by its folded key, then the id in the direction of the last column.
fn order(x: &Values, y: &Values, sort: &str) -> Ordering {
    let key = |v: &Values, name: &str| match (name, PLAN.slot(name)) {
        ("id", _) => (1, 0, v.id.clone()),
        ("created_at", _) => (1, v.created_at.0, String::new()),
        ("version", _) => (1, v.version, String::new()),
        (_, slot) => match v.cell(slot.unwrap()) {
            Cell::Int(n) => (1, *n, String::new()),
            Cell::Bool(b) => (1, i64::from(*b), String::new()),
            Cell::Text(t) => (1, 0, base::fold(t)),
            _ => (0, 0, String::new()),
        },
    };
    let mut last = false;
    for part in sort.split(',').filter(|p| !p.is_empty()) {
        let (down, name) = part.strip_prefix('-').map_or((false, part), |n| (true, n));
        last = down;
        let ordering = key(x, name).cmp(&key(y, name));
        if ordering != Ordering::Equal {
            return if down { ordering.reverse() } else { ordering };
        }
    }
    if last { y.id.cmp(&x.id) } else { x.id.cmp(&y.id) }
}

type Case = (Vec<Vec<Cell>>, Vec<Vec<Cell>>, String, usize, usize, bool);

fn case() -> impl Strategy<Value = Case> {
    (prop::collection::vec(row(), 0..30), prop::collection::vec(row(), 0..8), sort(), 0..FILTERS.len(), 1..9usize, any::<bool>())
}

/// Walks all pages; after each, one of `more` is added.
fn walk(tx: &mut silo::Tx<'_>, (rows, more, sort, filter, limit, scoped): &Case) -> base::Result<()> {
    let who = me();
    let mut there: Vec<Values> = rows.iter().enumerate().map(|(n, cells)| made(cells, n)).collect();
    there.iter().try_for_each(|v| insert(tx, &PLAN, v))?;
    let first: Vec<String> = there.iter().map(|v| v.id.clone()).collect();
    let limit = limit.to_string();
    let query = Query::parse(&PLAN, [("filter", FILTERS[*filter]), ("sort", sort), ("limit", &limit)], &[])?;
    let half = PLAN.expression("d == true || b == null").unwrap();
    let only: &[&expr::Expr] = if *scoped { &[&half] } else { &[] };
    let scope = Scope { only, who: &who };
    let fits = |v: &Values| query.filter.as_ref().is_none_or(|f| f.holds(v, &who)) && only.iter().all(|o| o.holds(v, &who));
    let count = PLAN.count(&query, &scope, None);
    let count = tx.row(&count.sql, &count.params, |row| row.int(0))?.unwrap();
    assert_eq!(count as usize, there.iter().filter(|v| fits(v)).count());

    let (mut seen, mut after, mut waiting) = (Vec::<Values>::new(), None::<Vec<u8>>, more.iter());
    loop {
        let select = PLAN.list(&query, after.as_deref(), &scope, None)?;
        let mut page = Vec::new();
        after = select.run(tx, |row| {
            page.push(PLAN.from_row(row, 0)?);
            Ok(())
        })?;
        assert!(page.len() <= query.limit && (after.is_none() || page.len() == query.limit));
        seen.extend(page);
        if let Some(cells) = waiting.next() {
            let fresh = made(cells, seen.len());
            insert(tx, &PLAN, &fresh)?;
            there.push(fresh);
        }
        if after.is_none() {
            break;
        }
    }
    let mut wanted: Vec<&Values> = there.iter().filter(|v| first.contains(&v.id) && fits(v)).collect();
    wanted.sort_by(|x, y| order(x, y, sort));
    let old: Vec<&str> = seen.iter().map(|v| v.id.as_str()).filter(|id| first.iter().any(|f| f == id)).collect();
    assert_eq!(old, wanted.iter().map(|v| v.id.as_str()).collect::<Vec<_>>(), "sort {sort:?} filter {:?} limit {limit}", FILTERS[*filter]);
    assert!(seen.is_sorted_by(|x, y| order(x, y, sort) == Ordering::Less), "in order and each once, with what was added");
    tx.run("DELETE FROM \"lab_rows__e\"", &[])?;
    tx.run("DELETE FROM \"lab_rows\"", &[])?;
    Ok(())
}

#[test]
fn every_walk_over_all_pages_is_the_sorted_set() {
    on_every_engine(&install(&[&PLAN]), |silo| async move {
        let cases: u32 = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
        let mut runner = TestRunner::deterministic();
        for _ in 0..cases {
            let case = proptest::strategy::ValueTree::current(&case().new_tree(&mut runner).unwrap());
            silo.write(move |tx| walk(tx, &case)).await?;
        }
        Ok(())
    });
}
