use super::say;
use base::{Error, Result};
use clap::Subcommand;
use kernel::{
    App,
    migrations::{self, Progress},
};
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
                    let lines = hub::backup::export_to(app, id, &path).await?;
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

/// Brings every silo that is not there yet to this version, or only says how far they are.
pub async fn migrate(app: &App, status: bool, json: bool) -> Result<ExitCode> {
    let here = app.clone();
    let tell = |now: &Progress| {
        if !json {
            eprintln!("{}", in_words(now));
        }
    };
    let progress = if status { app.hub().scan(move |sql| migrations::progress(&here, sql)).await? } else { app.migrate_all(tell).await? };
    let here = app.clone();
    let failures = app.hub().scan(move |sql| migrations::failures(&here, sql, "", 200)).await?;
    say(json, &json!({ "stamp": progress.stamp, "migrated": progress.migrated, "tenants": progress.tenants, "failed": failures }), || {
        let lines = failures.iter().map(|failure| format!("\n{}: {}", failure.slug, failure.problem));
        format!("{}{}", in_words(&progress), lines.collect::<String>())
    })?;
    Ok(if progress.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn in_words(now: &Progress) -> String {
    let failed = if now.failed > 0 { format!(", {} could not be brought there", now.failed) } else { String::new() };
    let left = now.seconds_left.map(|seconds| format!(", about {seconds} s left")).unwrap_or_default();
    format!("{} of {} tenants are at this version{failed}{left}.", now.migrated, now.tenants)
}
