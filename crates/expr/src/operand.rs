//! Names and values: what stands on either side of an operator, and of which kind it is.

use crate::{
    Schema, Type,
    eval::length,
    schema::{Column, Field},
    source::{Flaw, Spot},
    tree::{Operand, Part, Place, Who},
};
use base::{Time, nearest};
use cel::{
    IdedExpr,
    common::ast::{Expr as Ast, LiteralValue, SelectExpr},
};
use std::{fmt, sync::Arc};

/// A value as it was written; a literal does not know its kind before it meets its counterpart.
pub(crate) struct Value<'a> {
    pub node: &'a IdedExpr,
    pub what: What,
}

pub(crate) enum What {
    Literal(Literal),
    Typed(Operand, Kind),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

/// What can be compared with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Int,
    Text,
    Date,
    Time,
    Decimal(u8),
    Money,
    List,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Null => f.write_str("null"),
            Kind::Bool => f.write_str("true or false"),
            Kind::Int => f.write_str("an integer"),
            Kind::Text => f.write_str("a text"),
            Kind::Date => f.write_str("a date"),
            Kind::Time => f.write_str("a date with time"),
            Kind::Decimal(scale) => write!(f, "a decimal of {scale} digits"),
            Kind::Money => f.write_str("an amount of money"),
            Kind::List => f.write_str("a list"),
        }
    }
}

const ACTOR: [(&str, Who); 5] = [("id", Who::Id), ("user", Who::User), ("email", Who::Email), ("roles", Who::Roles), ("kind", Who::Kind)];
const TENANT: [(&str, Who); 2] = [("id", Who::TenantId), ("slug", Who::TenantSlug)];
const NAMES: [&str; 4] = ["actor", "tenant", "record", "now"];

pub(crate) fn flaw<'a, T>(node: &'a IdedExpr, spot: Spot, code: &'static str, hint: impl Into<String>) -> Result<T, Flaw<'a>> {
    Err(Flaw { node, spot, code, hint: hint.into() })
}

/// Reads a node as a value; conditions are none.
pub(crate) fn value<'a>(node: &'a IdedExpr, schema: &Schema) -> Result<Value<'a>, Flaw<'a>> {
    let what = match &node.expr {
        Ast::Literal(literal) => What::Literal(self::literal(node, literal)?),
        Ast::Ident(name) => ident(node, name, schema)?,
        Ast::Select(select) if !select.test => self::select(node, select, schema)?,
        Ast::Call(call) if call.func_name == "size" => size(node, call.target.as_deref(), &call.args, schema)?,
        Ast::Call(call) if call.func_name == "timestamp" && call.target.is_none() => timestamp(node, &call.args)?,
        Ast::List(_) => return flaw(node, Spot::Whole, "type", "A list stands only behind `in`."),
        Ast::Call(_) | Ast::Select(_) | Ast::Comprehension(_) | Ast::Map(_) | Ast::Struct(_) | Ast::Unspecified => {
            return flaw(node, Spot::Whole, "type", "A condition is no value: combine conditions with && || and !.");
        }
    };
    Ok(Value { node, what })
}

fn literal<'a>(node: &'a IdedExpr, literal: &LiteralValue) -> Result<Literal, Flaw<'a>> {
    Ok(match literal {
        LiteralValue::Null => Literal::Null,
        LiteralValue::Boolean(v) => Literal::Bool(*v.inner()),
        LiteralValue::Int(v) => Literal::Int(*v.inner()),
        LiteralValue::Double(v) => Literal::Double(*v.inner()),
        LiteralValue::String(v) if v.inner().contains('\0') => {
            return flaw(node, Spot::Whole, "zero-byte", "A text never contains the character U+0000.");
        }
        LiteralValue::String(v) => Literal::Text(v.inner().to_owned()),
        LiteralValue::Bytes(_) | LiteralValue::UInt(_) => return flaw(node, Spot::Whole, "unsupported", "Write a text or an integer."),
    })
}

fn ident<'a>(node: &'a IdedExpr, name: &str, schema: &Schema) -> Result<What, Flaw<'a>> {
    match name {
        "now" => Ok(What::Typed(Operand::Actor(Who::Now), Kind::Time)),
        // In the log `actor` is a field: standing alone it is that, and `actor.id` is still whoever asks.
        "actor" if schema.slot(name).is_none() => {
            flaw(node, Spot::Whole, "type", format!("Say what of the actor: {}.", list(ACTOR.iter().map(|a| a.0))))
        }
        "tenant" => flaw(node, Spot::Whole, "type", format!("Say what of the tenant: {}.", list(TENANT.iter().map(|t| t.0)))),
        "record" => flaw(node, Spot::Whole, "type", "Say which field of the record: record.name."),
        "before" if schema.has_before() => flaw(node, Spot::Whole, "type", "Say which field it had before: before.name."),
        _ => field(node, name, schema, false),
    }
}

