//! `tenon verify`: proofs that whoever runs an installation, or audits it, can run for themselves.

use super::say;
use base::{Error, Result};
use clap::{Args, Subcommand};
use kernel::{App, config::Config};
use serde::Serialize;
use serde_json::{Value, json};
use server::verify::{
    Progress,
    authz::{self, Swept},
    durability, isolation,
};
use std::{fmt::Display, process::ExitCode};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Subcommand)]
pub enum Verify {
    /// Walk a tenant's log: every entry must follow from the one before, and none may be missing
    Audit {
        /// The tenant's slug; `hub` is the operator's own
        #[arg(long, value_name = "SLUG")]
        tenant: String,
    },
    #[command(flatten)]
    Proof(Proof),
}

/// What is proven on scratch data.
#[derive(Subcommand)]
pub enum Proof {
    /// Kill a server under load again and again: nothing acknowledged may be lost, and nothing done twice
    ///
    /// Starts a server of its own with scratch data inside the data folder, so that it is the same disk. Eight clients create and
    /// change records, each request with a key of its own; after 200 to 1000 ms the server is killed with SIGKILL, started again
    /// (and now and then killed while it starts), and what it has is compared with what the clients were told. What was cut off
    /// is sent again with the same key and must be there exactly once. The log of changes must verify each time.
    ///
    /// Costs about 2 seconds a round and a few MiB, removed at the end. Real data is not touched. Always on SQLite files: with
    /// PostgreSQL, what survives is PostgreSQL's promise. A killed process does not lose what the operating system has taken;
    /// losing that needs a power cut, which Tenon's own tests simulate and no program can do to your disk. See --power.
    Durability {
        /// Also measure how long this disk takes for 4 KiB and its fdatasync, and warn where no real disk is that fast: power cuts
        /// themselves are simulated in the project's tests
        #[arg(long)]
        power: bool,
        /// How often to kill it [default: 5, with --long 100]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        rounds: Option<u32>,
        /// The long form
        #[arg(long)]
        long: bool,
    },
    /// Call every operation as everybody, with every kind of id: who may not, must not
    ///
    /// Makes two companies in scratch data and calls every operation of this installation, its packs included, over HTTP: as the
    /// owner of a company, as a member without rights, as the owner of the other company and as nobody; with ids that are one's
    /// own, the other company's, made up and deleted. Each answer is compared with the rules: 401 for nobody, 403 without the
    /// permission for every id alike, and the same 404, byte for byte, for whatever is not one's own.
    ///
    /// Costs a few seconds and MiB. Real data is not touched.
    Authz,
    /// Search everything that leaves for what belongs to somebody else
    ///
    /// Starts a server of its own with three companies in scratch data. Each has a text that nobody can guess in its name, its
    /// people's addresses, its records and its files. Twelve clients do a random mix of their own work and of tries with each
    /// other's ids; one in twelve hangs up at a random moment. Every byte of the answers, the event streams, exports, backups, mails
    /// and the server's log is searched for the other companies' texts.
    ///
    /// Costs about 10 seconds for 20 000 requests on a small machine and some hundred MiB for 1 000 000. Real data is not touched.
    Isolation {
        /// How many requests [default: 20000, with --long 1000000]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        requests: Option<u64>,
        /// The long form
        #[arg(long)]
        long: bool,
    },
    /// All of these, and the log of every tenant of this installation
    ///
    /// Durability, authz and isolation on scratch data, then audit over every tenant of the data folder, if there are any. Costs
    /// about a minute; with --long, as long as a million requests take.
    All(All),
}

#[derive(Args)]
pub struct All {
    /// Also measure the disk, as `tenon verify durability --power` does
    #[arg(long)]
    power: bool,
    /// How often to kill the server [default: 5, with --long 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// How many requests to search [default: 20000, with --long 1000000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,
    /// The long forms
    #[arg(long)]
    long: bool,
}

/// What one proof found.
struct Outcome {
    name: &'static str,
    ok: bool,
    lines: Vec<String>,
    report: Value,
}

/// A report with what it comes to.
#[derive(Serialize)]
struct Judged<'a, R> {
    ok: bool,
    #[serde(flatten)]
    report: &'a R,
}

