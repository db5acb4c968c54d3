//! The house stays as it was drawn: arrows between crates go down only, and every crate is built by the same rules.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand, Package};
use std::{fs, path::Path};

/// What a crate may stand on, besides crates from outside. From the roof down to the floor; a product is whatever is not named.
fn below(name: &str) -> &'static [&'static str] {
    match name {
        "base" | "faults" => &[],
        "expr" | "silo" => &["base"],
        "kernel" => &["expr", "silo", "base"],
        "account" => &["kernel", "silo", "base"],
        "hub" => &["account", "kernel", "silo", "base"],
        "testkit" => &["hub", "account", "kernel", "silo", "base"],
        _ => &["account", "kernel", "expr", "base"],
    }
}

/// Crates from outside that one crate alone may use, so that there is one place where it is done.
const ALONE: [(&str, &str); 8] = [
    ("rusqlite", "silo"),
    ("tokio-postgres", "silo"),
    ("cel", "expr"),
    ("lettre", "kernel"),
    ("argon2", "kernel"),
    ("jiff", "base"),
    ("clap", "server"),
    ("fail", "base"),
];

/// Crates that no other may need but for its tests.
const FOR_TESTS: [&str; 2] = ["testkit", "faults"];

#[test]
fn arrows_go_down_only() {
    let house = house();
    let names: Vec<&str> = house.workspace_packages().iter().map(|p| p.name.as_str()).collect();
    for package in house.workspace_packages() {
        for needed in used(package).filter(|d| names.contains(&d.name.as_str())) {
            let good = match package.name.as_str() {
                "server" => !FOR_TESTS.contains(&needed.name.as_str()),
                name => below(name).contains(&needed.name.as_str()),
            };
            assert!(good, "{} must not stand on {}: see the house in docs/architecture.md", package.name, needed.name);
        }
    }
}

#[test]
fn what_is_for_tests_is_not_in_the_product() {
    for package in house().workspace_packages() {
        let other = used(package).find(|d| FOR_TESTS.contains(&d.name.as_str()));
        assert!(other.is_none(), "{} takes {} into the product", package.name, other.unwrap().name);
    }
}

/// `base::step` can fail on purpose where `failpoints` is on. Only `testkit` asks for it, and no product takes that.
#[test]
fn no_product_can_be_made_to_fail_on_purpose() {
    for package in house().workspace_packages() {
        let (name, manifest) = (package.name.as_str(), fs::read_to_string(&package.manifest_path).unwrap());
        let asks = manifest.lines().any(|line| line.contains("failpoints") && !line.trim_start().starts_with('#'));
        assert!(!asks || FOR_TESTS.contains(&name) || name == "base", "{name} asks for failpoints");
        if name == "base" {
            assert!(used(package).any(|needed| needed.name == "fail" && needed.optional), "fail is optional");
            assert!(!package.features.contains_key("default"), "nothing is on by itself");
        }
    }
}

#[test]
fn what_one_crate_does_no_other_does() {
    for package in house().workspace_packages() {
        // A fault-injecting VFS is made of the driver's own C functions.
        for needed in used(package).filter(|d| package.name.as_str() != "faults" || d.name != "rusqlite") {
            let owner = ALONE.iter().find(|(name, _)| *name == needed.name).map(|(_, owner)| *owner);
            assert!(
                owner.is_none_or(|owner| owner == package.name.as_str()),
                "{} uses {}, which is {}'s alone",
                package.name,
                needed.name,
                owner.unwrap()
            );
        }
    }
}

#[test]
fn every_crate_is_built_by_the_same_rules() {
    let house = house();
    let crates = house.workspace_root.join("crates");
    let workspace = fs::read_to_string(house.workspace_root.join("Cargo.toml")).unwrap();
    for package in house.workspace_packages() {
        let name = &package.name;
        let manifest = fs::read_to_string(&package.manifest_path).unwrap();
        assert_eq!(package.manifest_path, crates.join(name.as_str()).join("Cargo.toml"), "folder and name are the same word");
        assert_eq!(package.edition.as_str(), "2024", "{name}");
        assert_eq!(package.rust_version.as_ref().expect(name).to_string(), "1.95.0", "{name}");
        assert_eq!(package.license.as_deref(), Some("Apache-2.0"), "{name}");
        assert_eq!(package.publish.as_deref(), Some(&[][..]), "{name} is not published");
        if name.as_str() == "faults" {
            // The one place where `unsafe` is allowed: the workspace's lints word for word, but for that one.
            assert!(manifest.contains("undocumented_unsafe_blocks = \"deny\""), "{name}: each unsafe block says why it is sound");
            for lint in lints(&workspace).filter(|lint| !lint.starts_with("unsafe_code")) {
                assert!(manifest.lines().any(|line| line == lint), "{name} does not have the lint {lint}");
            }
        } else {
            assert!(manifest.contains("\n[lints]\nworkspace = true\n"), "{name} does not take the workspace's lints");
        }
        let own = manifest.lines().find(|line| line.contains('"') && line.contains("version ="));
        assert_eq!(own, None, "{name}: versions stand in the workspace's Cargo.toml");
    }
    assert!(workspace.contains("unsafe_code = \"forbid\""), "no other crate may hold unsafe code");
    assert!(house.root_package().is_none(), "the workspace is a virtual manifest");
}

#[test]
fn packs_are_data() {
    let root = house().workspace_root;
    let mut open = vec![root.join("packs").into_std_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                assert!(is_data(&path), "{} is not data", path.display());
            }
        }
    }
}

/// The lines of the workspace's lints.
fn lints(workspace: &str) -> impl Iterator<Item = &str> {
    let from = workspace.split_once("[workspace.lints.rust]").unwrap().1.split_once("[profile").unwrap().0;
    from.lines().filter(|line| line.contains(" = "))
}

fn is_data(path: &Path) -> bool {
    path.extension().and_then(|e| e.to_str()).is_some_and(|e| ["json", "csv", "md", "svg"].contains(&e))
}

/// What becomes part of the product; tests may use more.
fn used(package: &Package) -> impl Iterator<Item = &Dependency> {
    package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development)
}

fn house() -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap()
}

#[test]
fn every_promise_of_the_manual_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut tests = String::new();
    let mut folders = vec![root.join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                tests.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let manual = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let rows: Vec<&str> = manual.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| promise")).collect();
    assert!(rows.len() > 40);
    for row in rows {
        let names: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test holds this: {row}");
        for name in names {
            assert!(tests.contains(&format!("fn {name}(")), "there is no test {name}");
        }
    }
    let names = tests.split("fn ").filter_map(|rest| rest.split_once('(')).map(|(name, _)| name);
    for name in names.filter(|name| is_numbered(name)) {
        assert!(manual.contains(&format!("`{name}`")), "docs/security.md does not promise what {name} holds");
    }
}

/// `r_` or `s_` and a number: a test that holds a promise.
fn is_numbered(test: &str) -> bool {
    let rest = test.strip_prefix("r_").or_else(|| test.strip_prefix("s_"));
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}
