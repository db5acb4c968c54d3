//! One record at a time: get, create, change, move.

use super::{Tx, scoped};
use crate::{
    events,
    operations::IfMatch,
    records::{Cell, Entry, Kind, Plan, Values},
};
use base::{Error, Fault, Result, Value};

/// The place of the version among the columns of a record.
pub(super) const VERSION: usize = 4;

impl Tx<'_, '_> {
    /// The record as it is stored, whoever asks.
    pub(crate) fn find(&mut self, plan: &Plan, id: &str) -> Result<Option<Values>> {
        self.stands(plan)?;
        self.sql.row(plan.select_one(), &[id.into()], |row| plan.from_row(row, 0))
    }

    /// A record that the caller may read. Hidden, foreign, deleted and never there are the same.
    pub fn get(&mut self, plan: &Plan, id: &str) -> Result<Values> {
        let values = self.find(plan, id)?.ok_or_else(Error::not_found)?;
        if self.holds(plan.read_permission(), &values) { Ok(values) } else { Err(Error::not_found()) }
    }

    /// The same as JSON, straight from the row where nothing has to be looked at in between. Returns the version.
    pub(crate) fn get_json(&mut self, plan: &Plan, id: &str, out: &mut Vec<u8>) -> Result<i64> {
        let shown = self.readable(plan);
        if !self.only(plan.read_permission())?.is_empty() {
            let values = self.get(plan, id)?;
            plan.write_values(&values, &shown, out);
            return Ok(values.version);
        }
        let version = self.sql.row(plan.select_one(), &[id.into()], |row| {
            plan.write_row(row, &shown, out)?;
            row.int(VERSION)
        })?;
        version.ok_or_else(Error::not_found)
    }

    /// A new record from a JSON body.
    pub fn create(&mut self, plan: &Plan, body: &[u8]) -> Result<Values> {
        let locked = self.locked(plan);
        let values = plan.read(body, &self.entry(&locked, plan))?;
        self.insert(plan, values, "created", "create")
    }

    fn entry<'a>(&'a self, locked: &'a [bool], plan: &Plan) -> Entry<'a> {
        Entry { who: self.who(), currency: &self.rights.currency, states: self.rights.held(&plan.permission("import")).is_some(), locked }
    }

    /// Stores a new record with its event and its search words.
    pub(crate) fn insert(&mut self, plan: &Plan, values: Values, verb: &str, action: &str) -> Result<Values> {
        self.stands(plan)?;
        self.holds_after(plan, action, &values)?;
        let all: Vec<usize> = (0..plan.fields().len()).collect();
        self.check_references(plan, &values, &all)?;
        self.check_unique(plan, &values, &all)?;
        for statement in plan.insert(&values) {
            statement.run(self.sql)?;
        }
        self.log(plan, verb, &values, &plan.created(&values))?;
        Ok(values)
    }

    /// Applies a merge patch to a record, if it is still the version that the caller saw.
    pub fn patch(&mut self, plan: &Plan, id: &str, body: &[u8], if_match: Option<IfMatch>) -> Result<Values> {
        let before = self.get(plan, id)?;
        self.still(plan, &before, if_match)?;
        let locked = self.locked(plan);
        let mut after = before.clone();
        // A state changes by its moves; only create and import may set it.
        let entry = Entry { states: false, ..self.entry(&locked, plan) };
        let changed = plan.merge(body, &entry, &mut after)?;
        self.update(plan, before, after, &changed, "updated", "update")
    }

    /// Cells from an import, onto a record that was found by its key.
    pub(crate) fn patch_cells(&mut self, plan: &Plan, before: Values, cells: Vec<(usize, Cell)>) -> Result<(Values, bool)> {
        let locked = self.locked(plan);
        let mut after = before.clone();
        let changed = plan.patch(cells, &self.entry(&locked, plan), &mut after)?;
        if changed.is_empty() {
            return Ok((before, false));
        }
        self.update(plan, before, after, &changed, "updated", "import").map(|values| (values, true))
    }

