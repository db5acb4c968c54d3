//! The answer in memory. `None` is unknown; `&& || !` are Kleene's.

use crate::{
    Actor, Cell, Record,
    tree::{Match, Node, Operand, Order, Part, Place, Who},
};
use std::cmp::Ordering;

/// A value of a record, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Val<'a> {
    /// What cannot be computed, such as the size of an absent text: whatever is asked about it is unknown.
    Unknown,
    Null,
    Bool(bool),
    Int(i64),
    Text(&'a str),
    List(&'a [String]),
}

pub(crate) fn holds(node: &Node, record: &dyn Record, who: &Actor) -> Option<bool> {
    let val = |operand| self::val(operand, record, who);
    match node {
        Node::Known(v) => Some(*v),
        Node::Not(inner) => holds(inner, record, who).map(|v| !v),
        Node::And(a, b) => match holds(a, record, who) {
            Some(false) => Some(false),
            left => and(left, holds(b, record, who)),
        },
        Node::Or(a, b) => match holds(a, record, who) {
            Some(true) => Some(true),
            left => or(left, holds(b, record, who)),
        },
        Node::Truth(operand) => match val(operand) {
            Val::Bool(v) => Some(v),
            _ => None,
        },
        Node::Equal { not, left, right } => equal(val(left), val(right)).map(|same| same != *not),
        Node::Order { order, left, right } => compare(val(left), val(right)).map(|ordering| fits(*order, ordering)),
        Node::In { left, values } => among(val(left), values.iter().map(val)),
        Node::Member { of, needle } => match (val(of), val(needle)) {
            (Val::List(list), Val::Text(needle)) => Some(list.iter().any(|x| x == needle)),
            (Val::List(_) | Val::Null, Val::Text(_) | Val::Null) => Some(false),
            _ => None,
        },
        Node::Match { how, text, needle } => match (val(text), val(needle)) {
            (Val::Text(text), Val::Text(needle)) => Some(matches(*how, text, needle)),
            _ => None,
        },
    }
}

pub(crate) fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        (None, _) | (_, None) => None,
    }
}

pub(crate) fn or(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    and(a.map(|v| !v), b.map(|v| !v)).map(|v| !v)
}

/// Total where both values are there or null; values of different kinds (a record that breaks its schema) are unknown.
fn equal(a: Val<'_>, b: Val<'_>) -> Option<bool> {
    match (a, b) {
        (Val::Unknown, _) | (_, Val::Unknown) => None,
        // An empty list and an absent one are the same.
        (Val::List(list), Val::Null) | (Val::Null, Val::List(list)) => Some(list.is_empty()),
        (Val::Null, Val::Null) => Some(true),
        (Val::Null, _) | (_, Val::Null) => Some(false),
        (a, b) => compare(a, b).map(Ordering::is_eq),
    }
}

/// Texts by code point, which is the order of their UTF-8 bytes.
fn compare(a: Val<'_>, b: Val<'_>) -> Option<Ordering> {
    match (a, b) {
        (Val::Bool(a), Val::Bool(b)) => Some(a.cmp(&b)),
        (Val::Int(a), Val::Int(b)) => Some(a.cmp(&b)),
        (Val::Text(a), Val::Text(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn fits(order: Order, ordering: Ordering) -> bool {
    match order {
        Order::Less => ordering.is_lt(),
        Order::LessEqual => ordering.is_le(),
        Order::Greater => ordering.is_gt(),
        Order::GreaterEqual => ordering.is_ge(),
    }
}

fn among<'a>(left: Val<'a>, values: impl Iterator<Item = Val<'a>>) -> Option<bool> {
    let mut found = if left == Val::Unknown { None } else { Some(false) };
    for value in values {
        match equal(left, value) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => found = None,
        }
    }
    found
}

fn matches(how: Match, text: &str, needle: &str) -> bool {
    match how {
        Match::Contains => text.contains(needle),
        Match::Starts => text.starts_with(needle),
        Match::Ends => text.ends_with(needle),
    }
}

fn val<'a>(operand: &'a Operand, record: &'a dyn Record, who: &'a Actor) -> Val<'a> {
    match operand {
        Operand::Null => Val::Null,
        Operand::Bool(v) => Val::Bool(*v),
        Operand::Int(v) => Val::Int(*v),
        Operand::Text(v) => Val::Text(v),
        Operand::Field(place) => cell(place, record),
        Operand::Actor(what) => attribute(*what, who),
        Operand::Size(of) => match val(of, record, who) {
            Val::Text(text) => Val::Int(length(text.chars().count())),
            Val::List(list) => Val::Int(length(list.len())),
            // An absent list is empty; an absent text has no size.
            Val::Null if is_list(of) => Val::Int(0),
            _ => Val::Unknown,
        },
    }
}

fn is_list(operand: &Operand) -> bool {
    operand.place().is_some_and(|place| place.field.ty == crate::Type::Tags)
}

/// A size as a number of the language.
pub(crate) fn length(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn cell<'a>(place: &Place, record: &'a dyn Record) -> Val<'a> {
    let slot = place.field.slot;
    match (if place.before { record.before(slot) } else { record.cell(slot) }, place.part) {
        (Cell::Null, _) => Val::Null,
        (Cell::Bool(v), Part::Whole) => Val::Bool(v),
        (Cell::Int(v), Part::Whole) => Val::Int(v),
        (Cell::Text(v), Part::Whole) => Val::Text(v),
        (Cell::Tags(v), Part::Whole) => Val::List(v),
        (Cell::Money { minor, .. }, Part::Minor) => Val::Int(minor),
        (Cell::Money { currency, .. }, Part::Currency) => Val::Text(currency),
        // Only ever compared with null; any value that is there will do.
        (Cell::Money { .. }, Part::Whole) => Val::Bool(true),
        (Cell::Bool(_) | Cell::Int(_) | Cell::Text(_) | Cell::Tags(_), Part::Minor | Part::Currency) => Val::Unknown,
    }
}

fn attribute(what: Who, who: &Actor) -> Val<'_> {
    match what {
        Who::Roles => Val::List(&who.roles),
        Who::Now => Val::Int(who.now.0),
        text => text.text(who).map_or(Val::Unknown, Val::Text),
    }
}
