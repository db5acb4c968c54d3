use kernel::Module;
use std::path::Path;

/// The CRM as the binary has it, read from `packs/crm`.
pub fn crm() -> Module {
    pack("crm")
}

fn pack(name: &str) -> Module {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs").join(name);
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
    let manifest = read(&folder.join("manifest.json"));
    let mut resources: Vec<(String, String)> = std::fs::read_dir(folder.join("resources"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), read(&path)))
        .collect();
    resources.sort();
    let resources: Vec<(&str, &str)> = resources.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Module::parse(&format!("packs/{name}"), &manifest, &resources).unwrap()
}

/// The real companies that a plain clone can import.
pub fn sample_companies() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/crm/sample/companies.csv")).unwrap()
}