    /// Reads the cells of one row of a file; the faults of all of them at once.
    pub(crate) fn read_cells(&self, plan: &Plan, texts: &[(usize, String)]) -> Result<Vec<(usize, Cell)>> {
        let locked = self.locked(plan);
        let entry = self.entry(&locked, plan);
        let mut faults = Vec::new();
        let mut cells = Vec::with_capacity(texts.len());
        for (slot, text) in texts {
            match plan.read_cell(*slot, text, &entry) {
                Ok(cell) => cells.push((*slot, cell)),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(cells) } else { Err(Error::invalid(faults)) }
    }

    /// Up to two records with this key: none, the one, or more than one.
    pub(crate) fn by_key(&mut self, plan: &Plan, slot: usize, key: Value<'static>) -> Result<Vec<Values>> {
        self.sql.rows(&plan.select_by_key(slot), &[key], |row| plan.from_row(row, 0))
    }

    /// Cells from an import, as a new record.
    pub(crate) fn insert_cells(&mut self, plan: &Plan, cells: Vec<(usize, Cell)>) -> Result<Values> {
        let locked = self.locked(plan);
        let values = plan.enter(cells, &self.entry(&locked, plan))?;
        self.insert(plan, values, "created", "import")
    }

    /// Takes a record through a declared move.
    pub fn go(&mut self, plan: &Plan, id: &str, name: &str, if_match: Option<IfMatch>) -> Result<Values> {
        let before = self.get(plan, id)?;
        self.still(plan, &before, if_match)?;
        let permission = plan.move_permission(name, |p| self.app().catalogue().permission(p).is_some());
        let mut after = before.clone();
        let verb = plan.go(name, &mut after, self.who())?.event.rsplit('.').next().unwrap_or_default().to_owned();
        let changed = after.differs(&before);
        let action = permission.split(':').nth(1).unwrap_or_default().to_owned();
        self.update(plan, before, after, &changed, &verb, &action)
    }

    /// Stores a changed record. The condition must hold before and after; nothing changed means nothing happens.
    pub(crate) fn update(&mut self, plan: &Plan, before: Values, mut after: Values, changed: &[usize], verb: &str, action: &str) -> Result<Values> {
        let permission = plan.permission(action);
        if !self.holds(&permission, &before) {
            return Err(Error::denied(format!("This record may not be changed by you: {permission} is held for others only.")));
        }
        if changed.is_empty() {
            return Ok(before);
        }
        if !self.holds(&permission, &after.against(&before)) {
            return Err(Error::denied(format!("Changed like this, the record would leave what {permission} is held for.")));
        }
        self.check_references(plan, &after, changed)?;
        self.check_unique(plan, &after, changed)?;
        after.touch(self.who().now);
        for statement in plan.update(&after, changed) {
            statement.run(self.sql)?;
        }
        self.log(plan, verb, &after, &plan.updated(&before, &after, changed))?;
        Ok(after)
    }

    fn holds_after(&self, plan: &Plan, action: &str, values: &Values) -> Result<()> {
        let permission = plan.permission(action);
        if self.holds(&permission, values) {
            Ok(())
        } else {
            Err(Error::denied(format!("A record like this is outside of what {permission} is held for.")))
        }
    }

    /// The one event of a change, and the record's words for the search.
    pub(super) fn log(&mut self, plan: &Plan, verb: &str, values: &Values, data: &[u8]) -> Result<()> {
        let text = std::str::from_utf8(data).map_err(Error::internal)?;
        let at = self.who().now;
        events::append(self.cx, self.sql, at, &plan.event(verb), &plan.subject(&values.id), text)?;
        if verb != "deleted"
            && let Some((title, words)) = plan.search_words(values)
        {
            self.sql.search_put(&plan.resource, &values.id, &title, &words);
        }
        Ok(())
    }

    /// Refuses a version that somebody else has already replaced; the answer carries the record as it is now.
    pub(super) fn still(&mut self, plan: &Plan, now: &Values, if_match: Option<IfMatch>) -> Result<()> {
        match if_match {
            None | Some(IfMatch::Any) => return Ok(()),
            Some(IfMatch::Version(version)) if version == now.version => return Ok(()),
            Some(IfMatch::Version(_) | IfMatch::Never) => {}
        }
        let mut out = Vec::new();
        plan.write_values(now, &self.readable(plan), &mut out);
        let current: serde_json::Value = serde_json::from_slice(&out).map_err(Error::internal)?;
        Err(Error::stale().with_more(serde_json::json!({ "current": current })))
    }

    /// A reference must lead to a record that the caller may see, a person to a member of this company.
    fn check_references(&mut self, plan: &Plan, values: &Values, slots: &[usize]) -> Result<()> {
        let mut faults = Vec::new();
        for (field, id) in slots.iter().filter_map(|slot| Some((plan.field(*slot)?, values.cell(*slot).text()?))) {
            let there = match &field.kind {
                Kind::Ref { to, .. } => self.sees(to, id)?,
                Kind::User => self.cx.member() == Some(id) || self.is_member(id)?,
                Kind::Text { .. } | Kind::Email | Kind::Url | Kind::Phone | Kind::Integer { .. } | Kind::Boolean => continue,
                Kind::Date | Kind::Datetime | Kind::Choice { .. } | Kind::Tags { .. } | Kind::Money => continue,
            };
            if !there {
                faults.push(Fault::new(&field.name, "reference", "There is no such record."));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::invalid(faults)) }
    }

    fn sees(&mut self, resource: &str, id: &str) -> Result<bool> {
        if !base::is_id(id) {
            return Ok(false);
        }
        let target = self.app().catalogue().plan_of(resource)?.clone();
        self.stands(&target)?;
        let Ok(conditions) = self.only(target.read_permission()) else { return Ok(false) };
        let statement = scoped(&conditions, self.who(), |scope| target.titles(&[id], scope));
        Ok(self.sql.row(&statement.sql, &statement.params, |_| Ok(()))?.is_some())
    }

    fn is_member(&mut self, id: &str) -> Result<bool> {
        Ok(self.sql.row(r#"SELECT 1 FROM "members" WHERE "id" = ?1"#, &[id.into()], |_| Ok(()))?.is_some())
    }

    fn check_unique(&mut self, plan: &Plan, values: &Values, slots: &[usize]) -> Result<()> {
        for slot in slots {
            let Some(field) = plan.field(*slot).filter(|field| field.unique) else { continue };
            let key = field.key_of(values.cell(*slot));
            if key == Value::Null {
                continue;
            }
            let other = self.sql.row(&plan.select_by_key(*slot), &[key], |row| plan.from_row(row, 0))?;
            if other.is_some_and(|other| other.id != values.id) {
                return Err(Error::conflict(
                    "duplicate",
                    format!("Another {} has this {} already.", plan.label.to_lowercase(), field.label.to_lowercase()),
                )
                .with_faults(vec![Fault::new(&field.name, "duplicate", "This is taken.")]));
            }
        }
        Ok(())
    }
}
