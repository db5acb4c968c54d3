use super::{
    Plan, Query, Statement,
    keyset::{self, Keys},
    query::Sort,
};
use base::{Result, Value};
use std::borrow::Cow;

/// The rows somebody may read at all: the conditions of their grants, of which one must hold. None: all rows.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub only: &'a [&'a expr::Expr],
    pub who: &'a expr::Actor,
}

/// A ready piece of a WHERE, its parameters numbered from `?1`: a search.
#[derive(Debug, Clone)]
pub struct Condition {
    pub sql: String,
    pub params: Vec<Value<'static>>,
}

/// A page of rows: one statement, or two that are read one after the other until the page is full.
#[derive(Debug)]
pub struct Select {
    /// The last parameter of each is its LIMIT.
    pub parts: Vec<Statement<'static>>,
    limit: usize,
    width: usize,
    sorts: Vec<Sort>,
}

impl Select {
    /// Reads the page. `each` gets every row (record columns from offset 0). Returns the bytes of the next cursor when more rows follow.
    pub fn run(&self, tx: &mut silo::Tx<'_>, mut each: impl FnMut(&silo::Row<'_>) -> Result<()>) -> Result<Option<Vec<u8>>> {
        let (mut seen, mut last, mut more) = (0, None, false);
        for part in &self.parts {
            if more {
                break;
            }
            let mut params: Vec<Value<'_>> = part.params.iter().map(Value::borrowed).collect();
            if let Some(limit) = params.last_mut() {
                *limit = Value::Int(i64::try_from(self.limit + 1 - seen).unwrap_or(1));
            }
            tx.each(&part.sql, &params, |row| {
                seen += 1;
                if seen > self.limit {
                    more = true;
                    return Ok(());
                }
                if seen == self.limit {
                    last = Some(Keys::of_row(row, &self.sorts, self.width)?.to_bytes());
                }
                each(row)
            })?;
        }
        Ok(last.filter(|_| more))
    }
}

impl Plan {
    /// The page of `query` after the row that `after` (the opened cursor) describes. `search` is the condition for `query.q`.
    pub fn list(&self, query: &Query, after: Option<&[u8]>, scope: &Scope<'_>, search: Option<&Condition>) -> Result<Select> {
        let find = Where::of(query, scope, search);
        let parts = match after {
            Some(bytes) => keyset::after(&query.sort, &Keys::from_bytes(bytes, &query.sort)?, &find),
            None => vec![find],
        };
        let keys: String = query.sort.iter().map(|s| format!(", {}", s.column)).collect();
        let columns = format!("{}{keys}", self.texts.columns);
        let order = keyset::order(&query.sort);
        let part = |mut find: Where| {
            let limit = find.param(Value::Int(i64::try_from(query.limit + 1).unwrap_or(1)));
            find.statement(&columns, &self.quoted(), &format!("{order} LIMIT {limit}"))
        };
        Ok(Select { parts: parts.into_iter().map(part).collect(), limit: query.limit, width: self.width(), sorts: query.sort.clone() })
    }
    /// How many rows the same query finds in all.
    pub fn count(&self, query: &Query, scope: &Scope<'_>, search: Option<&Condition>) -> Statement<'static> {
        Where::of(query, scope, search).statement("COUNT(*)", &self.quoted(), "")
    }
    /// The ids the same query finds, at most `limit`, oldest first: for bulk work by filter.
    pub fn ids(&self, query: &Query, scope: &Scope<'_>, search: Option<&Condition>, limit: usize) -> Statement<'static> {
        Where::of(query, scope, search).statement("\"id\"", &self.quoted(), &format!(" ORDER BY \"id\" LIMIT {limit}"))
    }
}

/// A WHERE as it grows: conditions joined by AND, parameters numbered as they come.
#[derive(Debug, Clone)]
pub struct Where(expr::Sql);

impl Default for Where {
    fn default() -> Where {
        Where(expr::Sql { text: String::new(), params: Vec::new() })
    }
}

impl Where {
    /// What a query, the reader's grants and a search leave of a table.
    pub fn of(query: &Query, scope: &Scope<'_>, search: Option<&Condition>) -> Where {
        let mut find = Where::default();
        if let Some(search) = search {
            find.0.params.extend(search.params.iter().cloned());
            find.and(&search.sql);
        }
        in_scope(scope, &mut find);
        if let Some(filter) = &query.filter {
            find.expression(filter, scope.who);
        }
        find
    }
    /// Adds a parameter and returns its `?n`.
    pub fn param(&mut self, value: Value<'static>) -> String {
        self.0.params.push(value);
        format!("?{}", self.0.params.len())
    }
    pub fn and(&mut self, condition: &str) {
        self.join();
        self.0.text.push_str(&format!("({condition})"));
    }
    pub fn expression(&mut self, expression: &expr::Expr, who: &expr::Actor) {
        self.join();
        expression.to_sql(who, &mut self.0);
    }
    fn join(&mut self) {
        self.0.text.push_str(if self.0.text.is_empty() { " WHERE " } else { " AND " });
    }
    /// The whole SELECT.
    pub fn statement(self, columns: &str, table: &str, rest: &str) -> Statement<'static> {
        Statement { sql: Cow::Owned(format!("SELECT {columns} FROM {table}{}{rest}", self.0.text)), params: self.0.params }
    }
}

/// One of the reader's conditions must hold.
pub fn in_scope(scope: &Scope<'_>, find: &mut Where) {
    let Some((first, others)) = scope.only.split_first() else { return };
    find.join();
    find.0.text.push('(');
    first.to_sql(scope.who, &mut find.0);
    for other in others {
        find.0.text.push_str(" OR ");
        other.to_sql(scope.who, &mut find.0);
    }
    find.0.text.push(')');
}
