//! What happened to a record, and the way back.

use super::Tx;
use crate::{
    events,
    records::{Plan, Values},
};
use base::{Error, Result, Time};
use std::sync::Arc;

/// How much of a record's history one answer shows.
const SHOWN: i64 = 200;

impl Tx<'_, '_> {
    /// The record as it is, or as it last was; hidden from whoever may not read that.
    fn last_known(&mut self, plan: &Plan, id: &str) -> Result<(Values, bool)> {
        if let Some(values) = self.find(plan, id)? {
            return if self.holds(plan.read_permission(), &values) { Ok((values, true)) } else { Err(Error::not_found()) };
        }
        let values = self.replayed(plan, id, i64::MAX)?.ok_or_else(Error::not_found)?;
        if self.holds(plan.read_permission(), &values) { Ok((values, false)) } else { Err(Error::not_found()) }
    }

    /// Plays a record's events up to `seq`.
    fn replayed(&mut self, plan: &Plan, id: &str, seq: i64) -> Result<Option<Values>> {
        let subject = plan.subject(id);
        let mut values = None;
        self.sql.each(
            r#"SELECT "data" FROM "events" WHERE "subject" = ?1 AND "seq" <= ?2 AND "data" IS NOT NULL ORDER BY "seq""#,
            &[(&subject).into(), seq.into()],
            |row| {
                let data = serde_json::from_str(row.text(0)?).map_err(Error::internal)?;
                plan.replay(&data, &mut values)
            },
        )?;
        Ok(values)
    }

    /// `{"items": [event, ..]}`, newest first, without the fields that the reader may not see.
    pub(crate) fn history(&mut self, plan: &Plan, id: &str) -> Result<Vec<u8>> {
        self.last_known(plan, id)?;
        let shown = self.readable(plan);
        let mut out = b"{\"items\":[".to_vec();
        let mut first = true;
        self.sql.each(
            &format!(r#"SELECT {} FROM "events" WHERE "subject" = ?1 ORDER BY "seq" DESC LIMIT {SHOWN}"#, events::COLUMNS),
            &[(&plan.subject(id)).into()],
            |row| {
                if !std::mem::take(&mut first) {
                    out.push(b',');
                }
                events::write_with(row, &mut out, |data, out| redacted(plan, data, &shown, out))
            },
        )?;
        out.extend_from_slice(b"]}");
        Ok(out)
    }

    /// Brings a record back to what it was after event `seq`; a deleted one returns under its own id. For the log that is an update, or a
    /// record made anew.
    pub(crate) fn revert(&mut self, plan: &Arc<Plan>, id: &str, seq: i64) -> Result<Values> {
        let (last, exists) = self.last_known(plan, id)?;
        let subject = plan.subject(id);
        let known = self.sql.row(r#"SELECT 1 FROM "events" WHERE "subject" = ?1 AND "seq" = ?2"#, &[(&subject).into(), seq.into()], |_| Ok(()))?;
        if known.is_none() {
            return Err(Error::fault("seq", "unknown", "This record has no event with that number. Its history lists them."));
        }
        let mut wanted = self.replayed(plan, id, seq)?.ok_or_else(Error::not_found)?;
        if let Some(slot) = self.locked(plan).iter().position(|locked| *locked).filter(|slot| wanted.cell(*slot) != last.cell(*slot)) {
            let name = plan.field(slot).map(|field| field.name.as_str()).unwrap_or_default();
            return Err(Error::denied(format!("Going back would change {name}, which you may not write.")));
        }
        if exists {
            let changed = wanted.differs(&last);
            wanted.version = last.version;
            return self.update(plan, last, wanted, &changed, "updated", "update");
        }
        let permission = plan.permission("update");
        if !self.holds(&permission, &wanted) {
            return Err(Error::denied(format!("This needs the permission {permission}.")));
        }
        wanted.version = last.version + 1;
        wanted.updated_at = Time::now();
        self.insert(plan, wanted, "created", "update")
    }
}

/// Writes an event's content without the fields that the reader may not see.
fn redacted(plan: &Plan, data: &str, shown: &[bool], out: &mut Vec<u8>) -> Result<()> {
    if shown.is_empty() {
        out.extend_from_slice(data.as_bytes());
        return Ok(());
    }
    let mut value = serde_json::from_str(data).map_err(Error::internal)?;
    plan.redact(&mut value, shown);
    serde_json::to_writer(out, &value).map_err(Error::internal)
}
