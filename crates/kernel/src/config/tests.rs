use super::*;

fn load(file: &str, env: &[(&str, &str)]) -> Result<Config> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("tenon.toml"), file).unwrap();
    let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Config::load(&Sources { data: Some(dir.path().join("data")), env, ..Sources::default() })
}

fn refused(file: &str, env: &[(&str, &str)]) -> String {
    let fault = load(file, env).unwrap_err();
    assert_eq!(fault.name(), "config");
    fault.detail().rsplit("tenon.toml ").next().unwrap().to_owned()
}

#[test]
fn the_default_file_is_a_whole_configuration() {
    let config = load("", &[]).unwrap();
    assert_eq!(config.server.public_url, "http://127.0.0.1:7070");
    assert_eq!(config.limits.auth_per_ip, Rate { count: 30, window: Seconds(900) });
    assert!(config.is_loopback() && config.limits.enabled);
    for line in DEFAULT.lines().filter(|l| l.contains(" = ") && !l.starts_with('#')) {
        assert!(!line.starts_with(' '), "keys stand at the margin: {line}");
    }
    assert!(load(DEFAULT, &[]).is_ok());
}

#[test]
fn the_environment_wins_over_the_file_and_the_command_line_over_both() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\n[jobs]\nworkers = 5\n";
    let env = [
        ("TENON_LISTEN", "127.0.0.1:2"),
        ("TENON_LIMITS__ENABLED", "false"),
        ("TENON_SERVER__TRUSTED_PROXIES", r#"["10.0.0.0/8"]"#),
        ("TENON_LOG__LEVEL", "debug"),
        ("TENON_SILOS", "postgres://x@y/z"),
        ("TENON_PORT", "tcp://10.0.0.1:80"),
        ("PATH", "/bin"),
    ];
    let config = load(file, &env).unwrap();
    assert_eq!(config.server.listen.port(), 2);
    assert_eq!((config.jobs.workers, config.limits.enabled, config.log.level.as_str()), (5, false, "debug"));
    assert_eq!((config.server.trusted_proxies.len(), config.storage.silos.as_str()), (1, "postgres://x@y/z"));

    let env = [("TENON_LISTEN".to_owned(), "127.0.0.1:2".to_owned()), ("TENON_DATA".to_owned(), "/nowhere/data".to_owned())];
    let from = Sources { listen: Some("127.0.0.1:3".into()), env: env.into(), dev: true, ..Sources::default() };
    let config = Config::load(&from).unwrap();
    assert_eq!((config.server.listen.port(), config.data.to_str()), (3, Some("/nowhere/data")));
    assert_eq!(config.limits.auth_per_account.count, 500);
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_the_nearest_name() {
    assert_eq!(refused("# hello\n[server]\nlisen = \"127.0.0.1:1\"\n", &[]), "line 3: unknown key `lisen`. Did you mean `listen`?");
    assert_eq!(refused("\n[serve]\nlisten = \"127.0.0.1:1\"\n", &[]), "line 2: unknown key `serve`. Did you mean `server`?");
    assert!(refused("[limits]\nenabled = true\nauth_per_ip = \"thirty\"\n", &[]).starts_with("line 3: `thirty` is not a rate such as 30/15m"));
    assert!(refused("[jobs]\n\nworkers = \"two\"\n", &[]).starts_with("line 3: invalid type"));
    assert!(refused("[log]\nformat = \"xml\"\n", &[]).starts_with("line 2: unknown variant"));
    assert!(refused("[server\n", &[]).starts_with("line 1: "));
    assert!(refused("server = 5\n", &[]).starts_with("line 1: "));
    assert_eq!(refused("", &[("TENON_SERVER__LISEN", "x")]), "TENON_SERVER__LISEN: unknown key `lisen`. Did you mean `listen`?");
    assert_eq!(refused("", &[("TENON_SERVR__LISTEN", "x")]), "TENON_SERVR__LISTEN: unknown key `servr`. Did you mean `server`?");
    assert!(refused("", &[("TENON_JOBS__WORKERS", "many")]).starts_with("TENON_JOBS__WORKERS: invalid type"));
    assert!(Config::load(&Sources { file: Some("/nowhere/tenon.toml".into()), ..Sources::default() }).is_err());
}

#[test]
fn the_public_url_is_https_or_on_this_machine() {
    for (given, kept) in [
        ("https://App.Example.com/", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:7070", "http://[::1]:7070"),
    ] {
        let config = load("", &[("TENON_PUBLIC_URL", given), ("TENON_SMTP_URL", "smtp://h")]).unwrap();
        assert_eq!(config.server.public_url, kept);
    }
    for wrong in [
        "http://app.example.com",
        "ftp://localhost",
        "app.example.com",
        "https://a/path",
        "https://u:p@a",
        "https://a?x",
        "http://localhost.evil.example",
    ] {
        assert!(refused("", &[("TENON_PUBLIC_URL", wrong), ("TENON_SMTP_URL", "smtp://h")]).contains("public_url"), "{wrong}");
    }
    assert!(refused("", &[("TENON_LISTEN", "0.0.0.0:7070")]).contains("public_url is required"));
    assert!(refused("", &[("TENON_PUBLIC_URL", "https://a.example")]).contains("smtp_url is required"));
}

/// What is refused is named as the configuration's fault, and on a line that there is.
fn judged(file: &str) {
    let mut table = defaults().unwrap();
    let outcome = parse(file, "tenon.toml").and_then(|read| {
        over(&mut table, read);
        check_file(&table, file, "tenon.toml")
    });
    if let Err(error) = outcome {
        assert_eq!(error.name(), "config");
        let line = error.detail().strip_prefix("tenon.toml line ").and_then(|rest| rest.split(':').next()).and_then(|n| n.parse().ok());
        assert!(line.is_some_and(|line: usize| (1..=file.matches('\n').count() + 1).contains(&line)), "{error:?}");
    }
}

#[test]
fn fuzz_large_files_are_judged_soon() {
    for text in crate::fuzz::large() {
        crate::fuzz::soon(&text, || judged(&text));
    }
}

proptest::proptest! {
    #[test]
    fn fuzz_a_broken_file_names_its_line(text in crate::fuzz::texts(DEFAULT)) {
        judged(&text);
    }

    #[test]
    fn fuzz_a_broken_environment_is_refused_by_name(name in "TENON_[A-Z_]{0,20}|TENON_(SERVER|LIMITS|LOG)__[A-Z_]{0,12}", value in crate::fuzz::texts("[\"10.0.0.0/8\", 5, true]")) {
        let env = [(name, value)].into();
        let loaded = Config::load(&Sources { data: Some("/nowhere/data".into()), env, ..Sources::default() });
        proptest::prop_assert!(loaded.err().is_none_or(|error| error.name() == "config"));
    }
}
