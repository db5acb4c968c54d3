//! The steps, as they stand in the source.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use testkit::{on_postgres, soak};

/// What a step can do in a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Error,
    Panic,
    Delay,
    /// In a process of its own, which is then no more.
    Kill,
}

impl Action {
    pub const ALL: [Action; 4] = [Action::Kill, Action::Error, Action::Panic, Action::Delay];

    /// As `fail` reads it: once, and then no more.
    pub fn text(self) -> &'static str {
        match self {
            Action::Error => "1*return(error)",
            Action::Panic => "1*return(panic)",
            Action::Delay => "1*return(delay)",
            Action::Kill => "return(kill)",
        }
    }
}

/// What this step is to do in this run of the tests.
pub fn actions(at: usize) -> Vec<Action> {
    soak(vec![Action::ALL[at % Action::ALL.len()]], Action::ALL.to_vec())
}

/// Work in steps, and the test that breaks it off at each of them. A step of another flow fails the build.
const FLOWS: [(&str, &str); 12] = [
    ("accept-invitation", "r_03_work_in_steps_finishes_or_undoes_itself_wherever_it_breaks_off"),
    ("backup", "r_03_work_in_steps_finishes_or_undoes_itself_wherever_it_breaks_off"),
    ("delete", "r_03_work_in_steps_finishes_or_undoes_itself_wherever_it_breaks_off"),
    ("export", "r_03_work_in_steps_finishes_or_undoes_itself_wherever_it_breaks_off"),
    ("import", "r_03_work_in_steps_finishes_or_undoes_itself_wherever_it_breaks_off"),
    ("install", "r_03_work_in_steps_finishes_or_undoes_itself_wherever_it_breaks_off"),
    ("mail", "r_03_work_in_steps_finishes_or_undoes_itself_wherever_it_breaks_off"),
    ("provision", "r_03_work_in_steps_finishes_or_undoes_itself_wherever_it_breaks_off"),
    ("restore", "r_03_work_in_steps_finishes_or_undoes_itself_wherever_it_breaks_off"),
    ("sign-up", "r_03_work_in_steps_finishes_or_undoes_itself_wherever_it_breaks_off"),
    ("migrate", "r_20_a_migration_that_breaks_off_anywhere_is_done_once_by_the_next_opening"),
    ("background", "r_25_a_loop_in_the_background_that_panics_is_started_again"),
];

/// A silo is a file that is made beside its place; a schema is made in one transaction.
const ON_SQLITE: [&str; 2] = ["provision.draft-begun", "provision.draft-written"];

/// Every step there is on this engine, in order of its name.
pub fn here() -> Vec<String> {
    all().into_keys().filter(|name| !on_postgres() || !ON_SQLITE.contains(&name.as_str())).collect()
}

/// Every step, and where it stands.
fn all() -> BTreeMap<String, Vec<PathBuf>> {
    let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut open: Vec<PathBuf> =
        std::fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path().join("src")).filter(|src| src.is_dir()).collect();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !path.to_string_lossy().contains("testkit") {
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(!text.contains("use base::step"), "{}: write base::step(..), so that it is found", path.display());
                for rest in text.split("base::step(").skip(1) {
                    let name = rest.strip_prefix('"').and_then(|rest| rest.split_once("\")")).map(|(name, _)| name);
                    let name = name.unwrap_or_else(|| panic!("{}: the name of a step stands beside it", path.display()));
                    found.entry(name.to_owned()).or_default().push(path.clone());
                }
            }
        }
    }
    found
}

#[test]
fn every_step_has_a_name_of_its_own_and_a_test_that_breaks_off_there() {
    let all = all();
    assert!(all.len() > 50, "only {} steps were found", all.len());
    for (name, places) in &all {
        assert_eq!(places.len(), 1, "{name} stands in {places:?}");
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b == b'.');
        let (flow, _) = name.split_once('.').filter(|_| plain).unwrap_or_else(|| panic!("{name} is not flow.step"));
        assert!(FLOWS.iter().any(|(known, _)| *known == flow), "no test breaks off {flow}, which has the step {name}");
    }
    for (flow, test) in FLOWS {
        assert!(all.keys().any(|name| name.split('.').next() == Some(flow)), "{flow} has no steps any more");
        let sources = [include_str!("main.rs"), include_str!("migrations.rs"), include_str!("panics.rs")].concat();
        assert!(sources.contains(&format!("fn {test}()")), "there is no test {test}");
    }
    assert!(ON_SQLITE.iter().all(|name| all.contains_key(*name)));
}
