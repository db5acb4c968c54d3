//! A small world to ask questions about: one table, its schema, records, and who asks.

use base::Time;
use expr::{Actor, Cell, Column, Record, Schema, Type};

pub const TABLES: &str = r#"
    CREATE TABLE "things" ("id" TEXT PRIMARY KEY, "name" TEXT, "stage" TEXT, "owner" TEXT, "active" BOOLEAN, "count" BIGINT,
        "closes" TEXT, "seen" BIGINT, "price" BIGINT, "amount_minor" BIGINT, "amount_currency" TEXT);
    CREATE TABLE "things__tags" ("id" TEXT, "value" TEXT);"#;

pub fn schema() -> Schema {
    let plain = |name: &str| Column::Plain(format!("\"things\".\"{name}\""));
    let mut schema = Schema::new();
    schema
        .field("name", Type::Text, plain("name"))
        .field("stage", Type::Text, plain("stage"))
        .field("owner", Type::Text, plain("owner"))
        .field("active", Type::Bool, plain("active"))
        .field("count", Type::Int, plain("count"))
        .field("closes", Type::Date, plain("closes"))
        .field("seen", Type::Time, plain("seen"))
        .field("price", Type::Decimal(2), plain("price"))
        .field("amount", Type::Money, Column::Money { minor: "\"amount_minor\"".into(), currency: "\"amount_currency\"".into() })
        .field("tags", Type::Tags, Column::Side { table: "\"things__tags\"".into(), key: "\"things\".\"id\"".into() })
        .field("notes", Type::Text, Column::None);
    schema
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thing {
    pub name: Option<String>,
    pub stage: Option<String>,
    pub owner: Option<String>,
    pub active: Option<bool>,
    pub count: Option<i64>,
    pub closes: Option<String>,
    pub seen: Option<i64>,
    pub price: Option<i64>,
    pub amount: Option<(i64, String)>,
    pub tags: Vec<String>,
}

impl Record for Thing {
    fn cell(&self, slot: usize) -> Cell<'_> {
        match slot {
            0 => text_cell(&self.name),
            1 => text_cell(&self.stage),
            2 => text_cell(&self.owner),
            3 => self.active.map_or(Cell::Null, Cell::Bool),
            4 => self.count.map_or(Cell::Null, Cell::Int),
            5 => text_cell(&self.closes),
            6 => self.seen.map_or(Cell::Null, Cell::Int),
            7 => self.price.map_or(Cell::Null, Cell::Int),
            8 => self.amount.as_ref().map_or(Cell::Null, |(minor, currency)| Cell::Money { minor: *minor, currency }),
            9 => Cell::Tags(&self.tags),
            _ => Cell::Null,
        }
    }
}

fn text_cell(v: &Option<String>) -> Cell<'_> {
    v.as_deref().map_or(Cell::Null, Cell::Text)
}

pub fn actor() -> Actor {
    Actor {
        id: "m1".into(),
        user: "u1".into(),
        email: "ann@example.com".into(),
        roles: vec!["manager".into(), "a".into()],
        kind: "member".into(),
        tenant_id: "t1".into(),
        tenant_slug: "won".into(),
        now: Time(1_795_000_000_000_000),
    }
}
