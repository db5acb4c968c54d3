//! Random records, and random questions written in two hands.

use crate::world::Thing;
use base::Time;
use proptest::{option, prelude::*, sample::select};

/// One question as ours and as the crate understands it.
#[derive(Debug, Clone)]
pub struct Question {
    pub ours: String,
    pub oracles: String,
}

fn same(text: impl Into<String>) -> Question {
    let ours = text.into();
    Question { oracles: ours.clone(), ours }
}

fn two(ours: impl Into<String>, oracles: impl Into<String>) -> Question {
    Question { ours: ours.into(), oracles: oracles.into() }
}

/// Fills `{}` marks of a pattern, in both hands.
fn join(pattern: &str, parts: &[Question]) -> Question {
    parts.iter().fold(same(pattern), |so_far, part| two(so_far.ours.replacen("{}", &part.ours, 1), so_far.oracles.replacen("{}", &part.oracles, 1)))
}

/// Few values, so that they meet; many traps: case, LIKE's signs, quotes, marks, code points of one to four bytes, the last ones before
/// gaps and ends.
const TEXTS: &[&str] = &[
    "",
    "a",
    "A",
    "ab",
    "aB",
    "abab",
    "b",
    "won",
    "Won",
    "lost",
    "%",
    "_",
    "a%",
    "a_b",
    "é",
    "e\u{301}",
    "éa",
    "ß",
    "日本",
    "日",
    "😀",
    "a😀",
    "'",
    "\"",
    "\\",
    " ",
    "a ",
    "m1",
    "manager",
    "\u{7f}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{ffff}",
    "\u{10ffff}",
    "a\u{10ffff}",
    "a\u{10ffff}b",
    "?1",
    "$1",
    "\n",
];
/// The ones that meet most often: prefixes and neighbours of each other.
const NEAR: &[&str] = &["", "a", "ab", "b", "ba", "A", "é"];
const COUNTS: &[i64] = &[0, 1, 2, 3, 5, -1, -7, 9_007_199_254_740_993, i64::MAX, i64::MIN];
const DATES: &[&str] = &["2026-01-31", "2026-02-01", "2026-11-20", "1999-12-31", "0001-01-01", "9999-12-31"];
const MOMENTS: &[i64] = &[0, 1, -1, 1_795_000_000_000_000, 1_795_000_000_000_001, 1_600_000_000_123_456, -62_135_596_800_000_000];
const PRICES: &[i64] = &[0, 1, -1, 10, 100, 1250, 1255, -1250, 99_999];
const CURRENCIES: &[&str] = &["EUR", "USD", "JPY"];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![10 => select(NEAR).prop_map(str::to_owned), 10 => select(TEXTS).prop_map(str::to_owned), 1 => "[^\\x00{}]{0,4}"]
}

pub fn things(n: usize) -> impl Strategy<Value = Vec<Thing>> {
    let money = (select(COUNTS), select(CURRENCIES)).prop_map(|(minor, currency)| (minor, currency.to_owned()));
    let tags = prop::collection::btree_set(text(), 0..4).prop_map(|tags| tags.into_iter().collect());
    let texts = (option::of(text()), option::of(text()), option::of(text()), option::of(select(DATES).prop_map(str::to_owned)));
    let numbers = (option::of(any::<bool>()), option::of(select(COUNTS)), option::of(select(MOMENTS)), option::of(select(PRICES)));
    let thing = (texts, numbers, option::of(money), tags).prop_map(|((name, stage, owner, closes), (active, count, seen, price), amount, tags)| {
        Thing { name, stage, owner, active, count, closes, seen, price, amount, tags }
    });
    prop::collection::vec(thing, n)
}

fn quoted(text: &str) -> String {
    text.chars().fold("\"".to_owned(), |out, c| match c {
        '"' | '\\' => format!("{out}\\{c}"),
        '\n' => out + "\\n",
        '\r' => out + "\\r",
        c => format!("{out}{c}"),
    }) + "\""
}

fn text_literal() -> BoxedStrategy<Question> {
    text().prop_map(|t| same(quoted(&t))).boxed()
}

fn text_field() -> BoxedStrategy<Question> {
    let plain = select(&["name", "stage", "owner"][..]).prop_flat_map(|f| prop_oneof![Just(same(f)), Just(two(format!("record.{f}"), f))]);
    prop_oneof![6 => plain, 1 => Just(two("amount.currency", "amount_currency")), 1 => Just(two("record.amount.currency", "amount_currency"))].boxed()
}

fn actor_text() -> BoxedStrategy<Question> {
    select(&["actor.id", "actor.user", "actor.email", "actor.kind", "tenant.id", "tenant.slug"][..]).prop_map(same).boxed()
}

fn any_text() -> BoxedStrategy<Question> {
    prop_oneof![4 => text_field(), 4 => text_literal(), 1 => actor_text()].boxed()
}

fn size() -> BoxedStrategy<Question> {
    let of = prop_oneof![4 => any_text(), 2 => Just(same("tags")), 1 => Just(same("actor.roles"))];
    (of, any::<bool>()).prop_map(|(of, function)| join(if function { "size({})" } else { "{}.size()" }, &[of])).boxed()
}

fn whole_field() -> BoxedStrategy<Question> {
    prop_oneof![2 => Just(same("count")), 1 => Just(two("amount.minor", "amount_minor"))].boxed()
}

/// Literals and fields of one kind.
type Kind = (BoxedStrategy<Question>, BoxedStrategy<Question>);