/// `audit` is about the data of this installation.
pub async fn audit(app: &App, tenant: &str, json: bool) -> Result<ExitCode> {
    let (id, _) = hub::tenants::by_slug(app, tenant).await?;
    let found = hub::audit::verify(app, id).await?;
    say(json, &found, || match &found.broken {
        None => format!("ok: {} entries, {} checkpoints, head {}", found.entries, found.checkpoints, found.head),
        Some(broken) => format!("BROKEN at entry {}: {}", broken.seq, broken.problem),
    })?;
    Ok(if found.broken.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All others make data of their own, and take it away again when they are stopped.
pub async fn prove(what: Proof, config: &Config, json: bool) -> Result<ExitCode> {
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let outcomes = tokio::select! {
        outcomes = outcomes(what, config) => outcomes?,
        _ = interrupt.recv() => return Ok(ExitCode::from(130)),
        _ = term.recv() => return Ok(ExitCode::from(143)),
    };
    let good = outcomes.iter().all(|outcome| outcome.ok);
    let report: Value = match outcomes.as_slice() {
        [one] => one.report.clone(),
        all => json!({ "ok": good, "proofs": all.iter().map(|one| (one.name.to_owned(), one.report.clone())).collect::<serde_json::Map<_, _>>() }),
    };
    say(json, &report, || outcomes.iter().map(Outcome::text).collect::<Vec<_>>().join("\n"))?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn outcomes(what: Proof, config: &Config) -> Result<Vec<Outcome>> {
    let progress = Progress::new();
    let binary = std::env::current_exe()?;
    let data = config.data.as_path();
    let kill = async |rounds: Option<u32>, long: bool, power: bool| {
        let rounds = rounds.unwrap_or(if long { 100 } else { 5 });
        durability::run(&binary, data, rounds, power, &progress).await.and_then(|report| killed(&report))
    };
    let search = async |requests: Option<u64>, long: bool| {
        let requests = requests.unwrap_or(if long { 1_000_000 } else { 20_000 });
        isolation::run(&binary, data, requests, &progress).await.and_then(|report| searched(&report))
    };
    Ok(match what {
        Proof::Durability { power, rounds, long } => vec![kill(rounds, long, power).await?],
        Proof::Authz => vec![called(&authz::run(data, &progress).await?)?],
        Proof::Isolation { requests, long } => vec![search(requests, long).await?],
        Proof::All(All { power, rounds, requests, long }) => {
            let mut all = vec![kill(rounds, long, power).await?, called(&authz::run(data, &progress).await?)?, search(requests, long).await?];
            if is_there(config) {
                all.push(audits(config, &progress).await?);
            }
            all
        }
    })
}

impl Outcome {
    fn new(name: &'static str, ok: bool, lines: Vec<String>, report: &impl Serialize) -> Result<Outcome> {
        let report = serde_json::to_value(Judged { ok, report }).map_err(Error::internal)?;
        Ok(Outcome { name, ok, lines, report })
    }
    fn text(&self) -> String {
        let lines: String = self.lines.iter().map(|line| format!("\n      {line}")).collect();
        format!("{} {}{lines}", if self.ok { "ok   " } else { "WRONG" }, self.name)
    }
}

fn killed(report: &durability::Report) -> Result<Outcome> {
    let durability::Report { rounds, acknowledged, sent_again, killed_while_starting, lost, twice, broken_chains, .. } = report;
    let mut lines = vec![
        format!("{rounds} rounds, {acknowledged} acknowledged, {sent_again} sent again, {killed_while_starting} times killed while starting"),
        format!("{lost} lost, {twice} applied twice, {broken_chains} logs broken"),
        format!("ready again after {} ms (median), {} ms at most", report.recovery_median_ms, report.recovery_max_ms),
    ];
    if let Some(disk) = &report.disk {
        lines.push(format!("4 KiB and fdatasync: {} µs (median), {} µs (99 of 100)", disk.median_us, disk.p99_us));
        if !disk.plausible {
            lines.push("WARNING: no disk is that fast. Its cache loses what it holds when the power goes, or the data is in memory.".to_owned());
        }
    }
    Outcome::new("durability", report.ok(), lines, report)
}

fn called(swept: &Swept) -> Result<Outcome> {
    let mut lines = vec![format!("{} operations, {} requests, {} deviations", swept.operations, swept.requests, swept.deviations.len())];
    lines.extend(swept.deviations.iter().map(|one| {
        format!("{} by {:?} with {}: wanted {}, got {}", one.operation, one.actor, shown(one.id.map(|id| format!("{id:?} id"))), one.wanted, one.got)
    }));
    Outcome::new("authz", swept.deviations.is_empty(), lines, swept)
}

fn searched(report: &isolation::Report) -> Result<Outcome> {
    let mut lines = vec![
        format!("{} companies, {} requests, {} of them hung up, {} failed", report.companies, report.requests, report.hung_up, report.failed),
        format!("{} MiB searched: own texts {} times, others' {} times", report.bytes >> 20, report.own_seen, report.leaks.len()),
    ];
    lines.extend(report.leaks.iter().map(|leak| format!("{} held a text of company {} for {}", leak.place, leak.of, shown(leak.to))));
    Outcome::new("isolation", report.ok(), lines, report)
}

fn shown(what: Option<impl Display>) -> String {
    what.map_or("nobody".to_owned(), |what| what.to_string())
}

/// Whether there is an installation: proofs must not make one.
fn is_there(config: &Config) -> bool {
    let named = &config.storage.root_key_file;
    config.data.join("root.key").exists() || (!named.as_os_str().is_empty() && named.exists())
}

async fn audits(config: &Config, progress: &Progress) -> Result<Outcome> {
    let app = crate::start(config.clone()).await?;
    let found = each_log(&app, progress).await;
    app.shutdown().await;
    found
}

async fn each_log(app: &App, progress: &Progress) -> Result<Outcome> {
    let mut slugs: Vec<String> = hub::tenants::all(app).await?.into_iter().filter(|tenant| tenant.is_there()).map(|t| t.slug).collect();
    slugs.push("hub".to_owned());
    let (mut entries, mut lines) = (0, Vec::new());
    for slug in &slugs {
        progress.say(format_args!("audit: {slug}"));
        let (id, _) = hub::tenants::by_slug(app, slug).await?;
        match hub::audit::verify(app, id).await {
            Ok(found) => {
                entries += found.entries;
                lines.extend(found.broken.map(|broken| format!("{slug}: entry {}: {}", broken.seq, broken.problem)));
            }
            Err(error) => lines.push(format!("{slug}: {error}")),
        }
    }
    let broken = lines.len();
    lines.insert(0, format!("{} logs, {entries} entries, {broken} broken", slugs.len()));
    Outcome::new("audit", broken == 0, lines.clone(), &json!({ "logs": slugs.len(), "entries": entries, "broken": lines.get(1..) }))
}
