use crate::{
    Actor, Fault, Record, Schema, Sql,
    check::condition,
    eval,
    scan::scan,
    source::parse,
    sql,
    tree::{Node, Place},
};
use std::sync::Arc;

/// A checked expression: every name is known, every type fits, every literal is folded. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Expr {
    text: Arc<str>,
    root: Arc<Node>,
}

impl Expr {
    /// Reads a condition. Everything that could go wrong later goes wrong here.
    pub fn parse(text: &str, schema: &Schema) -> Result<Expr, Fault> {
        let tokens = scan(text, schema)?;
        let tree = parse(text, &tokens)?;
        let root = condition(&tree, schema).map_err(|flaw| flaw.locate(text, &tokens))?;
        Ok(Expr { text: text.into(), root: Arc::new(root) })
    }
    /// Whether the condition is true of the record. Unknown is false.
    pub fn holds(&self, record: &dyn Record, who: &Actor) -> bool {
        eval::holds(&self.root, record, who) == Some(true)
    }
    /// Appends the same question as a boolean in parentheses, its parameters numbered on from those already there.
    pub fn to_sql(&self, who: &Actor, out: &mut Sql) {
        sql::write(&self.root, who, out);
    }
    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The fields it asks about, each once: who may not read one of them must not filter by it either.
    pub fn fields(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.places(&mut |place| names.push(place.field.name.clone()));
        names.sort_unstable();
        names.dedup();
        names
    }
    /// Whether it asks what the record was before an update. SQL cannot answer that.
    pub fn asks_before(&self) -> bool {
        let mut asks = false;
        self.places(&mut |place| asks |= place.before);
        asks
    }
    fn places(&self, visit: &mut dyn FnMut(&Place)) {
        self.root.operands(&mut |operand| operand.place().into_iter().for_each(&mut *visit));
    }
}
