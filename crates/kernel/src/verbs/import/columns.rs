//! Which columns of a file go into which fields.

use crate::records::Plan;
use base::{Error, Fault, Result, fold};

/// `(column, slot)`: as the caller says, else by name.
pub(super) fn mapping(plan: &Plan, header: &csv::StringRecord, map: Option<&str>) -> Result<Vec<(usize, usize)>> {
    let mut faults = Vec::new();
    let mut columns = Vec::new();
    if let Some(map) = map {
        for pair in map.split(',').filter(|pair| !pair.is_empty()) {
            let Some((column, field)) = pair.rsplit_once(':') else {
                faults.push(Fault::new("map", "shape", format!("`{pair}` is not `column:field`.")));
                continue;
            };
            let at = header.iter().position(|name| name == column);
            let slot = plan.slot(field);
            match (at, slot) {
                (Some(at), Some(slot)) => columns.push((at, slot)),
                (None, _) => faults.push(Fault::new("map", "unknown", crate::json::unknown("column", column, header.iter()))),
                (_, None) => {
                    faults.push(Fault::new("map", "unknown", crate::json::unknown("field", field, plan.fields().iter().map(|f| f.name.as_str()))))
                }
            }
        }
    } else {
        for (at, name) in header.iter().enumerate() {
            let wanted = fold(name);
            let slot = plan.fields().iter().position(|field| field.name == wanted || fold(&field.label) == wanted);
            columns.extend(slot.map(|slot| (at, slot)));
        }
    }
    for (n, (_, slot)) in columns.iter().enumerate() {
        if columns.iter().skip(n + 1).any(|(_, other)| other == slot) {
            let name = plan.field(*slot).map(|f| f.name.clone()).unwrap_or_default();
            faults.push(Fault::new("map", "duplicate", format!("Two columns go into `{name}`.")));
        }
    }
    if columns.is_empty() && faults.is_empty() {
        faults.push(Fault::new("map", "empty", "No column has the name of a field. Say which goes where: `map=column:field`."));
    }
    if faults.is_empty() { Ok(columns) } else { Err(Error::invalid(faults)) }
}

/// Refuses a key by which no row could be found.
pub(super) fn check_key(plan: &Plan, columns: &[(usize, usize)], name: &str) -> Result<()> {
    let slot = plan
        .slot(name)
        .ok_or_else(|| Error::fault("key", "unknown", crate::json::unknown("field", name, plan.fields().iter().map(|f| f.name.as_str()))))?;
    if columns.iter().any(|(_, mapped)| *mapped == slot) {
        Ok(())
    } else {
        Err(Error::fault("key", "unmapped", format!("No column goes into `{name}`, so no row could be found by it.")))
    }
}
