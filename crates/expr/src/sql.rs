//! The same question in SQL. One text for SQLite and PostgreSQL; every value is a parameter.
//!
//! SQL's three values are Kleene's, so `&& || !` and the orderings need nothing. Only `==`, `!=` and `in`, which are total here
//! and not there, do. Where an answer counts only when it is true (an even number of negations above) a plain `=` will do, and an
//! index can serve it; elsewhere the null-aware form stands.

use crate::{
    Actor, Cell, Record,
    eval::{and, holds, length, or},
    schema::{Column, Field},
    tree::{Match, Node, Operand, Order, Part, Place, Who},
};
use base::Value;
use std::fmt::Write;

/// SQL text under construction with the values its `?1 ?2` stand for.
#[derive(Debug, Clone, Default)]
pub struct Sql {
    pub text: String,
    pub params: Vec<Value<'static>>,
}

impl Sql {
    pub fn new() -> Sql {
        Sql::default()
    }
    /// Appends text as it stands.
    pub fn push(&mut self, text: &str) -> &mut Sql {
        self.text.push_str(text);
        self
    }
    /// Appends the next `?n`, standing for this value.
    pub fn bind(&mut self, value: impl Into<Value<'static>>) -> &mut Sql {
        self.params.push(value.into());
        self.number(self.params.len())
    }
    fn number(&mut self, n: usize) -> &mut Sql {
        // Writing into a String cannot fail.
        let _ = write!(self.text, "?{n}");
        self
    }
}

/// Neither true nor false.
const UNKNOWN: &str = "(NULL = TRUE)";

pub(crate) fn write(node: &Node, who: &Actor, out: &mut Sql) {
    out.push("(");
    Writer { who, out }.node(node, true);
    out.push(")");
}

/// A record without fields: enough for what no field decides.
struct Nothing;
impl Record for Nothing {
    fn cell(&self, _: usize) -> Cell<'_> {
        Cell::Null
    }
}

/// The answer where it does not depend on the record.
fn decided(node: &Node, who: &Actor) -> Option<Option<bool>> {
    match node {
        Node::Not(inner) => decided(inner, who).map(|v| v.map(|v| !v)),
        Node::And(a, b) => match (decided(a, who), decided(b, who)) {
            (Some(Some(false)), _) | (_, Some(Some(false))) => Some(Some(false)),
            (a, b) => Some(and(a?, b?)),
        },
        Node::Or(a, b) => match (decided(a, who), decided(b, who)) {
            (Some(Some(true)), _) | (_, Some(Some(true))) => Some(Some(true)),
            (a, b) => Some(or(a?, b?)),
        },
        Node::Known(_) | Node::Truth(_) | Node::Equal { .. } | Node::Order { .. } | Node::In { .. } | Node::Member { .. } | Node::Match { .. } => {
            let (mut field, mut column) = (false, true);
            node.operands(&mut |operand| {
                field |= operand.place().is_some();
                column &= operand.place().is_none_or(has_column);
            });
            match (field, column) {
                (false, _) => Some(holds(node, &Nothing, who)),
                (true, false) => Some(None),
                (true, true) => None,
            }
        }
    }
}

/// What has no column (the record before an update) is unknown in SQL.
fn has_column(place: &Place) -> bool {
    let fits = match (&place.field.column, place.part) {
        (Column::Plain(_), Part::Whole) | (Column::Money { .. }, _) | (Column::Side { .. }, Part::Whole) => true,
        (Column::Plain(_) | Column::Side { .. }, Part::Minor | Part::Currency) | (Column::None, _) => false,
    };
    fits && !place.before
}

fn column(place: &Place) -> &str {
    match (&place.field.column, place.part) {
        (Column::Plain(name), _) => name,
        (Column::Money { currency, .. }, Part::Currency) => currency,
        (Column::Money { minor, .. }, Part::Minor | Part::Whole) => minor,
        // A list has no column; those who ask for one have gone another way.
        (Column::Side { .. } | Column::None, _) => "NULL",
    }
}

fn is_list(operand: &Operand) -> bool {
    matches!(operand, Operand::Field(Place { field, .. }) if matches!(field.column, Column::Side { .. }))
}

/// Whether the value may be null: plain fields may.
fn nullable(operand: &Operand) -> bool {
    matches!(operand, Operand::Field(_))
}

struct Writer<'a> {
    who: &'a Actor,
    out: &'a mut Sql,
}

