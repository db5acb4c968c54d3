//! `tenon verify`, as somebody types it who wants to see for themselves. The short forms: a round or two, a few hundred requests.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends here")]

use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

/// `tenon` with its data in a folder, and nothing of the environment.
fn tenon(data: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenon"));
    command.args(args).env_clear().env("TENON_DATA", data);
    command
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|cause| panic!("{cause}: {output:?}"))
}

fn left_behind(data: &Path) -> Vec<String> {
    let names = std::fs::read_dir(data).into_iter().flatten().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("verify-")).collect()
}

#[test]
fn a_server_that_is_killed_loses_nothing_and_does_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let output = tenon(&data, &["verify", "durability", "--rounds", "2", "--power", "--json"]).output().unwrap();
    let found = json(&output);
    assert_eq!((output.status.code(), &found["ok"]), (Some(0), &true.into()), "{output:?}");
    assert!(found["acknowledged"].as_u64() > Some(20) && found["recovery_max_ms"].as_u64() > Some(0), "{found}");
    assert_eq!(["lost", "twice", "broken_chains"].map(|name| found[name].as_u64()), [Some(0); 3], "{found}");
    assert!(found["disk"]["writes"] == 256 && found["disk"]["plausible"].is_boolean(), "{found}");
    assert!(!data.exists(), "nothing stays, and no folder was made for it");
}

#[test]
fn every_operation_answers_everybody_as_it_must() {
    let folder = tempfile::tempdir().unwrap();
    // A pack of this installation's own is swept like those in the binary.
    let pack = folder.path().join("packs/shop");
    std::fs::create_dir_all(pack.join("resources")).unwrap();
    let manifest = r#"{"name": "shop", "title": "Shop", "version": "0.1.0", "min_platform": "0.1.0", "resources": ["shelves", "goods"]}"#;
    let shelves = r#"{"name": "shelf", "plural": "shelves", "title": "{code}", "fields": {"code": {"type": "text", "required": true, "unique": true, "min": 8, "max": 12}}}"#;
    let goods = r#"{"name": "good", "plural": "goods", "title": "{name}", "fields": {"name": {"type": "text", "required": true, "min": 9},
"shelf": {"type": "ref", "to": "shop.shelves", "required": true, "on_delete": "restrict"}, "page": {"type": "url"}, "keeper": {"type": "user", "required": true}}}"#;
    for (file, text) in [("manifest.json", manifest), ("resources/shelves.json", shelves), ("resources/goods.json", goods)] {
        std::fs::write(pack.join(file), text).unwrap();
    }
    let output = tenon(folder.path(), &["verify", "authz"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.starts_with("ok    authz\n") && said.contains(", 0 deviations"), "{said}");
    let count = |word: &str| said.split(word).next().unwrap().rsplit([' ', ',']).next().unwrap().parse::<u64>().unwrap();
    assert!(count(" operations") > 100 && count(" requests") > 900, "{said}");
    assert_eq!((output.stderr.len(), left_behind(folder.path()).len()), (0, 0));
}

#[test]
fn nothing_of_one_company_leaves_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let output = tenon(folder.path(), &["verify", "isolation", "--requests", "600", "--json"]).output().unwrap();
    let found = json(&output);
    assert_eq!((output.status.code(), &found["leaks"]), (Some(0), &Value::Array(Vec::new())), "{output:?}");
    let count = |name: &str| found[name].as_u64().unwrap();
    assert!(count("requests") == 600 && count("hung_up") > 10 && count("own_seen") > 500 && count("failed") == 0, "{found}");
    assert_eq!(left_behind(folder.path()).len(), 0);
}

#[test]
fn all_proofs_come_with_the_logs_of_this_installation() {
    let folder = tempfile::tempdir().unwrap();
    assert!(tenon(folder.path(), &["demo"]).output().unwrap().status.success());
    let args = ["verify", "all", "--rounds", "1", "--requests", "100"];
    let output = tenon(folder.path(), &args).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.matches("ok   ").count() == 4 && said.contains("2 logs, "), "{said}");

    // Somebody changes the log behind the server's back.
    let silo = std::fs::read_dir(folder.path().join("silos")).unwrap().map(|entry| entry.unwrap().path());
    let sizes = silo.filter(|path| path.extension().is_some_and(|end| end == "db")).map(|path| (path.metadata().unwrap().len(), path));
    let (_, largest) = sizes.max().unwrap();
    let changed = rusqlite::Connection::open(largest).unwrap().execute(r#"UPDATE "events" SET "actor" = 'nobody' WHERE "seq" = 9"#, []);
    assert_eq!(changed.unwrap(), 1);
    let output = tenon(folder.path(), &[&args[..], &["--json"]].concat()).output().unwrap();
    let found = json(&output);
    assert_eq!((output.status.code(), &found["ok"], &found["proofs"]["audit"]["ok"]), (Some(1), &false.into(), &false.into()), "{found}");
    assert!(found["proofs"]["audit"]["broken"][0].as_str().unwrap().contains("entry 9"), "{found}");
}

#[test]
fn a_proof_that_is_stopped_takes_its_data_and_its_server_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut proof = tenon(folder.path(), &["verify", "durability", "--rounds", "50"]).stdout(Stdio::null()).spawn().unwrap();
    let waited = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        left_behind(folder.path()).iter().any(|name| folder.path().join(name).join("server.log").exists())
    });
    assert!(waited, "a server was started");
    assert!(Command::new("kill").args(["-INT", &proof.id().to_string()]).status().unwrap().success());
    assert_eq!(proof.wait().unwrap().code(), Some(130));
    assert_eq!(left_behind(folder.path()).len(), 0);
}

#[test]
fn each_proof_says_what_it_does_and_what_it_costs() {
    for proof in ["durability", "authz", "isolation", "all"] {
        let output = tenon(Path::new("nowhere"), &["verify", proof, "--help"]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("Costs"), "{said}");
    }
}
