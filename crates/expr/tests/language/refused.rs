//! What is no expression is refused, with the column to look at and what to write instead.

use crate::world;
use expr::{Expr, Schema};
use proptest::prelude::*;

/// Text, expected code, the token it points at (by its place: `‹token›` in the text), and a word of the hint.
const REFUSED: &[(&str, &str, &str)] = &[
    ("‹stge› == \"won\"", "unknown-name", "Did you mean `stage`?"),
    ("active && ‹xyzzyx› == 1", "unknown-name", "Known are name, stage"),
    ("record.‹stag› == \"won\"", "unknown-name", "`stage`"),
    ("(record).‹stag› == \"won\"", "unknown-name", "`stage`"),
    ("has(record.‹onwer›)", "unknown-name", "`owner`"),
    ("active || has((record).‹onwer›)", "unknown-name", "`owner`"),
    ("actor.‹emial› == \"x\"", "unknown-name", "`email`"),
    ("tenant.‹name› == \"x\"", "unknown-name", "id, slug"),
    ("amount.‹cents› > 5", "unknown-name", "minor and currency"),
    ("stage.‹size› > 5", "unknown-name", "no `size` in a text"),
    ("‹before›.stage == \"won\"", "unknown-name", "where a record changes"),
    ("‹.stage› == \"won\"", "unknown-name", "`stage`"),
    ("‹notes› == \"x\"", "not-filterable", "stored and shown"),
    ("record.‹notes› == \"x\"", "not-filterable", "stored and shown"),
    ("‹actor› == \"m1\"", "type", "id, user, email, roles, kind"),
    ("‹tenant› == \"t1\"", "type", "id, slug"),
    ("‹record› == null", "type", "record.name"),
    ("count ‹+› 1 > 2", "unsupported", "arithmetic"),
    ("count > 2 ‹*› 3", "unsupported", "arithmetic"),
    ("count ‹-›1 > 2", "unsupported", "arithmetic"),
    ("‹-›count > 2", "unsupported", "arithmetic"),
    ("active ‹?› true : false", "unsupported", "&&"),
    ("tags‹[›0] == \"x\"", "unsupported", "indexing"),
    ("‹{›\"a\": 1} == null", "unsupported", "maps"),
    ("stage == ‹b\"x\"›", "unsupported", "bytes"),
    ("count == ‹1u›", "unsupported", "Write 1 without"),
    ("stage.‹matches›(\"x\")", "unknown-function", "There are contains"),
    ("stage.‹startWith›(\"x\")", "unknown-function", "`startsWith`"),
    ("tags.‹exists›(t, t == \"x\")", "unknown-function", "There are contains"),
    ("‹contains›(stage, \"x\")", "unknown-function", "x.contains"),
    ("seen > ‹duration›(\"1h\")", "unknown-function", "There are"),
    ("seen.‹timestamp›()", "unknown-function", "without a dot"),
    ("has(‹stage›)", "syntax", "has(record.stage)"),
    ("stage ‹=› \"won\"", "syntax", "=="),
    ("active ‹&› active", "syntax", "&&"),
    ("active ‹and› active", "syntax", "&&"),
    ("‹NOT› active", "syntax", "!"),
    ("stage ‹like› \"w%\"", "syntax", "contains"),
    ("0 < count ‹<› 9", "syntax", "do not chain"),
    ("stage == \"won\" ‹stage›", "syntax", "operator is missing"),
    ("(active‹›", "syntax", "too early"),
    ("active &&‹›", "syntax", "too early"),
    ("active‹)›", "syntax", "closed too often"),
    ("stage == ‹\"won›", "syntax", "nterminated"),
    ("stage == ‹“›won”", "syntax", "no meaning"),
    ("‹§›", "syntax", "no meaning"),
    ("stage == ‹\"\\q\"›", "syntax", "unescape"),
    ("‹if› == 1", "syntax", "reserved"),
    ("‹`stage`› == \"x\"", "syntax", "quoted"),
    ("count == ‹99999999999999999999›", "syntax", "nvalid int"),
    ("‹›", "empty", "Write a condition"),
    ("‹   ›", "empty", "Write a condition"),
    ("stage == \"a‹\0›\"", "zero-byte", "U+0000"),
    ("stage == ‹\"a\\u0000\"›", "zero-byte", "U+0000"),
    ("‹stage›", "type", "not a condition"),
    ("‹1›", "type", "not a condition"),
    ("!‹count›", "type", "not a condition"),
    ("active && ‹null›", "type", "not a condition"),
    ("‹size(stage)›", "type", "not a condition"),
    ("stage == ‹1›", "type", "An integer is compared with a text"),
    ("‹1› == stage", "type", "An integer is compared with a text"),
    ("count == ‹\"1\"›", "type", "A text is compared with an integer"),
    ("count > ‹1.5›", "literal", "integer"),
    ("count == ‹-1.5›", "literal", "integer"),
    ("active == ‹1›", "type", "true or false"),
    ("active > ‹false›", "type", "no order"),
    ("count > ‹null›", "type", "null"),
    ("count == ‹stage›", "type", "do not compare"),
    ("count == ‹record.stage›", "type", "do not compare"),
    ("closes < ‹now›", "type", "do not compare"),
    ("closes < ‹\"2026-02-30\"›", "literal", "date"),
    ("closes in [\"2026-02-01\", ‹\"2026\"›]", "literal", "date"),
    ("seen < ‹\"2026-02-20T00:00:00Z\"›", "literal", "timestamp("),
    ("seen < timestamp(‹\"yesterday\"›)", "literal", "timestamp("),
    ("seen < timestamp(‹stage›)", "literal", "timestamp("),
    ("seen < ‹timestamp›()", "literal", "timestamp("),
    ("price == ‹12.345›", "literal", "2 digits"),
    ("price == ‹\"12,50\"›", "literal", "decimal"),
    ("price == ‹-12.345›", "literal", "2 digits"),
    ("price == ‹1234567890123456.5›", "literal", "in quotes"),
    ("price == ‹92233720368547758070›", "syntax", "nvalid int"),
    ("price == ‹922337203685477580›", "literal", "too large"),
    ("price == ‹count›", "type", "do not compare"),
    ("amount > ‹5›", "type", "x.minor"),
    ("amount == ‹amount›", "type", "x.minor"),
    ("tags == ‹\"x\"›", "type", "in tags"),
    ("tags == ‹actor.roles›", "type", "in"),
    ("‹tags›.contains(\"x\")", "type", "in tags"),
    ("stage.contains(‹1›)", "type", "compared with a text"),
    ("stage.‹contains›()", "type", "one text"),
    ("‹closes›.startsWith(\"2026\")", "type", "needs a text"),
    ("‹size›() > 1", "type", "one value"),
    ("size(‹count›) > 1", "type", "Texts and lists"),
    ("‹size(stage)› == null", "type", "never null"),
    ("stage in ‹\"won\"›", "type", "list"),
    ("stage in ‹stage›", "type", "list"),
    ("stage in [\"a\", ‹1›]", "type", "An integer"),
    ("stage in [\"a\", ‹count›]", "type", "do not compare"),
    ("count in [‹size(stage)›]", "type", "size"),
    ("‹count› in tags", "type", "texts"),
    ("‹1› in actor.roles", "type", "compared with a text"),
    ("‹amount› in [null]", "type", "look for"),
    ("stage == ‹[\"x\"]›", "type", "behind `in`"),
    ("(‹count > 1›) == true", "type", "no value"),
    ("has(record.stage.‹x›)", "unknown-name", "no `x`"),
    ("has(actor.‹id›)", "type", "can be absent"),
    ("‹has›(record.stage, 1)", "type", "one field"),
    ("stage == \"ü\" && count == ‹\"ü\"›", "type", "A text"),
    ("active // a remark\n && ‹cuont› == 1", "unknown-name", "`count`"),
];

