use super::{Manifest, ManifestFault, read::version};
use crate::records::Kind;

/// Checks what no module can check alone: dependencies (missing, too old, in a circle), targets of references and
/// permissions that belong to another module. Faults name `module/file`.
pub fn check_together(modules: &[&Manifest]) -> Result<(), Vec<ManifestFault>> {
    let faults: Vec<ManifestFault> = modules.iter().flat_map(|m| faults_of(m, modules)).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn faults_of(module: &Manifest, modules: &[&Manifest]) -> Vec<ManifestFault> {
    let mut faults = Vec::new();
    let find = |name: &str| modules.iter().find(|m| m.name == name).copied();
    if modules.iter().filter(|m| m.name == module.name).count() > 1 {
        faults.push(module.fault("manifest.json", "/name", format!("Two modules are named {:?}.", module.name)));
    }
    for (name, lowest) in &module.dependencies {
        let at = format!("/dependencies/{name}");
        match find(name) {
            None => faults.push(module.fault("manifest.json", &at, format!("There is no module {name:?}."))),
            Some(other) if version(&other.version) < version(lowest) => {
                let message = format!("{name} {lowest} is needed; here is {}.", other.version);
                faults.push(module.fault("manifest.json", &at, message));
            }
            Some(_) => {}
        }
        if let Some(circle) = circle(module, name, modules) {
            faults.push(module.fault("manifest.json", &at, format!("These modules need each other: {}.", circle.join(" → "))));
        }
    }
    for plan in &module.resources {
        for field in plan.fields() {
            let Kind::Ref { to, .. } = &field.kind else { continue };
            let (name, plural) = to.split_once('.').unwrap_or_default();
            if find(name).is_some_and(|other| other.resource(plural).is_none()) {
                let file = format!("resources/{}.json", plan.plural);
                faults.push(module.fault(&file, &format!("/fields/{}/to", field.name), format!("There is no resource {to:?}.")));
            }
        }
    }
    for (n, role) in module.roles.iter().enumerate() {
        for (g, grant) in role.grants.iter().enumerate() {
            let (name, _) = grant.permission.split_once('.').unwrap_or_default();
            if find(name).is_some_and(|other| !other.declares(&grant.permission)) {
                let at = format!("/roles/{n}/grants/{g}/permission");
                faults.push(module.fault("manifest.json", &at, format!("There is no permission {:?}.", grant.permission)));
            }
        }
    }
    faults
}

/// The way from `module` through its dependency `first` back to itself.
fn circle(module: &Manifest, first: &str, modules: &[&Manifest]) -> Option<Vec<String>> {
    let mut ways: Vec<Vec<String>> = vec![vec![module.name.clone(), first.to_owned()]];
    let mut seen: Vec<String> = Vec::new();
    while let Some(way) = ways.pop() {
        let Some(last) = way.last().filter(|last| !seen.contains(last)).cloned() else { continue };
        if last == module.name {
            return Some(way);
        }
        seen.push(last.clone());
        let next = modules.iter().filter(|m| m.name == last).flat_map(|m| &m.dependencies);
        ways.extend(next.map(|(name, _)| way.iter().cloned().chain([name.clone()]).collect()));
    }
    None
}
