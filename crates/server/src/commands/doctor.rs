use super::say;
use base::Result;
use hub::doctor::{Finding, bad, good};
use kernel::{App, Disk, config::Config};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::ExitCode,
};

/// Less free room than this is about to be a full disk.
const ROOM: u64 = 256 << 20;
/// Files that an open database may take, and what is kept for everything else.
const FILES_EACH: u64 = 8;
const FILES_ELSE: u64 = 256;

/// Looks at everything that can be wrong without a customer noticing it first. 0: nothing is; 1: something is; 2: it cannot even start.
pub async fn run(config: Config, quick: bool, json: bool) -> Result<ExitCode> {
    let mut found = machine(&config);
    let code = match crate::start(config).await {
        Ok(app) => {
            found.extend(installation(&app).await?);
            found.extend(hub::doctor::look(&app, quick).await?);
            app.shutdown().await;
            if found.iter().all(|finding| finding.ok) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            found.push(bad("start", error.to_string(), "Nothing can be served before this is mended."));
            ExitCode::from(2)
        }
    };
    say(json, &found, || in_words(&found))?;
    Ok(code)
}

fn in_words(found: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let mend = finding.mend.as_ref().map(|mend| format!("\n      {mend}")).unwrap_or_default();
        format!("{} {}: {}{mend}\n", if finding.ok { "ok   " } else { "WRONG" }, finding.check, finding.detail)
    };
    let wrong = found.iter().filter(|finding| !finding.ok).count();
    let lines: String = found.iter().map(line).collect();
    format!("{lines}{}", if wrong == 0 { "Nothing is wrong.".to_owned() } else { format!("{wrong} to mend.") })
}

/// What can be seen without opening anything.
fn machine(config: &Config) -> Vec<Finding> {
    let data = &config.data;
    let mut found = vec![good("configuration", format!("public URL {}", config.server.public_url))];
    if !data.exists() {
        found.push(good("data", format!("{} is not there yet; the first start makes it", data.display())));
        return found;
    }
    found.push(private(data, "data", 0o022, "others can write into it", "go-w"));
    let key = if config.storage.root_key_file.as_os_str().is_empty() { data.join("root.key") } else { config.storage.root_key_file.clone() };
    if key.exists() {
        found.push(private(&key, "root key", 0o077, "others can read it", "600"));
    }
    found.push(room(config));
    found.push(files(config));
    found
}

/// Whether a file or folder is this user's, and closed to others as it should be.
fn private(path: &Path, check: &'static str, open: u32, danger: &str, mode: &str) -> Finding {
    let shown = path.display();
    let (Ok(meta), Ok(own)) = (fs::metadata(path), fs::metadata("/proc/self")) else {
        return bad(check, format!("{shown} cannot be looked at"), format!("chown -R $(id -u) {shown}"));
    };
    if meta.uid() != own.uid() {
        return bad(
            check,
            format!("{shown} belongs to user {} and Tenon runs as user {}", meta.uid(), own.uid()),
            format!("chown -R {} {shown}", own.uid()),
        );
    }
    if meta.permissions().mode() & open != 0 {
        return bad(check, format!("{shown}: {danger}"), format!("chmod {mode} {shown}"));
    }
    good(check, format!("{shown} is this user's alone"))
}

fn room(config: &Config) -> Finding {
    let wanted = ROOM.max(config.storage.ballast.0.saturating_mul(2));
    match kernel::disk(&config.data) {
        Ok(Disk { free, part }) if free >= wanted => good("room", format!("{} MiB are free, {part} % are in use", free >> 20)),
        Ok(Disk { free, part }) => bad(
            "room",
            format!("the disk is {part} % full, {} MiB are free", free >> 20),
            "Make room beside Tenon. Deleting records gives their room to other records only.",
        ),
        Err(error) => bad("room", error.to_string(), "Look at the disk that holds the data folder."),
    }
}

/// Whether as many files may be open as the configuration wants.
fn files(config: &Config) -> Finding {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
    // The server raises its own limit up to the hard one.
    let hard = line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).unwrap_or(u64::MAX);
    let most = config.server.max_open_silos as u64;
    let wanted = FILES_ELSE + FILES_EACH * most.max(16);
    let shown = if hard == u64::MAX { "as many files as it likes".to_owned() } else { format!("{hard} files") };
    if hard >= wanted {
        return good("files", format!("a process may open {shown}"));
    }
    bad(
        "files",
        format!("a process may open {shown}, and server.max_open_silos = {most} needs {wanted}"),
        format!("LimitNOFILE={wanted} in the systemd unit, or a smaller server.max_open_silos"),
    )
}

/// What the app knows of itself.
async fn installation(app: &App) -> Result<Vec<Finding>> {
    let config = app.config();
    let mut found = vec![good("root key", format!("key {} fits the data", app.root_key().id()))];
    found.push(match (config.mail.smtp_url.is_empty(), config.is_loopback()) {
        (false, _) => good("mail", "an SMTP server is configured"),
        (true, true) => good("mail", "the dev mailbox: mails are files in the data folder"),
        (true, false) => bad("mail", "no mail server is configured, so nobody gets links", "Set mail.smtp_url in tenon.toml, or TENON_SMTP_URL."),
    });
    found.push(if account::operators::any(app).await? {
        good("operator", "there is at least one")
    } else {
        bad("operator", "nobody runs this installation yet", "tenon operator create --email YOU@EXAMPLE.COM --name \"Your name\"")
    });
    found.push(match crate::assets::find("index.html") {
        Some(_) => good("console", "it is in this binary"),
        None => bad("console", "this binary was built without the console", "make build"),
    });
    Ok(found)
}
