//! Every SQL text of the platform is one that both engines understand: each is prepared on the engine under test.

#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::path::{Path, PathBuf};
use testkit::TestApp;

#[tokio::test]
async fn every_statement_of_the_platform_prepares() {
    let (app, _folder) = TestApp::bare(Vec::new()).await;
    let statements = statements();
    assert!(statements.len() > 80, "only {} statements were found: is the reader of this test broken?", statements.len());
    let mut wrong = Vec::new();
    for (file, sql) in &statements {
        let text = sql.clone();
        // The hub has the tables of every silo and its own beside.
        if let Err(error) = app.hub().scan(move |tx| tx.prepare(&text)).await {
            wrong.push(format!("{}: {error}\n{sql}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The statements in the source that are whole: raw strings that begin as SQL and hold no place for `format!`.
fn statements() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for name in ["kernel", "account", "hub"] {
        read(&root.join(name).join("src"), &mut found);
    }
    found
}

fn read(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for piece in text.split("r#\"").skip(1) {
                let sql = piece.split("\"#").next().unwrap().to_owned();
                let whole = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "].iter().any(|word| sql.starts_with(word));
                if whole && !sql.contains('{') && sql.contains('"') {
                    found.push((path.clone(), sql));
                }
            }
        }
    }
}
