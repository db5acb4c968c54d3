//! Nothing of one company leaves to another: each has a text that nobody can guess in its names, records, files and addresses, and every
//! byte that leaves the server is searched for the others' texts.

mod watch;
mod workload;

use super::{Progress, Scratch, child::Installation};
use crate::{
    door::{Answer, Asked, Door},
    people::{self, Person},
};
use base::{Error, Result};
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};
use std::{path::Path, sync::Arc, time::Instant};
pub use watch::Leak;
use watch::Watch;
use workload::Worker;

const COMPANIES: usize = 3;
/// Clients of each company that work at the same time.
const CLIENTS: usize = 4;
/// Records of each kind that stay, so that others have ids to try.
const SEEDS: usize = 10;

/// What was found.
#[derive(Debug, Serialize)]
pub struct Report {
    pub companies: usize,
    pub requests: u64,
    /// Requests of these that the client did not wait for.
    pub hung_up: u64,
    /// Answers of 500 and above, but "come later": no leak, and not as it should be.
    pub failed: u64,
    /// Everything that left: answers, events, exports, mails, backups and the log.
    pub bytes: u64,
    /// How often a company's own text was seen where it belongs. None of it would mean that the proof is blind.
    pub own_seen: u64,
    pub seconds: u64,
    pub leaks: Vec<Leak>,
}

impl Report {
    pub fn ok(&self) -> bool {
        self.leaks.is_empty() && self.failed == 0 && self.own_seen > 0
    }
}

/// One company: its text, its owner, and things that stay.
pub struct Company {
    pub canary: String,
    pub owner: Person,
    /// Ids by resource: companies, people, deals.
    pub seeds: [Vec<String>; 3],
}

/// The resources that the workload is about; `seeds` has the same order.
pub const PLACES: [&str; 3] = ["crm/companies", "crm/people", "crm/deals"];

/// Runs the proof inside `data` with `requests` requests. `binary` is the server.
pub async fn run(binary: &Path, data: &Path, requests: u64, progress: &Progress) -> Result<Report> {
    let scratch = Scratch::within(data)?;
    let begun = Instant::now();
    let installation = Installation::new(binary, &scratch)?;
    let (child, _) = installation.serve().await?;
    let door = installation.door();
    let mut companies = Vec::new();
    for n in 1..=COMPANIES {
        progress.say(format_args!("isolation: company {n} of {COMPANIES} signs up"));
        companies.push(Company::found(&door).await?);
    }
    let companies = Arc::new(companies);
    let watch = Arc::new(Watch::new(companies.iter().map(|company| company.canary.clone()).collect(), requests));
    let mut streams = tokio::task::JoinSet::new();
    let mut clients = tokio::task::JoinSet::new();
    for at in 0..COMPANIES {
        streams.spawn(workload::listen(installation.at, companies.clone(), at, watch.clone()));
        for _ in 0..CLIENTS {
            clients.spawn(Worker::new(installation.at, companies.clone(), at, watch.clone())?.work());
        }
    }
    let (mut seen, mut ticks) = (Ok(()), tokio::time::interval(std::time::Duration::from_millis(500)));
    loop {
        tokio::select! {
            ended = clients.join_next() => match ended {
                None => break,
                Some(ended) => seen = seen.and(ended.map_err(Error::internal)?),
            },
            _ = ticks.tick() => progress.say(format_args!("isolation: {} of {requests} requests, {} leaks", watch.requests(), watch.leaks())),
        }
    }
    seen?;
    streams.shutdown().await;
    progress.say("isolation: exports, backups, mails and the log are searched");
    for (at, company) in companies.iter().enumerate() {
        let slug = company.owner.slug().unwrap_or_default();
        watch.search(Some(at), "tenant export", &installation.run(&["tenant", "export", slug]).await?);
        let backup = scratch.path().join(format!("{at}.backup"));
        installation.run(&["tenant", "backup", slug, "--plain", "--to", &backup.to_string_lossy()]).await?;
        watch.search_file(Some(at), "tenant backup", &backup)?;
    }
    drop(child);
    watch.search_mails(&installation.data.join("mails"))?;
    // Not even a company's own: the log holds no bodies and no names.
    watch.search_file(None, "the server's log", &installation.log)?;
    let mut report = watch.report();
    report.seconds = begun.elapsed().as_secs();
    Ok(report)
}

impl Company {
    /// Signs a company up whose every text holds its canary.
    async fn found(door: &Door) -> Result<Company> {
        let canary = format!("{}{}", watch::MARK, people::password()?);
        let (name, email) = (format!("{canary} Ltd"), format!("owner@{canary}.test"));
        let owner = people::sign_up(door, &name, &format!("Ada {canary}"), &email, &people::password()?).await?;
        let mut company = Company { canary, owner, seeds: Default::default() };
        let canary = &company.canary;
        company.post(door, "modules/crm/install", &json!({})).await?;
        company.post(door, "account/roles", &json!({ "name": "marked", "title": canary, "grants": [] })).await?;
        company.post(door, "account/keys", &json!({ "name": canary, "scopes": ["crm.deals:read"], "expires_in_days": 1 })).await?;
        company.post(door, "account/invitations", &json!({ "email": format!("guest@{canary}.test"), "role": "viewer" })).await?;
        let file = format!("name,notes\n{canary} imported,{canary}\n");
        let import = Asked::new(Method::POST, "/api/v1/crm/companies:import").content("text/csv", file).by(Some(&company.owner.token));
        door.done(&import).await?;
        let mut seeds: [Vec<String>; 3] = Default::default();
        for (place, ids) in PLACES.iter().zip(&mut seeds) {
            for n in 0..SEEDS {
                let body = json!({ "name": format!("{canary} {n}"), "notes": canary });
                ids.push(company.post(door, place, &body).await?.id()?);
            }
        }
        company.seeds = seeds;
        Ok(company)
    }

    async fn post(&self, door: &Door, place: &str, body: &Value) -> Result<Answer> {
        door.done(&Asked::post(format!("/api/v1/{place}"), body).by(Some(&self.owner.token))).await
    }
}
