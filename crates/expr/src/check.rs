//! From the crate's tree to our own: every operator is one of ours, and its values fit together.

use crate::{
    Schema,
    literal::{fit, natural},
    operand::{Kind, Literal, Value, What, flaw, tested, value},
    source::{Flaw, Spot},
    tree::{Match, Node, Operand, Order},
};
use cel::{
    IdedExpr,
    common::ast::{CallExpr, Expr as Ast, LiteralValue, operators},
};

/// Reads a node as a condition.
pub(crate) fn condition<'a>(node: &'a IdedExpr, schema: &Schema) -> Result<Node, Flaw<'a>> {
    match &node.expr {
        Ast::Literal(LiteralValue::Boolean(v)) => Ok(Node::Known(*v.inner())),
        Ast::Select(select) if select.test => Ok(Node::Equal { not: true, left: tested(node, select, schema)?, right: Operand::Null }),
        Ast::Call(call) => self::call(node, call, schema),
        _ => truth(node, schema),
    }
}

fn call<'a>(node: &'a IdedExpr, call: &'a CallExpr, schema: &Schema) -> Result<Node, Flaw<'a>> {
    let args = (call.target.as_deref(), call.args.as_slice());
    match (call.func_name.as_str(), args) {
        (operators::LOGICAL_AND, (None, [a, b])) => Ok(Node::And(Box::new(condition(a, schema)?), Box::new(condition(b, schema)?))),
        (operators::LOGICAL_OR, (None, [a, b])) => Ok(Node::Or(Box::new(condition(a, schema)?), Box::new(condition(b, schema)?))),
        (operators::LOGICAL_NOT, (None, [a])) => Ok(Node::Not(Box::new(condition(a, schema)?))),
        (operators::EQUALS, (None, [a, b])) => equal(false, value(a, schema)?, value(b, schema)?),
        (operators::NOT_EQUALS, (None, [a, b])) => equal(true, value(a, schema)?, value(b, schema)?),
        (operators::LESS, (None, [a, b])) => ordered(Order::Less, value(a, schema)?, value(b, schema)?),
        (operators::LESS_EQUALS, (None, [a, b])) => ordered(Order::LessEqual, value(a, schema)?, value(b, schema)?),
        (operators::GREATER, (None, [a, b])) => ordered(Order::Greater, value(a, schema)?, value(b, schema)?),
        (operators::GREATER_EQUALS, (None, [a, b])) => ordered(Order::GreaterEqual, value(a, schema)?, value(b, schema)?),
        (operators::IN, (None, [a, b])) => within(a, b, schema),
        ("contains", (Some(text), [needle])) => matched(Match::Contains, text, needle, schema),
        ("startsWith", (Some(text), [needle])) => matched(Match::Starts, text, needle, schema),
        ("endsWith", (Some(text), [needle])) => matched(Match::Ends, text, needle, schema),
        ("contains" | "startsWith" | "endsWith", _) => {
            flaw(node, Spot::Name, "type", format!("{0} takes one text: name.{0}(\"..\").", call.func_name))
        }
        ("has", _) => flaw(node, Spot::Name, "type", "has takes one field: has(record.name)."),
        ("size" | "timestamp", _) => truth(node, schema),
        (other, _) => flaw(node, Spot::Name, "unsupported", format!("`{}` is not known here.", other.trim_matches('_'))),
    }
}

/// A boolean value standing bare.
fn truth<'a>(node: &'a IdedExpr, schema: &Schema) -> Result<Node, Flaw<'a>> {
    match value(node, schema)?.what {
        What::Typed(operand, Kind::Bool) => Ok(Node::Truth(operand)),
        What::Typed(_, kind) => flaw(node, Spot::Whole, "type", format!("This is {kind}, not a condition: compare it with something.")),
        What::Literal(_) => flaw(node, Spot::Whole, "type", "This is a value, not a condition: compare it with something."),
    }
}

fn equal<'a>(not: bool, left: Value<'a>, right: Value<'a>) -> Result<Node, Flaw<'a>> {
    if let Some(node) = null_test(not, &left, &right)? {
        return Ok(node);
    }
    let node = right.node;
    let (left, right, kind) = pair(left, right)?;
    match kind {
        Kind::Money => flaw(node, Spot::Whole, "type", "Compare an amount's parts: x.minor and x.currency."),
        Kind::List => flaw(node, Spot::Whole, "type", "Lists are asked by `in`: \"x\" in tags."),
        Kind::Null | Kind::Bool | Kind::Int | Kind::Text | Kind::Date | Kind::Time | Kind::Decimal(_) => Ok(Node::Equal { not, left, right }),
    }
}

/// `x == null` is possible for every kind of field.
fn null_test<'a>(not: bool, left: &Value<'a>, right: &Value<'a>) -> Result<Option<Node>, Flaw<'a>> {
    let ((What::Literal(Literal::Null), other) | (other, What::Literal(Literal::Null))) = (&left.what, &right.what) else {
        return Ok(None);
    };
    match other {
        What::Literal(Literal::Null) => Ok(Some(Node::Known(!not))),
        What::Literal(_) => Ok(Some(Node::Known(not))),
        What::Typed(Operand::Size(_), _) => flaw(left.node, Spot::Whole, "type", "A size is never null: ask whether the text is."),
        What::Typed(operand, _) => Ok(Some(Node::Equal { not, left: operand.clone(), right: Operand::Null })),
    }
}