fn select<'a>(node: &'a IdedExpr, select: &'a SelectExpr, schema: &Schema) -> Result<What, Flaw<'a>> {
    if let Ast::Ident(root) = &select.operand.expr {
        match root.as_str() {
            "record" => return field(node, &select.field, schema, false),
            "before" if schema.has_before() => return field(node, &select.field, schema, true),
            "before" if schema.slot(root).is_none() => {
                return flaw(&select.operand, Spot::Whole, "unknown-name", "`before` is known only where a record changes.");
            }
            "actor" => return attribute(node, "actor", &select.field, &ACTOR),
            "tenant" => return attribute(node, "tenant", &select.field, &TENANT),
            _ => {}
        }
    }
    match value(&select.operand, schema)?.what {
        What::Typed(Operand::Field(place), Kind::Money) => match select.field.as_str() {
            "minor" => Ok(What::Typed(Operand::Field(Place { part: Part::Minor, ..place }), Kind::Int)),
            "currency" => Ok(What::Typed(Operand::Field(Place { part: Part::Currency, ..place }), Kind::Text)),
            other => flaw(node, Spot::Name, "unknown-name", format!("An amount of money has minor and currency, not `{other}`.")),
        },
        What::Typed(_, kind) => flaw(node, Spot::Name, "unknown-name", format!("There is no `{}` in {kind}.", select.field)),
        What::Literal(_) => flaw(node, Spot::Name, "unknown-name", format!("There is no `{}` in a literal.", select.field)),
    }
}

/// Finds what `has(..)` asks about.
pub(crate) fn tested<'a>(node: &'a IdedExpr, select: &'a SelectExpr, schema: &Schema) -> Result<Operand, Flaw<'a>> {
    match self::select(node, select, schema)? {
        What::Typed(field @ Operand::Field(_), _) => Ok(field),
        What::Typed(..) | What::Literal(_) => flaw(node, Spot::Name, "type", "Only fields of the record can be absent."),
    }
}

fn attribute<'a>(node: &'a IdedExpr, of: &str, name: &str, known: &[(&str, Who)]) -> Result<What, Flaw<'a>> {
    match known.iter().find(|(known, _)| *known == name) {
        Some((_, Who::Roles)) => Ok(What::Typed(Operand::Actor(Who::Roles), Kind::List)),
        Some((_, who)) => Ok(What::Typed(Operand::Actor(*who), Kind::Text)),
        None => flaw(node, Spot::Name, "unknown-name", missing(&format!("{of}.{name}"), name, known.iter().map(|k| k.0))),
    }
}

fn field<'a>(node: &'a IdedExpr, name: &str, schema: &Schema, before: bool) -> Result<What, Flaw<'a>> {
    let Some(field) = schema.slot(name) else {
        let roots: &[&str] = if matches!(node.expr, Ast::Ident(_)) { &NAMES } else { &[] };
        return flaw(node, Spot::Name, "unknown-name", missing(name, name, schema.names().chain(roots.iter().copied())));
    };
    if field.column == Column::None {
        return flaw(node, Spot::Name, "not-filterable", format!("`{name}` can be stored and shown, but not be asked about."));
    }
    Ok(What::Typed(Operand::Field(Place { field: Arc::clone(field), part: Part::Whole, before }), kind(field)))
}

fn kind(field: &Field) -> Kind {
    match field.ty {
        Type::Bool => Kind::Bool,
        Type::Int => Kind::Int,
        Type::Text => Kind::Text,
        Type::Date => Kind::Date,
        Type::Time => Kind::Time,
        Type::Decimal(scale) => Kind::Decimal(scale),
        Type::Money => Kind::Money,
        Type::Tags => Kind::List,
    }
}

fn missing<'k>(shown: &str, name: &str, known: impl Iterator<Item = &'k str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("There is no `{shown}`. Did you mean `{near}`?"),
        None => format!("There is no `{shown}`. Known are {}.", list(known)),
    }
}

fn list<'k>(names: impl Iterator<Item = &'k str>) -> String {
    const SHOWN: usize = 12;
    let names: Vec<&str> = names.collect();
    let more = if names.len() > SHOWN { " and more" } else { "" };
    format!("{}{more}", names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", "))
}

/// `size(x)` and `x.size()`.
fn size<'a>(node: &'a IdedExpr, target: Option<&'a IdedExpr>, args: &'a [IdedExpr], schema: &Schema) -> Result<What, Flaw<'a>> {
    let (([of], None) | ([], Some(of))) = (args, target) else {
        return flaw(node, Spot::Name, "type", "size takes one value: size(name).");
    };
    match value(of, schema)?.what {
        What::Literal(Literal::Text(text)) => Ok(What::Typed(Operand::Int(length(text.chars().count())), Kind::Int)),
        What::Typed(operand, Kind::Text | Kind::List) => Ok(What::Typed(Operand::Size(Box::new(operand)), Kind::Int)),
        What::Typed(_, kind) => flaw(of, Spot::Whole, "type", format!("Texts and lists have a size; this is {kind}.")),
        What::Literal(_) => flaw(of, Spot::Whole, "type", "Texts and lists have a size."),
    }
}

fn timestamp<'a>(node: &'a IdedExpr, args: &'a [IdedExpr]) -> Result<What, Flaw<'a>> {
    const HINT: &str = "Write timestamp(\"2026-11-20T09:55:00Z\").";
    let [arg] = args else { return flaw(node, Spot::Name, "literal", HINT) };
    match &arg.expr {
        Ast::Literal(LiteralValue::String(text)) => match Time::parse(text.inner()) {
            Ok(time) => Ok(What::Typed(Operand::Int(time.0), Kind::Time)),
            Err(_) => flaw(arg, Spot::Whole, "literal", HINT),
        },
        _ => flaw(arg, Spot::Whole, "literal", HINT),
    }
}
