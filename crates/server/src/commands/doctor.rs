use super::say;
use base::Result;
use kernel::App;
use serde::Serialize;
use std::process::ExitCode;

#[derive(Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    detail: String,
    mend: Option<String>,
}

fn good(check: &'static str, detail: impl Into<String>) -> Finding {
    Finding { check, ok: true, detail: detail.into(), mend: None }
}

fn bad(check: &'static str, detail: impl Into<String>, mend: impl Into<String>) -> Finding {
    Finding { check, ok: false, detail: detail.into(), mend: Some(mend.into()) }
}

/// Looks at everything that can be wrong without a customer noticing it first.
pub async fn run(app: &App, json: bool) -> Result<ExitCode> {
    let config = app.config();
    let mut findings = vec![
        // The app would not have started otherwise.
        good("configuration", format!("public URL {}", config.server.public_url)),
        good("root key", format!("key {} fits the data", app.root_key().id())),
    ];
    findings.push(if config.mail.smtp_url.is_empty() {
        if config.is_loopback() {
            good("mail", "the dev mailbox: mails are files in the data folder")
        } else {
            bad("mail", "no mail server is configured, so nobody gets links", "Set mail.smtp_url in tenon.toml, or TENON_SMTP_URL.")
        }
    } else {
        good("mail", "an SMTP server is configured")
    });
    findings.push(if account::operators::any(app).await? {
        good("operator", "there is at least one")
    } else {
        bad("operator", "nobody runs this installation yet", "tenon operator create --email YOU@EXAMPLE.COM --name \"Your name\"")
    });
    findings.extend(console());
    for orphan in hub::tenants::orphans(app).await? {
        findings.push(bad("orphan", format!("the database {} belongs to no company", orphan.hex()), "Put it elsewhere, or delete it."));
    }
    let all = hub::tenants::all(app).await?;
    for broken in all.iter().filter(|tenant| tenant.status == "restoring") {
        let mend = format!("If nobody restores it now, restore it again: tenon tenant restore FILE --as {}", broken.slug);
        findings.push(bad("restore", format!("{}: it was begun, and is not there yet", broken.slug), mend));
    }
    for tenant in all.iter().filter(|tenant| tenant.is_there()) {
        let id = tenant.id.parse()?;
        match hub::audit::verify(app, id).await {
            Ok(found) if found.broken.is_none() => {}
            Ok(found) => {
                let detail = found.broken.map(|b| format!("{}: entry {}: {}", tenant.slug, b.seq, b.problem)).unwrap_or_default();
                findings.push(bad("audit", detail, format!("Compare with a backup: tenon tenant restore FILE --as {}-before", tenant.slug)));
            }
            Err(error) => findings.push(bad(
                "silo",
                format!("{}: {error}", tenant.slug),
                format!("Restore a backup: tenon tenant restore FILE --as {}-restored", tenant.slug),
            )),
        }
    }
    let wrong = findings.iter().filter(|f| !f.ok).count();
    say(json, &findings, || {
        let lines: Vec<String> = findings
            .iter()
            .map(|f| {
                format!(
                    "{} {}: {}{}",
                    if f.ok { "ok  " } else { "WRONG" },
                    f.check,
                    f.detail,
                    f.mend.as_ref().map(|m| format!("\n      {m}")).unwrap_or_default()
                )
            })
            .collect();
        format!("{}\n{}", lines.join("\n"), if wrong == 0 { "Nothing is wrong.".to_owned() } else { format!("{wrong} to mend.") })
    })?;
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn console() -> Option<Finding> {
    match crate::assets::find("index.html") {
        Some(_) => Some(good("console", "it is in this binary")),
        None => Some(bad("console", "this binary was built without the console", "make build")),
    }
}
