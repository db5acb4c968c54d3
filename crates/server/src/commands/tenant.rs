use super::say;
use base::{Error, Result};
use clap::Subcommand;
use kernel::App;
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};

#[derive(Subcommand)]
pub enum Tenant {
    /// List the tenants
    List,
    /// Make a tenant for somebody who has an account, as its owner
    Create {
        #[arg(long)]
        name: String,
        /// The owner's mail address
        #[arg(long)]
        owner: String,
    },
    /// Write a tenant's records and log as JSON lines
    Export {
        slug: String,
        /// Where to; standard output by default
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Write a backup while the tenant goes on working
    Backup {
        slug: String,
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// A plain SQLite file instead of a sealed one
        #[arg(long)]
        plain: bool,
    },
    /// Lock a tenant: nobody in it gets an answer until it is activated again
    Suspend { slug: String },
    /// Open a suspended tenant again
    Activate { slug: String },
    /// Delete a suspended tenant for good. Its backups cannot be opened any more
    Delete {
        slug: String,
        /// Really do it
        #[arg(long)]
        yes: bool,
    },
    /// Make a new tenant from a backup
    Restore {
        file: PathBuf,
        /// The new tenant's slug
        #[arg(long = "as", value_name = "SLUG")]
        slug: String,
    },
}

pub async fn run(app: &App, what: Tenant, json: bool) -> Result<ExitCode> {
    match what {
        Tenant::List => {
            let all = hub::tenants::all(app).await?;
            say(json, &all, || {
                let lines: Vec<String> = all.iter().map(|t| format!("{:<32} {:<10} {}  {}", t.slug, t.status, t.id, t.name)).collect();
                if lines.is_empty() { "No tenants yet.".to_owned() } else { lines.join("\n") }
            })
        }
        Tenant::Create { name, owner } => {
            let made = account::operators::create_tenant(app, &name, &owner).await?;
            say(json, &json!({ "slug": made, "name": name, "owner": owner }), || format!("{name} is there, as {made}. Its owner is {owner}."))
        }
        Tenant::Export { slug, to } => {
            let (id, _) = hub::tenants::by_slug(app, &slug).await?;
            match to {
                Some(path) => {
                    let mut file = std::io::BufWriter::new(std::fs::File::create(&path)?);
                    let lines = hub::backup::export(app, id, &mut file).await?;
                    say(json, &json!({ "file": path, "lines": lines }), || format!("{lines} lines in {}", path.display()))
                }
                None => hub::backup::export(app, id, &mut std::io::stdout().lock()).await.map(|_| ExitCode::SUCCESS),
            }
        }
        Tenant::Backup { slug, to, plain } => {
            let (id, _) = hub::tenants::by_slug(app, &slug).await?;
            let size = hub::backup::write(app, id, &to, plain).await?;
            say(json, &json!({ "file": to, "bytes": size, "sealed": !plain }), || {
                format!(
                    "{} bytes in {}, {}",
                    size,
                    to.display(),
                    if plain { "plain: whoever has the file can read it" } else { "sealed with the tenant's key" }
                )
            })
        }
        Tenant::Suspend { slug } => {
            let tenant = hub::tenants::suspend(app, &slug, true).await?;
            say(json, &tenant, || format!("{slug} is suspended: nobody in it gets an answer."))
        }
        Tenant::Activate { slug } => {
            let tenant = hub::tenants::suspend(app, &slug, false).await?;
            say(json, &tenant, || format!("{slug} is active."))
        }
        Tenant::Delete { slug, yes: false } => Err(Error::malformed(
            "unconfirmed",
            format!(
                "Nothing was deleted. This cannot be taken back, and no sealed backup of {slug} can be opened afterwards. If that is meant: tenon tenant delete {slug} --yes"
            ),
        )),
        Tenant::Delete { slug, yes: true } => {
            let tenant = hub::deletion::by_command_line(app, &slug).await?;
            say(json, &tenant, || {
                format!(
                    "{slug} is deleted: its database, its key and what was said of it. Sealed backups of it cannot be opened any more; plain backups, \
                     exports and backups of the hub that are older than this are yours to delete. The slug is not given to another."
                )
            })
        }
        Tenant::Restore { file, slug } => {
            let restored = hub::backup::restore(app, &file, &slug).await?;
            say(json, &restored, || format!("{} is there as a new tenant: {} entries in its log, which verifies.", restored.slug, restored.entries))
        }
    }
}

/// Opens every silo once, which migrates it.
pub async fn migrate(app: &App, json: bool) -> Result<ExitCode> {
    let all = hub::tenants::all(app).await?;
    let mut failed = Vec::new();
    for tenant in all.iter().filter(|tenant| tenant.status != "deleted") {
        if let Err(error) = app.silo(tenant.id.parse()?).await {
            failed.push(json!({ "slug": tenant.slug, "problem": error.to_string() }));
        }
    }
    let done = all.len() - failed.len();
    say(json, &json!({ "migrated": done, "failed": failed }), || {
        let lines: Vec<String> = failed.iter().map(ToString::to_string).collect();
        format!("{done} of {} tenants are at this version. {}", all.len(), lines.join("\n"))
    })?;
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
