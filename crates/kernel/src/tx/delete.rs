//! Deleting a record, and what that means for those who refer to it.

use super::{Tx, scoped};
use crate::{
    operations::IfMatch,
    records::{Cell, Kind, OnDelete, Plan, Values},
};
use base::{Error, Result};
use serde_json::json;
use std::sync::Arc;

/// How many referrers a refusal names.
const NAMED: usize = 10;
/// How many records one delete may touch through cascades: a unit of work stays a unit.
const MOST: usize = 1000;

impl Tx<'_, '_> {
    /// Deletes a record. Its history stays. Whoever refers to it is named, cleared or deleted too, as its declaration says.
    pub fn delete(&mut self, plan: &Arc<Plan>, id: &str, if_match: Option<IfMatch>) -> Result<Values> {
        let values = self.get(plan, id)?;
        self.still(plan, &values, if_match)?;
        if !self.holds(&plan.permission("delete"), &values) {
            return Err(Error::denied(format!("This record may not be deleted by you: {} is held for others only.", plan.permission("delete"))));
        }
        let mut touched = 0;
        self.remove(plan, &values, &mut touched)?;
        Ok(values)
    }

    fn remove(&mut self, plan: &Arc<Plan>, values: &Values, touched: &mut usize) -> Result<()> {
        *touched += 1;
        if *touched > MOST {
            return Err(Error::conflict("too-many", format!("More than {MOST} records would go with it. Delete those first.")));
        }
        self.refuse_while_referred(plan, &values.id)?;
        for (other, slot, rule) in self.referring(plan) {
            while let Some(id) = self.first_referrer(&other, slot, &values.id)? {
                let Some(record) = self.find(&other, &id)? else { break };
                if rule == OnDelete::Cascade {
                    self.remove(&other, &record, touched)?;
                } else {
                    self.clear(&other, record, slot, touched)?;
                }
            }
        }
        for statement in plan.delete(&values.id) {
            statement.run(self.sql)?;
        }
        self.log(plan, "deleted", values, &plan.deleted(values))?;
        self.sql.search_remove(&plan.resource, &values.id);
        Ok(())
    }

    fn clear(&mut self, plan: &Plan, before: Values, slot: usize, touched: &mut usize) -> Result<()> {
        *touched += 1;
        let mut after = before.clone();
        after.set(slot, Cell::Null);
        after.touch(self.who().now);
        for statement in plan.update(&after, &[slot]) {
            statement.run(self.sql)?;
        }
        self.log(plan, "updated", &after, &plan.updated(&before, &after, &[slot]))
    }

    /// The installed resources that refer to this one, with the field and its rule.
    fn referring(&self, plan: &Plan) -> Vec<(Arc<Plan>, usize, OnDelete)> {
        let installed = |other: &&Arc<Plan>| self.rights.installed(&other.module);
        self.app()
            .catalogue()
            .plans()
            .filter(installed)
            .flat_map(|other| other.refers_to(&plan.resource).map(|slot| (other.clone(), slot)))
            .filter_map(|(other, slot)| match other.field(slot)?.kind {
                Kind::Ref { on_delete, .. } => Some((other.clone(), slot, on_delete)),
                _ => None,
            })
            .collect()
    }

    fn first_referrer(&mut self, other: &Plan, slot: usize, id: &str) -> Result<Option<String>> {
        // Whether it refers to the record cannot be known before its tables are at this version.
        self.stands(other)?;
        let statement = scoped(&[], self.who(), |all| other.referrers(slot, id, all, 1));
        self.sql.row(&statement.sql, &statement.params, |row| other.title_row(row).map(|(id, _)| id))
    }

    fn refuse_while_referred(&mut self, plan: &Plan, id: &str) -> Result<()> {
        let mut named = Vec::new();
        let mut referred = false;
        for (other, slot, rule) in self.referring(plan) {
            if rule != OnDelete::Restrict || self.first_referrer(&other, slot, id)?.is_none() {
                continue;
            }
            referred = true;
            // Only those that the caller may read are named.
            let Ok(conditions) = self.only(other.read_permission()) else { continue };
            let statement = scoped(&conditions, self.who(), |scope| other.referrers(slot, id, scope, NAMED));
            self.sql.each(&statement.sql, &statement.params, |row| {
                let (id, title) = other.title_row(row)?;
                if named.len() < NAMED {
                    named.push(json!({ "resource": other.resource, "id": id, "title": title }));
                }
                Ok(())
            })?;
        }
        if !referred {
            return Ok(());
        }
        Err(Error::conflict("referred", "Other records refer to this one. Change or delete them first.").with_more(json!({ "referrers": named })))
    }
}
