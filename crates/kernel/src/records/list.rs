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

/// A page of rows: one part, or two that are read one after the other until the page is full.
#[derive(Debug)]
pub struct Select {
    pub parts: Vec<Part>,
    limit: usize,
    width: usize,
    sorts: Vec<Sort>,
}

/// Rows in their order. The last parameter of each statement is its LIMIT.
#[derive(Debug)]
pub struct Part {
    /// The first of the rows, looked for among a few only: see [`Plan::scanned`].
    pub glance: Option<Statement<'static>>,
    pub rows: Statement<'static>,
}

/// Of how many rows a glance sees one.
const GLANCE: usize = 4;

impl Select {
    /// Reads the page. `each` gets every row (record columns from offset 0). Returns the bytes of the next cursor when more rows follow.
    pub fn run(&self, tx: &mut silo::Tx<'_>, mut each: impl FnMut(&silo::Row<'_>) -> Result<()>) -> Result<Option<Vec<u8>>> {
        let (mut seen, mut last, mut more) = (0, None, false);
        for part in &self.parts {
            let before = seen;
            for statement in part.glance.iter().chain([&part.rows]) {
                if more {
                    break;
                }
                // Those that a glance has seen come again.
                let mut again = seen - before;
                let mut params: Vec<Value<'_>> = statement.params.iter().map(Value::borrowed).collect();
                if let Some(limit) = params.last_mut() {
                    *limit = Value::Int(i64::try_from(self.limit + 1 - before).unwrap_or(1));
                }
                tx.each(&statement.sql, &params, |row| {
                    if again > 0 {
                        again -= 1;
                        return Ok(());
                    }
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
        }
        Ok(last.filter(|_| more))
    }
}

impl Plan {
    /// The page of `query` after the row that `after` (the opened cursor) describes. `search` is the condition for `query.q`.
    pub fn list(&self, query: &Query, after: Option<&[u8]>, scope: &Scope<'_>, search: Option<&Condition>) -> Result<Select> {
        let keys = after.map(|bytes| Keys::from_bytes(bytes, &query.sort)).transpose()?;
        let sorted: String = query.sort.iter().map(|s| format!(", {}", s.column)).collect();
        let (columns, table, order) = (format!("{}{sorted}", self.texts.columns), self.quoted(), keyset::order(&query.sort));
        let from = |find: Where| match &keys {
            Some(keys) => keyset::after(&query.sort, keys, &find),
            None => vec![find],
        };
        let limit = Value::Int(i64::try_from(query.limit + 1).unwrap_or(1));
        let parts = if self.scanned(query, scope, search) {
            let part = |mut find: Where| {
                let behind = find.text();
                find.asked(query, scope);
                let (asked, limit) = (find.text(), find.param(limit.clone()));
                let few = GLANCE * (query.limit + 1);
                let glance =
                    format!("SELECT {columns} FROM (SELECT * FROM {table}{behind}{order} LIMIT {few}) AS {table}{asked}{order} LIMIT {limit}");
                // The limit keeps SQLite from reading in the order in which the rows are wanted.
                let rows = format!("SELECT {columns} FROM (SELECT * FROM {table}{asked} LIMIT {}) AS {table}{behind}{order} LIMIT {limit}", i64::MAX);
                let statement = |sql: String, params| Statement { sql: Cow::Owned(sql), params };
                Part { glance: Some(statement(glance, find.0.params.clone())), rows: statement(rows, find.0.params) }
            };
            from(Where::default()).into_iter().map(part).collect()
        } else {
            let part = |mut find: Where| {
                let limit = find.param(limit.clone());
                Part { glance: None, rows: find.statement(&columns, &table, &format!("{order} LIMIT {limit}")) }
            };
            from(Where::of(query, scope, search)).into_iter().map(part).collect()
        };
        Ok(Select { parts, limit: query.limit, width: self.width(), sorts: query.sort.clone() })
    }

    /// Whether an index knows the order of the rows and none knows which of them are wanted. Going through the rows in their order ends early
    /// where most are wanted, and looks each of them up by itself where few are: so a few are looked at in order, and where the page is not
    /// full then, all of them as they lie, from end to end.
    fn scanned(&self, query: &Query, scope: &Scope<'_>, search: Option<&Condition>) -> bool {
        let own = || self.indexes.iter().filter(|index| index.table == self.table);
        let leads = |column: &str| own().any(|index| index.columns.first().is_some_and(|first| first == column));
        let found = |name: &String| match self.slot(name).and_then(|slot| self.field(slot)) {
            Some(field) => field.side_table().is_some() || field.columns().iter().any(|(column, _)| leads(column)),
            None => name == "id" || leads(name),
        };
        let sorted: Vec<&str> = query.sort.iter().map(|sort| sort.column.trim_matches('"')).collect();
        let one_way = query.sort.iter().map(|sort| sort.descending).is_sorted_by(|a, b| a == b);
        let in_order = !sorted.is_empty()
            && one_way
            && own().any(|index| index.columns.iter().map(String::as_str).take(sorted.len()).eq(sorted.iter().copied()));
        let conditions = || scope.only.iter().copied().chain(&query.filter);
        search.is_none() && in_order && conditions().next().is_some() && !conditions().any(|condition| condition.fields().iter().any(found))
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
        find.asked(query, scope);
        find
    }
    /// What the query and the reader's grants leave.
    fn asked(&mut self, query: &Query, scope: &Scope<'_>) {
        in_scope(scope, self);
        if let Some(filter) = &query.filter {
            self.expression(filter, scope.who);
        }
    }
    /// Takes the conditions out, so that others can be numbered on.
    fn text(&mut self) -> String {
        std::mem::take(&mut self.0.text)
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
