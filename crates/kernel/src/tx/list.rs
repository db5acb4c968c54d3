//! Many records: a page, a count, an aggregate, a search. What the caller's condition hides is not counted either.

use super::{Tx, scoped};
use crate::{
    records::{Aggregate, Condition, Kind, Plan, Query, Values},
    secrets::{Cursor, CursorKey},
};
use base::Result;
use expr::Expr;
use silo::SearchQuery;
use std::{collections::HashMap, sync::Arc};

/// A page as JSON, `{"items": [..], "next": .., "total": ..}`.
pub type Listed = Vec<u8>;

impl Tx<'_, '_> {
    /// The page that the query asks for.
    pub(crate) fn list(&mut self, plan: &Plan, query: &Query) -> Result<Listed> {
        let (shown, conditions) = self.prepare(plan, query)?;
        let search = self.search_condition(plan, query);
        let after = query.cursor.as_deref().map(|text| self.open_cursor(plan, query, text)).transpose()?;
        let select = scoped(&conditions, self.who(), |scope| plan.list(query, after.as_deref(), scope, search.as_ref()))?;
        let mut out = b"{\"items\":[".to_vec();
        let next = if query.expand.is_empty() {
            let mut first = true;
            select.run(self.sql, |row| {
                if !std::mem::take(&mut first) {
                    out.push(b',');
                }
                plan.write_row(row, &shown, &mut out)
            })?
        } else {
            let mut page: Vec<Values> = Vec::with_capacity(query.limit);
            let next = select.run(self.sql, |row| plan.from_row(row, 0).map(|values| page.push(values)))?;
            self.write_expanded(plan, query, &page, &shown, &mut out)?;
            next
        };
        out.extend_from_slice(b"],\"next\":");
        let next = next.map(|position| self.seal_cursor(plan, query, &position)).transpose()?;
        crate::json::optional(next.as_deref(), &mut out);
        if query.count {
            let statement = scoped(&conditions, self.who(), |scope| plan.count(query, scope, search.as_ref()));
            let total = self.sql.row(&statement.sql, &statement.params, |row| row.int(0))?.unwrap_or_default();
            out.extend_from_slice(b",\"total\":");
            crate::json::number(total, &mut out);
        }
        out.push(b'}');
        Ok(out)
    }

    /// One record with only some of its fields, or with the titles of what it refers to.
    pub(crate) fn get_shaped(&mut self, plan: &Plan, id: &str, query: &Query) -> Result<Vec<u8>> {
        let (shown, _) = self.prepare(plan, query)?;
        let values = self.get(plan, id)?;
        let mut out = Vec::with_capacity(768);
        self.write_expanded(plan, query, std::slice::from_ref(&values), &shown, &mut out)?;
        Ok(out)
    }

    /// One page as records, for exports: with the next cursor's bytes, still unsealed.
    pub(crate) fn page(&mut self, plan: &Plan, query: &Query, after: Option<&[u8]>) -> Result<(Vec<Values>, Option<Vec<u8>>)> {
        let (_, conditions) = self.prepare(plan, query)?;
        let search = self.search_condition(plan, query);
        let select = scoped(&conditions, self.who(), |scope| plan.list(query, after, scope, search.as_ref()))?;
        let mut page = Vec::with_capacity(query.limit);
        let next = select.run(self.sql, |row| plan.from_row(row, 0).map(|values| page.push(values)))?;
        Ok((page, next))
    }

    /// The ids that a filter finds, for work on many.
    pub(crate) fn ids(&mut self, plan: &Plan, query: &Query, limit: usize) -> Result<Vec<String>> {
        let (_, conditions) = self.prepare(plan, query)?;
        let search = self.search_condition(plan, query);
        let statement = scoped(&conditions, self.who(), |scope| plan.ids(query, scope, search.as_ref(), limit));
        self.sql.rows(&statement.sql, &statement.params, |row| row.text(0).map(str::to_owned))
    }

    pub(crate) fn aggregate(&mut self, plan: &Plan, what: &Aggregate) -> Result<Vec<u8>> {
        let conditions = self.only(plan.read_permission())?;
        let who = self.who().clone();
        scoped(&conditions, &who, |scope| plan.aggregate(self.sql, what, scope))
    }

    /// What is shown, and the conditions on rows. (A field that may not be read does not exist for filter and sort: see `Query::parse`.)
    fn prepare(&mut self, plan: &Plan, query: &Query) -> Result<(Vec<bool>, Vec<Arc<Expr>>)> {
        self.stands(plan)?;
        let conditions = self.only(plan.read_permission())?;
        let readable = self.readable(plan);
        let shown = match (query.fields.is_empty(), readable.is_empty()) {
            (true, _) => readable,
            (false, true) => query.fields.clone(),
            (false, false) => query.fields.iter().zip(&readable).map(|(a, b)| *a && *b).collect(),
        };
        Ok((shown, conditions))
    }

