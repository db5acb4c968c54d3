//! What a checked expression is made of: few kinds of nodes, every name a slot, every literal in the form of its column.

use crate::{Actor, schema::Field};
use std::sync::Arc;

/// A condition: true, false or unknown of a record.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Known(bool),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    /// A boolean value standing bare.
    Truth(Operand),
    /// `==`, or `!=` when `not`.
    Equal {
        not: bool,
        left: Operand,
        right: Operand,
    },
    Order {
        order: Order,
        left: Operand,
        right: Operand,
    },
    /// `x in ["a", "b"]`; the values are never null.
    In {
        left: Operand,
        values: Vec<Operand>,
    },
    /// `"x" in tags`, `actor.id in actor.roles`.
    Member {
        of: Operand,
        needle: Operand,
    },
    Match {
        how: Match,
        text: Operand,
        needle: Operand,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    Contains,
    Starts,
    Ends,
}

/// A value of an atom.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    Field(Place),
    Actor(Who),
    /// Code points of a text, or elements of a list.
    Size(Box<Operand>),
}

/// Where in a record a value stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub field: Arc<Field>,
    pub part: Part,
    pub before: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Minor,
    Currency,
}

/// What `actor`, `tenant` and `now` offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Id,
    User,
    Email,
    Kind,
    Roles,
    TenantId,
    TenantSlug,
    Now,
}

impl Who {
    /// The text it is; none for roles, which are many, and for the time.
    pub fn text(self, who: &Actor) -> Option<&str> {
        match self {
            Who::Id => Some(&who.id),
            Who::User => Some(&who.user),
            Who::Email => Some(&who.email),
            Who::Kind => Some(&who.kind),
            Who::TenantId => Some(&who.tenant_id),
            Who::TenantSlug => Some(&who.tenant_slug),
            Who::Roles | Who::Now => None,
        }
    }
}

impl Node {
    /// One condition that holds when any of these does, as flat as it can be: SQLite limits the depth of an expression.
    pub fn any(mut nodes: Vec<Node>) -> Node {
        if nodes.len() > 1 {
            let rest = nodes.split_off(nodes.len() / 2);
            return Node::Or(Box::new(Node::any(nodes)), Box::new(Node::any(rest)));
        }
        nodes.pop().unwrap_or(Node::Known(false))
    }
    /// Visits every value of every atom.
    pub fn operands(&self, visit: &mut dyn FnMut(&Operand)) {
        match self {
            Node::Known(_) => {}
            Node::Not(inner) => inner.operands(visit),
            Node::And(a, b) | Node::Or(a, b) => {
                a.operands(visit);
                b.operands(visit);
            }
            Node::Truth(a) => visit(a),
            Node::Equal { left: a, right: b, .. }
            | Node::Order { left: a, right: b, .. }
            | Node::Member { of: a, needle: b }
            | Node::Match { text: a, needle: b, .. } => {
                visit(a);
                visit(b);
            }
            Node::In { left, values } => {
                visit(left);
                values.iter().for_each(visit);
            }
        }
    }
}

impl Operand {
    /// The field it is or measures; none for literals and for what the actor brings along.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Operand::Field(place) => Some(place),
            Operand::Size(inner) => inner.place(),
            Operand::Null | Operand::Bool(_) | Operand::Int(_) | Operand::Text(_) | Operand::Actor(_) => None,
        }
    }
}