fn ordered<'a>(order: Order, left: Value<'a>, right: Value<'a>) -> Result<Node, Flaw<'a>> {
    let node = right.node;
    let (left, right, kind) = pair(left, right)?;
    match kind {
        Kind::Int | Kind::Text | Kind::Date | Kind::Time | Kind::Decimal(_) => Ok(Node::Order { order, left, right }),
        Kind::Money => flaw(node, Spot::Whole, "type", "Compare an amount's parts: x.minor and x.currency."),
        Kind::Null | Kind::Bool | Kind::List => flaw(node, Spot::Whole, "type", format!("There is no order in {kind}.")),
    }
}

/// Brings two values to one kind: a literal follows its counterpart.
fn pair<'a>(left: Value<'a>, right: Value<'a>) -> Result<(Operand, Operand, Kind), Flaw<'a>> {
    match (left.what, right.what) {
        (What::Typed(a, kind), What::Literal(b)) => Ok((a, fit(right.node, b, kind)?, kind)),
        (What::Literal(a), What::Typed(b, kind)) => Ok((fit(left.node, a, kind)?, b, kind)),
        (What::Typed(a, x), What::Typed(b, y)) if x == y => Ok((a, b, x)),
        (What::Typed(_, x), What::Typed(_, y)) => flaw(right.node, Spot::Whole, "type", format!("{x} and {y} do not compare.")),
        (What::Literal(a), What::Literal(b)) => {
            let (a, kind) = natural(left.node, a)?;
            Ok((a, fit(right.node, b, kind)?, kind))
        }
    }
}

fn within<'a>(left: &'a IdedExpr, right: &'a IdedExpr, schema: &Schema) -> Result<Node, Flaw<'a>> {
    if let Ast::List(list) = &right.expr {
        return listed(value(left, schema)?, &list.elements, schema);
    }
    let of = value(right, schema)?;
    let What::Typed(of, Kind::List) = of.what else {
        return flaw(right, Spot::Whole, "type", "Behind `in` stands a list: [\"a\", \"b\"], a field of tags, or actor.roles.");
    };
    let needle = value(left, schema)?;
    match needle.what {
        What::Typed(needle, Kind::Text) => Ok(Node::Member { of, needle }),
        What::Typed(_, kind) => flaw(left, Spot::Whole, "type", format!("This list holds texts, not {kind}.")),
        What::Literal(literal) => Ok(Node::Member { of, needle: fit(left, literal, Kind::Text)? }),
    }
}

/// `x in [..]`: what is known beforehand becomes one list, every other element an `==` of its own.
fn listed<'a>(left: Value<'a>, elements: &'a [IdedExpr], schema: &Schema) -> Result<Node, Flaw<'a>> {
    let elements = elements.iter().map(|e| value(e, schema)).collect::<Result<Vec<_>, _>>()?;
    let (left, kind) = list_kind(left, &elements)?;
    let (mut values, mut nodes) = (Vec::new(), Vec::new());
    for element in elements {
        let right = match element.what {
            What::Literal(Literal::Null) if !matches!(left, Operand::Size(_)) => Operand::Null,
            What::Literal(literal) => fit(element.node, literal, kind)?,
            What::Typed(Operand::Size(_), _) => return flaw(element.node, Spot::Whole, "type", "A size cannot stand in a list."),
            What::Typed(operand, own) if own == kind => operand,
            What::Typed(_, own) => return flaw(element.node, Spot::Whole, "type", format!("{own} and {kind} do not compare.")),
        };
        match right {
            Operand::Null | Operand::Field(_) => nodes.push(Node::Equal { not: false, left: left.clone(), right }),
            Operand::Bool(_) | Operand::Int(_) | Operand::Text(_) | Operand::Actor(_) | Operand::Size(_) => values.push(right),
        }
    }
    if nodes.is_empty() || !values.is_empty() {
        nodes.push(Node::In { left, values });
    }
    Ok(Node::any(nodes))
}

/// The kind of all elements is the left value's, or that of the first element that has one.
fn list_kind<'a>(left: Value<'a>, elements: &[Value<'a>]) -> Result<(Operand, Kind), Flaw<'a>> {
    let typed = elements.iter().find_map(|e| match &e.what {
        What::Typed(_, kind) => Some(*kind),
        What::Literal(_) => None,
    });
    let (operand, kind) = match (left.what, typed) {
        (What::Typed(operand, kind), _) => (operand, kind),
        (What::Literal(literal), Some(kind)) => (fit(left.node, literal, kind)?, kind),
        (What::Literal(literal), None) => natural(left.node, literal)?,
    };
    match kind {
        Kind::Bool | Kind::Int | Kind::Text | Kind::Date | Kind::Time | Kind::Decimal(_) => Ok((operand, kind)),
        Kind::Null | Kind::Money | Kind::List => flaw(left.node, Spot::Whole, "type", format!("One cannot look for {kind} in a list.")),
    }
}

fn matched<'a>(how: Match, text: &'a IdedExpr, needle: &'a IdedExpr, schema: &Schema) -> Result<Node, Flaw<'a>> {
    Ok(Node::Match { how, text: as_text(text, schema)?, needle: as_text(needle, schema)? })
}

fn as_text<'a>(node: &'a IdedExpr, schema: &Schema) -> Result<Operand, Flaw<'a>> {
    match value(node, schema)?.what {
        What::Typed(operand, Kind::Text) => Ok(operand),
        What::Typed(_, Kind::List) => flaw(node, Spot::Whole, "type", "A list is asked by `in`: \"x\" in tags."),
        What::Typed(_, kind) => flaw(node, Spot::Whole, "type", format!("This needs a text, not {kind}.")),
        What::Literal(literal) => fit(node, literal, Kind::Text),
    }
}