    fn search_condition(&self, plan: &Plan, query: &Query) -> Option<Condition> {
        let words = silo::cut_words(query.q.as_deref()?);
        let (sql, params) = self.sql.search_condition(&words, &plan.resource, 1);
        Some(Condition { sql, params })
    }

    fn open_cursor(&self, plan: &Plan, query: &Query, text: &str) -> Result<Vec<u8>> {
        self.cursor_key()?.open(&cursor(plan, &query.binding()), text)
    }

    fn seal_cursor(&self, plan: &Plan, query: &Query, position: &[u8]) -> Result<String> {
        self.cursor_key()?.seal(&cursor(plan, &query.binding()), position)
    }

    pub(crate) fn cursor_key(&self) -> Result<CursorKey> {
        CursorKey::new(self.app().root_key(), self.tenant_id())
    }

    /// Writes records with the titles of what they refer to beside them: one query for each kind of reference, not for each row.
    fn write_expanded(&mut self, plan: &Plan, query: &Query, page: &[Values], shown: &[bool], out: &mut Vec<u8>) -> Result<()> {
        let mut titles: HashMap<(usize, String), String> = HashMap::new();
        for slot in &query.expand {
            let mut ids: Vec<&str> = page.iter().filter_map(|values| values.cell(*slot).text()).collect();
            ids.sort_unstable();
            ids.dedup();
            for (id, title) in self.titles_of(plan, *slot, &ids)? {
                titles.insert((*slot, id), title);
            }
        }
        for (at, values) in page.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            plan.write_values(values, shown, out);
            let refs: Vec<(usize, Option<&str>, Option<&str>)> = query
                .expand
                .iter()
                .map(|slot| {
                    let id = values.cell(*slot).text();
                    (*slot, id, id.and_then(|id| titles.get(&(*slot, id.to_owned()))).map(String::as_str))
                })
                .collect();
            plan.write_expanded(&refs, out);
        }
        Ok(())
    }

    /// Titles of the records or members that one field refers to; what the caller may not read has none.
    fn titles_of(&mut self, plan: &Plan, slot: usize, ids: &[&str]) -> Result<Vec<(String, String)>> {
        match plan.field(slot).map(|field| &field.kind) {
            Some(Kind::Ref { to, .. }) => {
                let target = self.app().catalogue().plan_of(to)?.clone();
                self.titles(&target, ids)
            }
            Some(Kind::User) if !ids.is_empty() => {
                let marks: Vec<String> = (1..=ids.len()).map(|n| format!("?{n}")).collect();
                let params: Vec<base::Value<'_>> = ids.iter().map(|id| (*id).into()).collect();
                let sql = format!(r#"SELECT "id", "name" FROM "members" WHERE "id" IN ({})"#, marks.join(", "));
                self.sql.rows(&sql, &params, |row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned())))
            }
            Some(_) | None => Ok(Vec::new()),
        }
    }

    /// The titles of those of `ids` that the caller may read, and that can be read at this version.
    pub(crate) fn titles(&mut self, plan: &Plan, ids: &[&str]) -> Result<Vec<(String, String)>> {
        let Ok(conditions) = self.only(plan.read_permission()) else { return Ok(Vec::new()) };
        if ids.is_empty() || self.stands(plan).is_err() {
            return Ok(Vec::new());
        }
        let statement = scoped(&conditions, self.who(), |scope| plan.titles(ids, scope));
        self.sql.rows(&statement.sql, &statement.params, |row| plan.title_row(row))
    }

    /// Records of all kinds that the words lead to: `(resource, id, title)`, best first.
    pub(crate) fn search(&mut self, text: &str, limit: usize) -> Result<Vec<(String, String, String)>> {
        let plans: Vec<Arc<Plan>> = self.app().catalogue().plans().filter(|plan| self.rights.installed(&plan.module)).cloned().collect();
        let resources: Vec<String> =
            plans.iter().filter(|plan| self.rights.held(plan.read_permission()).is_some()).map(|plan| plan.resource.clone()).collect();
        let words = silo::cut_words(text);
        if words.is_empty() || resources.is_empty() {
            return Ok(Vec::new());
        }
        // A few more than asked for, because some of them may be hidden by a condition.
        let wanted = i64::try_from(limit.saturating_mul(3).min(200)).unwrap_or(200);
        let found = self.sql.search_find(&SearchQuery { words, resources, limit: wanted, offset: 0 })?;
        let mut titles: HashMap<(String, String), String> = HashMap::new();
        for plan in &plans {
            let ids: Vec<&str> = found.iter().filter(|(resource, _)| *resource == plan.resource).map(|(_, id)| id.as_str()).collect();
            for (id, title) in self.titles(plan, &ids)? {
                titles.insert((plan.resource.clone(), id), title);
            }
        }
        Ok(found.into_iter().filter_map(|key| titles.remove(&key).map(|title| (key.0, key.1, title))).take(limit).collect())
    }
}

fn cursor<'a>(plan: &'a Plan, binding: &'a str) -> Cursor<'a> {
    Cursor { operation: &plan.resource, sort: "", filter: binding }
}
