//! What stops a start: manifests, configuration, keys.

use super::SECRET;
use kernel::{
    Module,
    config::{Config, Sources},
};
use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use testkit::TestApp;

#[test]
fn a_wrong_manifest_names_its_line() {
    let manifest = |dependencies: &str, more: &str| {
        format!(
            "{{\n  \"name\": \"shop\",\n  \"title\": \"Shop\",\n  \"version\": \"1.0.0\",\n  \"min_platform\": \"0.1.0\",\n  \"dependencies\": {{{dependencies}}},\n  \"resources\": [\"orders\"]{more}\n}}"
        )
    };
    let orders = r#"{"name": "order", "plural": "orders", "title": "{name}", "fields": {"name": {"type": "text"}}}"#;
    let refused = |manifest: &str| Module::parse("packs/shop", manifest, &[("orders", orders)]).err().unwrap().detail().to_owned();
    Module::parse("packs/shop", &manifest("", ""), &[("orders", orders)]).unwrap();
    let roles = ",\n  \"roles\": [\n    {\"name\": \"seller\", \"title\": \"Seller\", \"grants\": [\n      {\"permission\": \"shop.orders:raed\"}]}]";
    assert_eq!(
        refused(&manifest("", roles)),
        "packs/shop/manifest.json:10: There is no permission \"shop.orders:raed\". Did you mean \"shop.orders:read\"?"
    );
    assert_eq!(refused(&manifest("", ",\n  \"icno\": \"x\"")), "packs/shop/manifest.json:8: Unknown key \"icno\". Did you mean \"icon\"?");
    let when = ",\n  \"permissions\": {\n    \"shop.orders:read\": {\"title\": \"See\", \"roles\": [\"viewer\"], \"when\": \"ownr == actor.id\"}}";
    let found = refused(&manifest("", when));
    assert!(found.starts_with("packs/shop/manifest.json:9: ") && found.contains("column 1"), "{found}");
    assert!(refused("{\n\n \"name\" 3}").starts_with("packs/shop/manifest.json:3: This is not JSON"));
}

