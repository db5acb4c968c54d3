//! The commonest request of all, one record by its id, without a transaction: one statement is one state of the silo by itself. It brings
//! the epoch of rights with the record, so both are of the same moment, as in a transaction.
//!
//! This answers only where there is nothing to weigh: rights that are known under that epoch and hold without a condition, for a whole
//! record that is there. Anything else is asked again in a transaction, which alone knows how to refuse.

use super::{check, readable, records::VERSION};
use crate::{
    access::{Grant, known},
    ctx::Ctx,
    operations::{Call, Reply},
    records::Plan,
    verbs::found,
};
use base::Result;

pub(crate) async fn at_once(cx: &Ctx, plan: &Plan, call: &Call) -> Option<Reply> {
    if !call.query.is_empty() || cx.scopes().is_some() {
        return None;
    }
    let id = call.record_id().ok()?;
    let mut json = Vec::with_capacity(1024);
    let written = |row: &silo::Row<'_>| -> Result<Option<i64>> {
        let Some(rights) = known(cx.app(), cx.tenant_id(), cx.subject(), row.int(plan.width())?) else { return Ok(None) };
        if check(cx, &rights).is_err() || !matches!(rights.held(plan.read_permission()), Some(Grant::All)) {
            return Ok(None);
        }
        plan.write_row(row, &readable(&rights, plan), &mut json)?;
        row.int(VERSION).map(Some)
    };
    let version = cx.silo().peek(plan.select_current(), &[id.into()], written).await?.ok()???;
    Some(found(call, json, version))
}