#[test]
fn a_refusal_points_at_the_token_and_says_what_to_write() {
    let schema = world::schema();
    let mut wrong = Vec::new();
    for (marked, code, hint) in REFUSED {
        let start = marked.find('‹').unwrap();
        let end = marked.find('›').unwrap() - '‹'.len_utf8();
        let text = marked.replace(['‹', '›'], "");
        match Expr::parse(&text, &schema) {
            Ok(_) => wrong.push(format!("{text}: accepted")),
            Err(fault) if fault.at == (start..end) && fault.code == *code && fault.hint.contains(hint) => {}
            Err(fault) => wrong.push(format!("{text}: wanted {code} at {start}..{end} ({hint}), got {fault:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_column_counts_from_one() {
    let fault = Expr::parse("active && cuont == 1", &world::schema()).unwrap_err();
    assert_eq!(fault.to_string(), "column 11: There is no `cuont`. Did you mean `count`?");
}

#[test]
fn hostile_texts_are_refused_without_a_stack() {
    let schema = world::schema();
    let code = |text: &str| Expr::parse(text, &schema).unwrap_err().code;
    assert_eq!(code(&"(".repeat(10_000)), "too-long");
    assert_eq!(code(&"x".repeat(10_000_000)), "too-long");
    assert_eq!(code(&format!("{}active{}", "(".repeat(2_000), ")".repeat(2_000))), "too-deep");
    assert_eq!(code(&"(".repeat(4_000)), "too-deep");
    assert_eq!(code(&"[".repeat(4_000)), "too-deep");
    assert_eq!(code(&"has(".repeat(1_000)), "too-deep");
    assert_eq!(code(&"!(".repeat(2_000)), "too-deep");
    assert_eq!(code(&format!("a{}", ".b".repeat(2_000))), "too-deep");
    assert_eq!(code(&format!("a{}", ".size()".repeat(500))), "too-deep");
    assert_eq!(code(&format!("a{}", "[0]".repeat(1_000))), "unsupported");
    assert_eq!(code(&format!("a{}", " == a".repeat(800))), "syntax");
    assert_eq!(code(&"-!".repeat(2_000)), "unsupported");
    assert_eq!(code(&"a ? b : ".repeat(500)), "unsupported");
    assert_eq!(code(&"{".repeat(30)), "unsupported");
}

#[test]
fn limits_are_reached_before_they_are_crossed() {
    let schema = world::schema();
    let nested = |n: usize| format!("{}active{}", "(".repeat(n), ")".repeat(n));
    assert!(Expr::parse(&nested(32), &schema).is_ok());
    assert_eq!(Expr::parse(&nested(33), &schema).unwrap_err().code, "too-deep");
    assert!(Expr::parse(&format!("{}active", "!".repeat(4_090)), &schema).is_ok());
    assert!(Expr::parse(&format!("active{}", "||active".repeat(511)), &schema).is_ok());
    assert!(Expr::parse(&format!("active{}", "||active".repeat(512)), &schema).is_err());
}

#[test]
fn before_is_known_only_where_a_record_changes() {
    let schema = world::schema().with_before();
    assert!(Expr::parse("before.stage == \"lead\" && stage == \"won\"", &schema).unwrap().asks_before());
    assert_eq!(Expr::parse("before == 1", &schema).unwrap_err().code, "type");
    assert_eq!(Expr::parse("stage == \"x\"", &schema).unwrap().fields(), ["stage"]);
}

/// Words an expression could be made of, so that random texts get past the scanner.
const WORDS: &[&str] = &[
    "stage",
    "count",
    "tags",
    "amount",
    "record",
    "actor",
    ".",
    ".",
    "minor",
    "roles",
    "(",
    ")",
    "[",
    "]",
    ",",
    "\"x\"",
    "'",
    "\"",
    "1",
    "-",
    "1.5",
    "==",
    "!=",
    "<",
    "in",
    "&&",
    "||",
    "!",
    "has",
    "size",
    "timestamp",
    "contains",
    "null",
    "true",
    "\n",
    "//",
    "r\"",
    "'''",
    "\\",
    "\r\n",
    "é",
    "if",
    "`",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in any::<String>()) {
        check(&text, &world::schema());
    }

    #[test]
    fn no_row_of_words_panics(words in prop::collection::vec(prop::sample::select(WORDS), 0..24), space in any::<bool>()) {
        check(&words.join(if space { " " } else { "" }), &world::schema().with_before());
    }
}

/// Whatever comes out, a fault points into the text and never into a character.
fn check(text: &str, schema: &Schema) {
    if let Err(fault) = Expr::parse(text, schema) {
        assert!(text.get(fault.at.clone()).is_some() && !fault.hint.is_empty(), "{text:?}: {fault:?}");
    }
}
