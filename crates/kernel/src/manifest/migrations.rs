//! `migrations`: the explicit steps of a module, checked against what it declares today.

use super::{Checked, lines::step, meant};
use crate::records::{Kind, Plan, Step};
use serde_json::Value;

/// Reads them in their order. The schema has seen to their shape.
pub fn read(checked: &mut Checked, steps: &[Value], resources: &[String], plans: &[Plan]) -> Vec<Step> {
    let mut read: Vec<Step> = Vec::new();
    for (n, said) in steps.iter().enumerate() {
        let Some((verb, target)) = ["rename", "retire", "drop", "narrow"].iter().find_map(|verb| Some((*verb, said.get(*verb)?.as_str()?))) else {
            continue;
        };
        let at = format!("/migrations/{n}/{verb}");
        let (resource, field) = target.split_once('.').unwrap_or_default();
        let Some(plan) = plans.iter().find(|plan| plan.plural == resource) else {
            // One whose file has faults is told by its file.
            if !resources.iter().any(|known| known == resource) {
                let hint = meant(resource, resources.iter().map(String::as_str));
                checked.fault(&at, format!("There is no resource {resource:?}."), hint);
            }
            continue;
        };
        let (resource, field) = (resource.to_owned(), field.to_owned());
        read.push(match verb {
            "rename" => Step::Rename { resource, field, to: said.get("to").and_then(Value::as_str).unwrap_or_default().to_owned() },
            "retire" => Step::Retire { resource, field },
            "drop" => Step::Drop { resource, field },
            _ => {
                let map = said.get("map").and_then(Value::as_object).into_iter().flatten();
                let map: Vec<(String, Option<String>)> = map.map(|(from, to)| (from.clone(), to.as_str().map(str::to_owned))).collect();
                narrowed(checked, n, plan, &field, &map);
                Step::Narrow { resource, field, map }
            }
        });
    }
    if read.len() == steps.len() {
        for (n, step) in read.iter().enumerate() {
            fate(checked, n, step, &read, plans);
        }
    }
    read
}

/// Only what is declared can be narrowed; only texts and choices have values that can be replaced by name.
fn narrowed(checked: &mut Checked, n: usize, plan: &Plan, name: &str, map: &[(String, Option<String>)]) {
    let Some(field) = plan.slot(name).and_then(|slot| plan.field(slot)) else {
        let hint = meant(name, plan.fields().iter().map(|f| f.name.as_str()));
        return checked.fault(&format!("/migrations/{n}/narrow"), format!("{} has no field {name:?}.", plan.plural), hint);
    };
    for (from, to) in map {
        let fits = match (&field.kind, to) {
            (Kind::Choice { options }, Some(to)) => options.iter().any(|option| option.value == *to),
            (Kind::Choice { .. } | Kind::Text { .. }, _) => true,
            _ => false,
        };
        if !fits {
            let to = to.as_deref().unwrap_or("null");
            let message = format!("{from:?} cannot become {to:?}: {}.{name} is a {} that does not hold it.", plan.plural, field.kind.name());
            checked.fault(&format!("/migrations/{n}/map/{}", step(from)), message, None);
        }
    }
}

/// What a step leaves behind must fit what comes after it, and in the end what is declared.
fn fate(checked: &mut Checked, n: usize, step: &Step, all: &[Step], plans: &[Plan]) {
    let declared = |name: &str| plans.iter().any(|plan| plan.plural == step.resource() && plan.slot(name).is_some());
    let others = |range: &[Step], f: &dyn Fn(&Step) -> bool| range.iter().any(|other| other.resource() == step.resource() && f(other));
    let (before, after) = (all.get(..n).unwrap_or_default(), all.get(n + 1..).unwrap_or_default());
    let at = |verb: &str| format!("/migrations/{n}/{verb}");
    match step {
        Step::Rename { field, to, .. } => {
            let goes_on = declared(to)
                || others(
                    after,
                    &|other| matches!(other, Step::Rename { field, .. } | Step::Retire { field, .. } | Step::Drop { field, .. } if field == to),
                );
            if !goes_on {
                checked.fault(&at("to"), format!("{}.{to} is not declared.", step.resource()), None);
            }
            if declared(field) {
                checked.fault(&at("rename"), format!("{}.{field} is still declared.", step.resource()), None);
            }
        }
        Step::Retire { field, .. } if declared(field) => {
            checked.fault(&at("retire"), format!("{}.{field} is still declared.", step.resource()), None);
        }
        Step::Drop { field, .. } if declared(field) => {
            checked.fault(&at("drop"), format!("{}.{field} is still declared.", step.resource()), None);
        }
        Step::Drop { field, .. } => {
            let let_go = others(before, &|other| matches!(other, Step::Rename { field: f, .. } | Step::Retire { field: f, .. } if f == field));
            if !let_go {
                let message = format!(
                    "{}.{field} was neither renamed nor retired before. Retire it in one version and drop it in a later one.",
                    step.resource()
                );
                checked.fault(&at("drop"), message, None);
            }
        }
        Step::Retire { .. } | Step::Narrow { .. } => {}
    }
}
