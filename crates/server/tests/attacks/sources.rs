//! What the source must not hold, so that there is no second way in.

use std::path::{Path, PathBuf};

fn sources() -> Vec<(String, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> =
        std::fs::read_dir(&crates).unwrap().map(|entry| entry.unwrap().path().join("src")).filter(|src| src.is_dir()).collect();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(&crates).unwrap().to_string_lossy().into_owned();
                let text = std::fs::read_to_string(&path).unwrap();
                // What stands behind `#[cfg(test)]` at the end of a file is not in the product.
                let product = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
                if !name.contains("/tests/") && !name.ends_with("tests.rs") && !name.starts_with("testkit/") && !name.starts_with("faults/") {
                    found.push((name, product));
                }
            }
        }
    }
    assert!(found.len() > 120, "only {} files were found", found.len());
    found
}

fn holds(text: &str, words: &[&str]) -> bool {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| words.iter().any(|word| line.contains(word)))
}

#[test]
fn s_03_there_is_one_router_and_one_registry() {
    for (name, text) in sources() {
        assert!(!holds(&text, &["axum::Router", "Router::new", ".route(", "MethodRouter", "warp::", "actix_web"]), "{name} has a router of its own");
        // Whoever takes requests hands them to the one door.
        let serves = holds(&text, &["TcpListener", "serve_connection", "UnixListener"]);
        // A proof looks for a free port, for the server that it starts.
        assert!(!serves || ["server/src/listen.rs", "server/src/verify/child.rs"].contains(&name.as_str()), "{name} listens");
        let calls = holds(&text, &["kernel::http::handle(", "http::handle("]);
        assert!(!calls || ["server/src/listen.rs", "server/src/door.rs"].contains(&name.as_str()), "{name} makes requests of its own");
        // The handlers of operations are run by `Registry::call` only.
        let runs = holds(&text, &["Run::Read(run)", "Run::Record(run)", "Run::Scan(run)", "Run::Write(run)", "Run::Async(run)"]);
        assert!(!runs || name == "kernel/src/operations/registry.rs", "{name} runs operations past the registry");
    }
}

#[test]
fn s_03_a_context_is_made_in_one_file() {
    for (name, text) in sources() {
        let makes = holds(&text, &["Ctx { inner", "Ctx::new(", "Ctx::of_credential(", "Ctx::of_job(", "Ctx::of_system("]);
        let known = ["kernel/src/ctx.rs", "kernel/src/http/api.rs", "kernel/src/jobs/run.rs"];
        assert!(!makes || known.contains(&name.as_str()), "{name} makes a Ctx");
        let names = holds(&text, &["Identity {"]);
        assert!(!names || ["kernel/src/ctx.rs", "kernel/src/credentials.rs"].contains(&name.as_str()), "{name} says who acts");
        let hindsight = holds(&text, &["Ctx::of_hindsight("]);
        assert!(!hindsight || name == "kernel/src/platform/write_down.rs", "{name} writes in somebody's name");
        let operator = holds(&text, &["of_command_line("]);
        assert!(
            !operator || ["kernel/src/ctx.rs", "account/src/operators.rs", "hub/src/backup.rs"].contains(&name.as_str()),
            "{name} acts as the operator"
        );
    }
    let ctx = sources().into_iter().find(|(name, _)| name == "kernel/src/ctx.rs").unwrap().1;
    let at = ctx.find("pub struct Ctx {").unwrap();
    let derives = ctx[..at].rsplit("#[derive(").next().unwrap().split(')').next().unwrap();
    assert!(!derives.contains("Default") && !ctx.contains("impl Default for Ctx"), "there is no default Ctx");
}

#[test]
fn s_03_sql_stands_only_where_the_platform_is() {
    for (name, text) in sources() {
        let sql = holds(&text, &["SELECT ", "INSERT INTO", "DELETE FROM", "UPDATE \"", "CREATE TABLE"]);
        let platform = ["kernel/", "account/", "hub/", "silo/"].iter().any(|start| name.starts_with(start));
        // `expr` turns conditions into SQL and knows no tables but side tables.
        assert!(!sql || name == "expr/src/sql.rs" || platform, "{name} holds SQL: products have records");
        let names_silo = holds(&text, &["silo::", "use silo"]);
        assert!(!names_silo || platform, "{name} names silo: products have `kernel::Tx`");
    }
}

/// SQL whose text is put together at run time. Each of these puts in only identifiers that are checked when a manifest is read, numbers of
/// its own, or constants; the list only shrinks.
const MADE: [&str; 22] = [
    "account/src/invitations.rs",
    "account/src/links.rs",
    "account/src/members.rs",
    "hub/src/backup.rs",
    "hub/src/tenants.rs",
    "kernel/src/credentials.rs",
    "kernel/src/events/verify.rs",
    "kernel/src/platform/events.rs",
    "kernel/src/platform/jobs.rs",
    "kernel/src/records/aggregate.rs",
    "kernel/src/records/ddl.rs",
    "kernel/src/records/keyset.rs",
    "kernel/src/records/list.rs",
    "kernel/src/records/migrate.rs",
    "kernel/src/records/statements.rs",
    "kernel/src/records/steps.rs",
    "kernel/src/records/title.rs",
    "kernel/src/tx/history.rs",
    "kernel/src/tx/list.rs",
    "silo/src/copy.rs",
    "silo/src/search.rs",
    "silo/src/postgres/",
];

#[test]
fn s_08_sql_is_put_together_in_few_places() {
    for (name, text) in sources() {
        let made = text.split("format!(").skip(1).any(|rest| {
            let argument: String = rest.trim_start().chars().take(400).collect();
            let literal = argument
                .split(if argument.starts_with("r#\"") { "\"#" } else { "\"" })
                .nth(usize::from(!argument.starts_with("r#\"")))
                .unwrap_or_default();
            ["SELECT ", "INSERT INTO", "DELETE FROM", "UPDATE "].iter().any(|word| literal.contains(word))
        });
        assert!(!made || MADE.iter().any(|known| name.starts_with(known)), "{name} puts SQL together: write it out, or say here why it is safe");
    }
}