#[tokio::test]
async fn modules_that_need_each_other_stop_the_start_and_are_named_with_their_line() {
    let module = |name: &str, needs: &str| {
        let text = format!(
            "{{\"name\": \"{name}\", \"title\": \"X\", \"version\": \"1.0.0\", \"min_platform\": \"0.1.0\",\n\"dependencies\": {{\"{needs}\": \"1.0.0\"}}}}"
        );
        Module::parse(name, &text, &[]).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::for_tests(folder.path()).unwrap();
    config.storage.silos = String::new();
    let modules = vec![module("a", "b"), module("b", "a"), account::module().unwrap(), hub::module()];
    let refused = kernel::App::start(kernel::app::Parts { config, modules, assets: |_| None, demo: None }).await.err().unwrap();
    assert!(refused.detail().contains("a/manifest.json:2: These modules need each other: a → b → a."), "{}", refused.detail());
    assert!(!folder.path().join("data/silos").exists(), "nothing was made");
}

#[test]
fn a_wrong_configuration_stops_the_start_and_is_named_with_line_and_nearest_key() {
    let folder = tempfile::tempdir().unwrap();
    let run = |file: &str, env: &[(&str, &str)]| {
        std::fs::write(folder.path().join("tenon.toml"), file).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tenon"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).env_clear().env("TENON_DATA", folder.path().join("data")).envs(env.iter().copied());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(!folder.path().join("data").exists(), "nothing was made before the configuration was read");
        String::from_utf8(output.stderr).unwrap()
    };
    for (file, env, says) in [
        ("\n[server]\nlisen = \"127.0.0.1:1\"\n", None, "tenon.toml line 3: unknown key `lisen`. Did you mean `listen`?"),
        ("[serve]\n", None, "line 1: unknown key `serve`. Did you mean `server`?"),
        ("[limits]\nauth_per_ip = \"many\"\n", None, "line 2: `many` is not a rate such as 30/15m"),
        ("[server\n", None, "line 1"),
        ("[server]\npublic_url = \"http://app.example.com\"\n", None, "server.public_url"),
        ("", Some(("TENON_LIMITS__ENABLD", "true")), "TENON_LIMITS__ENABLD: unknown key `enabld`. Did you mean `enabled`?"),
        ("", Some(("TENON_PUBLIC_URL", "https://app.example.com")), "mail.smtp_url is required"),
        ("[mail]\nsmtp_ulr = \"smtp://user:planted-secret-4711@host\"\n", None, "line 2: unknown key `smtp_ulr`. Did you mean `smtp_url`?"),
        ("[mail]\nsmtp_url = 4711\n", None, "line 2"),
    ] {
        let env: Vec<(&str, &str)> = env.into_iter().collect();
        let told = run(file, &env);
        assert!(told.contains(says), "{file:?} {env:?}: {told}");
        assert!(!told.contains(SECRET), "{told}");
    }
    let wrong = Config::load(&Sources { file: Some("/nowhere/tenon.toml".into()), ..Sources::default() }).unwrap_err();
    assert!(wrong.detail().contains("/nowhere/tenon.toml"));
}

/// An installation that was stopped, with a company in it; and the id of its key.
async fn stopped() -> (TestApp, Config, String) {
    let (app, folder) = TestApp::bare(vec![testkit::crm()]).await;
    let (wanted, mut config) = (app.root_key().id(), Config::for_tests(folder.path()).unwrap());
    config.storage = app.config().storage.clone();
    config.storage.shared = false;
    let app = TestApp::around(app, folder);
    app.sign_up("Acme", "admin@acme.test").await;
    app.app.shutdown().await;
    (app, config, wanted)
}

async fn start(config: &Config) -> base::Result<kernel::App> {
    let modules = vec![account::module().unwrap(), hub::module()];
    kernel::App::start(kernel::app::Parts { config: config.clone(), modules, assets: |_| None, demo: None }).await
}

fn put(key: &Path, bytes: &[u8]) {
    std::fs::write(key, bytes).unwrap();
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Every file that is there, the engine's own notes beside a database excepted.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if !path.extension().is_some_and(|end| end == "db-shm" || end == "db-wal") {
                found.insert(path.clone(), std::fs::read(path).unwrap());
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_root_key_is_refused_and_the_wanted_one_named() {
    let (app, config, wanted) = stopped().await;
    let other: String = (0..32).map(|n| format!("{:02x}", (n * 37 + 11) % 251)).collect();
    let key = config.data.join("root.key");
    let right = std::fs::read(&key).unwrap();
    std::fs::write(&key, other).unwrap();
    let before = files(app.folder());
    let refused = start(&config).await.err().unwrap();
    assert_eq!(refused.name(), "root-key");
    assert!(refused.detail().contains(&wanted), "{}", refused.detail());
    assert!(files(app.folder()) == before, "nothing was changed");
    std::fs::write(&key, right).unwrap();
    start(&config).await.unwrap().shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_28_a_root_key_that_is_missing_or_empty_is_never_replaced_by_a_new_one() {
    let (stopped, config, _) = stopped().await;
    let key = config.data.join("root.key");
    let right = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    for story in [None, Some(""), Some("00"), Some("0000000000000000000000000000000000000000000000000000000000000000")] {
        if let Some(text) = story {
            put(&key, text.as_bytes());
        }
        let before = files(stopped.folder());
        let refused = start(&config).await.err().unwrap();
        assert_eq!(refused.name(), "root-key", "{story:?}: {refused}");
        assert_eq!(refused.detail().contains("is missing"), story.is_none(), "{refused}");
        assert!(files(stopped.folder()) == before, "{story:?}: nothing was made and nothing changed");
    }
    put(&key, &right);
    let app = start(&config).await.unwrap();
    let tenants = hub::tenants::all(&app).await.unwrap();
    // What was sealed with the right key is still sealed with it.
    app.silo(tenants[0].id.parse().unwrap()).await.unwrap();
    app.shutdown().await;
}