fn kinds() -> Vec<Kind> {
    let moment = |m: i64| if m == 1_795_000_000_000_000 { same("now") } else { two(format!("timestamp(\"{}\")", Time(m)), m.to_string()) };
    let price = |p: i64| {
        let exact = format!("{}{}.{:02}", if p < 0 { "-" } else { "" }, p.abs() / 100, p.abs() % 100);
        let float = format!("{:?}", p as f64 / 100.0);
        let mut ways = vec![two(format!("\"{exact}\""), float.clone()), two(&float, &float)];
        if p % 100 == 0 {
            ways.push(two((p / 100).to_string(), float));
        }
        select(ways)
    };
    // The crate has no literal for i64::MIN.
    let count = |c: i64| same(c.max(-i64::MAX).to_string());
    vec![
        (prop_oneof![4 => text_literal(), 1 => actor_text()].boxed(), text_field()),
        (select(COUNTS).prop_map(count).boxed(), whole_field()),
        (select(DATES).prop_map(|d| same(quoted(d))).boxed(), Just(same("closes")).boxed()),
        (select(MOMENTS).prop_map(moment).boxed(), Just(same("seen")).boxed()),
        (select(PRICES).prop_flat_map(price).boxed(), Just(same("price")).boxed()),
    ]
}

fn comparison() -> BoxedStrategy<Question> {
    let pattern = select(&["{} == {}", "{} != {}", "{} < {}", "{} <= {}", "{} > {}", "{} >= {}", "{} == {}", "{} != {}"][..]);
    let pair = select((0..5_usize).collect::<Vec<_>>()).prop_flat_map(|kind| {
        let (literal, field) = kinds().swap_remove(kind);
        prop_oneof![
            6 => (field.clone(), literal.clone()),
            2 => (literal.clone(), field.clone()),
            2 => (field.clone(), field),
            1 => if kind < 2 { (literal.clone(), literal).boxed() } else { Just((same("1"), same("2"))).boxed() },
        ]
    });
    (pattern, pair).prop_map(|(pattern, (a, b))| join(pattern, &[a, b])).boxed()
}

fn sizes() -> BoxedStrategy<Question> {
    let pattern = select(&["{} == {}", "{} != {}", "{} < {}", "{} >= {}"][..]);
    let other = prop_oneof![4 => (0..4_i64).prop_map(|n| same(n.to_string())), 1 => whole_field(), 1 => size()];
    let swapped = any::<bool>();
    (pattern, size(), other, swapped).prop_map(|(pattern, a, b, swap)| join(pattern, &if swap { [b, a] } else { [a, b] })).boxed()
}

fn list() -> BoxedStrategy<Question> {
    let elements = select((0..5_usize).collect::<Vec<_>>()).prop_flat_map(|kind| {
        let (literal, field) = kinds().swap_remove(kind);
        let element = prop_oneof![8 => literal.clone(), 1 => Just(same("null")), 1 => field.clone()];
        let left = prop_oneof![5 => field, 1 => if kind < 2 { literal } else { Just(same("null")).boxed() }];
        (left, prop::collection::vec(element, 0..5), Just(kind))
    });
    elements
        .prop_map(|(left, elements, kind)| {
            // A bare null takes its kind from the list; without one there is none to ask for.
            let left = if left.ours == "null" { kind_field(kind) } else { left };
            // Two numbers without a field between them have no scale.
            let marks = vec!["{}"; elements.len()].join(", ");
            join(&format!("{{}} in [{marks}]"), &[vec![left], elements].concat())
        })
        .boxed()
}

fn kind_field(kind: usize) -> Question {
    same(["stage", "count", "closes", "seen", "price"][kind])
}

fn size_list() -> BoxedStrategy<Question> {
    (size(), prop::collection::vec(0..4_i64, 0..3)).prop_map(|(size, n)| join(&format!("{{}} in {n:?}"), &[size])).boxed()
}

fn atom() -> BoxedStrategy<Question> {
    let presence = select(&["name", "stage", "owner", "active", "count", "closes", "seen", "price", "amount"][..]).prop_flat_map(|f| {
        select(vec![same(format!("has(record.{f})")), same(format!("{f} == null")), same(format!("{f} != null")), same(format!("null == {f}"))])
    });
    let tags = select(vec![same("has(record.tags)"), two("tags == null", "size(tags) == 0"), two("null != tags", "size(tags) != 0")]);
    let parts = select(vec![two("amount.minor == null", "amount_minor == null"), two("has(amount.currency)", "amount_currency != null")]);
    let truth =
        select(&["active", "active == true", "active != false", "active == active", "active in [true, null]", "true", "false"][..]).prop_map(same);
    let member = (any_text(), select(&["{} in tags", "{} in actor.roles"][..])).prop_map(|(x, pattern)| join(pattern, &[x]));
    let texts = prop_oneof![(text_field(), text_literal()), (any_text(), any_text())];
    let matched = (texts, select(&["contains", "startsWith", "endsWith"][..])).prop_map(|((x, y), how)| join(&format!("{{}}.{how}({{}})"), &[x, y]));
    prop_oneof![
        6 => comparison(), 2 => sizes(), 3 => list(), 1 => size_list(), 2 => presence, 1 => tags, 1 => parts, 2 => truth, 3 => member, 6 => matched
    ]
    .boxed()
}

pub fn question() -> BoxedStrategy<Question> {
    atom()
        .prop_recursive(4, 12, 2, |inner| {
            prop_oneof![
                2 => (inner.clone(), inner.clone()).prop_map(|(a, b)| join("({}) && ({})", &[a, b])),
                2 => (inner.clone(), inner.clone()).prop_map(|(a, b)| join("({}) || ({})", &[a, b])),
                3 => inner.prop_map(|a| join("!({})", &[a])),
            ]
        })
        .boxed()
}