impl Writer<'_> {
    /// `asserted`: only a true answer counts here, so unknown may stand for false.
    fn node(&mut self, node: &Node, asserted: bool) {
        match (decided(node, self.who), node) {
            (Some(Some(true)), _) => self.push("TRUE"),
            (Some(Some(false)), _) => self.push("FALSE"),
            (Some(None), _) => self.push(UNKNOWN),
            (None, Node::Known(_)) => self.push(UNKNOWN),
            (None, Node::Not(inner)) => {
                self.push("NOT (");
                self.node(inner, !asserted);
                self.push(")");
            }
            (None, Node::And(a, b)) => self.both(a, " AND ", b, true, asserted),
            (None, Node::Or(a, b)) => self.both(a, " OR ", b, false, asserted),
            (None, Node::Truth(operand)) => {
                self.operand(operand);
                self.push(" = TRUE");
            }
            (None, Node::Equal { not, left, right }) => self.equal(*not, left, right, asserted),
            (None, Node::Order { order, left, right }) => {
                self.operand(left);
                self.push(match order {
                    Order::Less => " < ",
                    Order::LessEqual => " <= ",
                    Order::Greater => " > ",
                    Order::GreaterEqual => " >= ",
                });
                self.operand(right);
            }
            (None, Node::In { left, values }) => self.among(left, values, asserted),
            (None, Node::Member { of, needle }) => self.member(of, needle, asserted),
            (None, Node::Match { how, text, needle }) => self.matched(*how, text, needle),
        }
    }
    fn push(&mut self, text: &str) {
        self.out.push(text);
    }
    /// A side that changes nothing is left out: an index sees the other one better.
    fn both(&mut self, a: &Node, word: &str, b: &Node, neutral: bool, asserted: bool) {
        match (decided(a, self.who), decided(b, self.who)) {
            (Some(Some(v)), _) if v == neutral => self.node(b, asserted),
            (_, Some(Some(v))) if v == neutral => self.node(a, asserted),
            _ => {
                self.push("(");
                self.node(a, asserted);
                self.push(")");
                self.push(word);
                self.push("(");
                self.node(b, asserted);
                self.push(")");
            }
        }
    }
    fn equal(&mut self, not: bool, left: &Operand, right: &Operand, asserted: bool) {
        match (left, right) {
            (field, Operand::Null) | (Operand::Null, field) => self.null_test(not, field),
            // The size of an absent text is unknown whatever it is compared with.
            (Operand::Size(of), other) | (other, Operand::Size(of)) if nullable(other) && nullable(of) && !is_list(of) => {
                self.push("CASE WHEN ");
                self.operand(of);
                self.push(" IS NOT NULL THEN ");
                self.infix(left, distinct(not), right);
                self.push(" END");
            }
            _ => {
                let plain = !nullable(left) && !nullable(right) || !not && asserted && !(nullable(left) && nullable(right));
                match (plain, not) {
                    (true, false) => self.infix(left, " = ", right),
                    (true, true) => self.infix(left, " <> ", right),
                    (false, not) => self.infix(left, distinct(not), right),
                }
            }
        }
    }
    fn null_test(&mut self, not: bool, operand: &Operand) {
        match operand {
            Operand::Field(Place { field, .. }) if matches!(field.column, Column::Side { .. }) => {
                self.push(if not { "" } else { "NOT " });
                self.side(field, "EXISTS (SELECT 1", None);
            }
            operand => {
                self.operand(operand);
                self.push(if not { " IS NOT NULL" } else { " IS NULL" });
            }
        }
    }
    fn infix(&mut self, left: &Operand, operator: &str, right: &Operand) {
        self.operand(left);
        self.push(operator);
        self.operand(right);
    }
    fn among(&mut self, left: &Operand, values: &[Operand], asserted: bool) {
        if values.is_empty() {
            // Never true; of an absent text's size not even false.
            return if nullable(left) { self.push("FALSE") } else { self.infix(left, " <> ", left) };
        }
        if nullable(left) && !asserted {
            self.operand(left);
            self.push(" IS NOT NULL AND ");
        }
        self.operand(left);
        self.list(values);
    }
    fn list(&mut self, values: &[Operand]) {
        self.push(" IN (");
        for (i, value) in values.iter().enumerate() {
            self.push(if i == 0 { "" } else { ", " });
            self.operand(value);
        }
        self.push(")");
    }
    fn member(&mut self, of: &Operand, needle: &Operand, asserted: bool) {
        match of {
            Operand::Field(Place { field, .. }) => self.side(field, "EXISTS (SELECT 1", Some(needle)),
            // actor.roles: here the list is known and the needle is a field.
            Operand::Null | Operand::Bool(_) | Operand::Int(_) | Operand::Text(_) | Operand::Actor(_) | Operand::Size(_) => {
                let roles: Vec<Operand> = self.who.roles.iter().cloned().map(Operand::Text).collect();
                self.among(needle, &roles, asserted);
            }
        }
    }
    /// A question to the side table of a list: `EXISTS (SELECT 1 FROM side WHERE side."id" = outer AND side."value" = needle)`.
    fn side(&mut self, field: &Field, select: &str, needle: Option<&Operand>) {
        let Column::Side { table, key } = &field.column else { return self.push(UNKNOWN) };
        for part in [select, " FROM ", table, " WHERE ", table, ".\"id\" = ", key] {
            self.push(part);
        }
        if let Some(needle) = needle {
            for part in [" AND ", table, ".\"value\" = "] {
                self.push(part);
            }
            self.operand(needle);
        }
        self.push(")");
    }
    fn operand(&mut self, operand: &Operand) {
        match operand {
            Operand::Null => self.push("NULL"),
            Operand::Bool(v) => self.bind(*v),
            Operand::Int(v) => self.bind(*v),
            Operand::Text(v) => self.bind(v.clone()),
            Operand::Field(place) => self.push(column(place)),
            Operand::Actor(what) => self.actor(*what),
            Operand::Size(of) => self.size(of),
        }
    }
    fn bind(&mut self, value: impl Into<Value<'static>>) {
        self.out.bind(value);
    }
    fn actor(&mut self, what: Who) {
        match (what.text(self.who), what) {
            (Some(text), _) => self.bind(text.to_owned()),
            (None, Who::Now) => self.bind(self.who.now.0),
            // A list stands nowhere as a value.
            (None, _) => self.push("NULL"),
        }
    }
    fn size(&mut self, of: &Operand) {
        match of {
            Operand::Field(Place { field, .. }) if is_list(of) => self.side(field, "(SELECT count(*)", None),
            Operand::Actor(Who::Roles) => self.bind(length(self.who.roles.len())),
            of => match self.known(of) {
                Some(text) => self.bind(length(text.chars().count())),
                None => {
                    // PostgreSQL's length is a 32-bit integer, and a parameter beside it would become one too.
                    self.push("CAST(length(");
                    self.operand(of);
                    self.push(") AS BIGINT)");
                }
            },
        }
    }
    /// A text where nothing beside it tells PostgreSQL the type of a parameter.
    fn text(&mut self, operand: &Operand) {
        if operand.place().is_some() {
            return self.operand(operand);
        }
        self.push("CAST(");
        self.operand(operand);
        self.push(" AS TEXT)");
    }
    /// LIKE is no help: it ignores ASCII case on SQLite only, and reads `%` and `_`.
    fn matched(&mut self, how: Match, text: &Operand, needle: &Operand) {
        match (how, self.known(needle)) {
            (Match::Starts, Some(prefix)) => self.starts(text, &prefix),
            (Match::Contains, Some(needle)) if needle.is_empty() => self.same(text),
            (Match::Contains, Some(_)) => self.template("replace(@t, @n, '') <> @t", text, needle),
            (Match::Contains, None) => self.template("replace(@t, @n, '') <> @t OR (@n = '' AND @t = @t)", text, needle),
            (Match::Starts, None) => self.template("substr(@t, 1, length(@n)) = @n", text, needle),
            // A needle longer than the text makes the engines cut differently, but never a text as long as the needle.
            (Match::Ends, _) => self.template("substr(@t, length(@t) - length(@n) + 1) = @n", text, needle),
        }
    }
    /// Writes the two texts for `@t` and `@n`, each parameter once.
    fn template(&mut self, template: &str, text: &Operand, needle: &Operand) {
        let (text, needle) = (self.fragment(text), self.fragment(needle));
        let filled = template.replace("@t", &text).replace("@n", &needle);
        self.push(&filled);
    }
    /// An operand as text of its own, its parameter bound.
    fn fragment(&mut self, operand: &Operand) -> String {
        let start = self.out.text.len();
        self.text(operand);
        self.out.text.split_off(start)
    }
    /// True where there is a text at all, unknown where there is none.
    fn same(&mut self, text: &Operand) {
        let text = self.fragment(text);
        for part in [&text, " = ", &text] {
            self.push(part);
        }
    }
    /// A prefix is a range of texts, which an index can serve.
    fn starts(&mut self, text: &Operand, prefix: &str) {
        self.operand(text);
        self.push(" >= ");
        self.bind(prefix.to_owned());
        if let Some(end) = after(prefix) {
            self.push(" AND ");
            self.operand(text);
            self.push(" < ");
            self.bind(end);
        }
    }
    /// The text of a value that does not depend on the record.
    fn known(&self, operand: &Operand) -> Option<String> {
        match operand {
            Operand::Text(text) => Some(text.clone()),
            Operand::Actor(what) => what.text(self.who).map(str::to_owned),
            Operand::Null | Operand::Bool(_) | Operand::Int(_) | Operand::Field(_) | Operand::Size(_) => None,
        }
    }
}

fn distinct(not: bool) -> &'static str {
    if not { " IS DISTINCT FROM " } else { " IS NOT DISTINCT FROM " }
}

/// The first text behind all texts with this prefix; none when there is no such text.
fn after(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}
