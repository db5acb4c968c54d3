//! The list of modules: the platform's own, the packs in this binary, and packs that somebody put into `DATA/packs`.

use base::{Error, Result};
use kernel::Module;
use rust_embed::RustEmbed;
use std::{collections::BTreeMap, path::Path};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../packs"]
#[include = "*/manifest.json"]
#[include = "*/resources/*.json"]
#[include = "crm/sample/companies.csv"]
struct Packs;

/// Every module of this installation.
pub fn all(data: &Path) -> Result<Vec<Module>> {
    let mut modules = vec![account::module()?, hub::module()];
    let mut packs: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for name in Packs::iter() {
        let Some((pack, file)) = name.split_once('/').filter(|(_, file)| file.ends_with(".json")) else { continue };
        packs.entry(format!("packs/{pack}")).or_default().push((file.to_owned(), embedded(&name)?));
    }
    for (pack, files) in outside(&data.join("packs"))? {
        packs.insert(pack, files);
    }
    for (origin, files) in &packs {
        let manifest = files.iter().find(|(file, _)| file == "manifest.json").map(|(_, text)| text.as_str());
        let manifest = manifest.ok_or_else(|| Error::malformed("manifest", format!("{origin} has no manifest.json.")))?;
        let resources: Vec<(&str, &str)> =
            files.iter().filter_map(|(file, text)| Some((file.strip_prefix("resources/")?.strip_suffix(".json")?, text.as_str()))).collect();
        modules.push(Module::parse(origin, manifest, &resources)?);
    }
    Ok(modules)
}

/// The real companies that the demo imports.
pub fn sample_companies() -> Result<String> {
    embedded("crm/sample/companies.csv")
}

fn embedded(name: &str) -> Result<String> {
    let file = Packs::get(name).ok_or_else(|| Error::internal(format!("{name} is not in this binary")))?;
    String::from_utf8(file.data.into_owned()).map_err(Error::internal)
}

type Files = Vec<(String, String)>;

/// Packs beside the data, so that a product that is pure data needs no compiler.
fn outside(folder: &Path) -> Result<Vec<(String, Files)>> {
    let mut packs = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(packs) };
    for entry in entries {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        let mut files = vec![("manifest.json".to_owned(), read(&path.join("manifest.json"))?)];
        if let Ok(resources) = std::fs::read_dir(path.join("resources")) {
            for resource in resources {
                let resource = resource?.path();
                let name = resource.file_name().unwrap_or_default().to_string_lossy().into_owned();
                files.push((format!("resources/{name}"), read(&resource)?));
            }
        }
        packs.push((path.display().to_string(), files));
    }
    Ok(packs)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|cause| Error::malformed("manifest", format!("{} cannot be read: {cause}.", path.display())))
}
