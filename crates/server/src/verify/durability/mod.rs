//! What was acknowledged is there, once, whenever the process was killed.

mod load;

use super::{Progress, Scratch, child::Installation, dice::Dice, disk, disk::Disk};
use crate::{
    door::{Asked, Door, text_at},
    people::{self, Person},
};
use base::Result;
use load::{Kept, Load, Sent};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

/// Clients that write at the same time.
const CLIENTS: usize = 8;

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub rounds: u32,
    pub seconds: u64,
    /// Answers of success that clients have got.
    pub acknowledged: u64,
    /// Requests whose answer was cut off; each was sent again with the same key.
    pub sent_again: u64,
    /// How often the server was killed once more while it was starting.
    pub killed_while_starting: u32,
    pub lost: u64,
    pub twice: u64,
    pub broken_chains: u64,
    pub recovery_median_ms: u64,
    pub recovery_max_ms: u64,
    pub disk: Option<Disk>,
}

impl Report {
    pub fn ok(&self) -> bool {
        self.lost + self.twice + self.broken_chains == 0
    }
}

/// What is compared, over all rounds.
struct Proof<'a> {
    installation: Installation,
    owner: Person,
    dice: Dice,
    kept: HashMap<String, Kept>,
    recoveries: Vec<Duration>,
    report: Report,
    progress: &'a Progress,
}

/// Runs the proof on the disk that holds `data`. `binary` is what is started and killed.
pub async fn run(binary: &Path, data: &Path, rounds: u32, power: bool, progress: &Progress) -> Result<Report> {
    let scratch = Scratch::within(data)?;
    let begun = Instant::now();
    let disk = if power { Some(disk::measure(scratch.path()).await?) } else { None };
    let installation = Installation::new(binary, &scratch)?;
    progress.say("durability: a company signs up");
    let (mut child, took) = installation.serve().await?;
    let door = installation.door();
    let owner = people::sign_up(&door, "Durable", "Ada Admin", "admin@durable.test", &people::password()?).await?;
    door.done(&Asked::post("/api/v1/modules/crm/install", &json!({})).by(Some(&owner.token))).await?;
    let report = Report { rounds, disk, ..Report::default() };
    let mut proof = Proof { installation, owner, dice: Dice::new()?, kept: HashMap::new(), recoveries: vec![took], report, progress };
    for round in 1..=rounds {
        child = proof.round(round, child).await?;
    }
    // Once more over everything: nothing of an earlier round has gone since.
    let (lost, twice) = proof.compare("r").await?;
    child.kill()?;
    let Proof { mut report, mut recoveries, .. } = proof;
    (report.lost, report.twice) = (report.lost.max(lost), report.twice.max(twice));
    // The first start made the installation and recovered nothing.
    recoveries.remove(0);
    recoveries.sort_unstable();
    let millis = |time: Option<&Duration>| time.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    report.recovery_median_ms = millis(recoveries.get(recoveries.len() / 2));
    report.recovery_max_ms = millis(recoveries.last());
    report.seconds = begun.elapsed().as_secs();
    Ok(report)
}

impl Proof<'_> {
    /// Load, SIGKILL, start, compare.
    async fn round(&mut self, round: u32, child: super::child::Child) -> Result<super::child::Child> {
        let Report { acknowledged, lost, twice, .. } = &self.report;
        self.progress.say(format_args!("durability: round {round}, {acknowledged} acknowledged, {lost} lost, {twice} twice"));
        let mut clients = tokio::task::JoinSet::new();
        for client in 0..CLIENTS {
            let load = Load::new(self.installation.at, &self.owner.token, format!("r{round}-{client}"))?;
            clients.spawn(load.until_it_breaks());
        }
        tokio::time::sleep(Duration::from_millis(200 + self.dice.below(800))).await;
        child.kill()?;
        let mut cut_off = Vec::new();
        while let Some(done) = clients.join_next().await {
            let Sent { kept, acknowledged, unanswered } = done.map_err(base::Error::internal)??;
            self.report.acknowledged += acknowledged;
            self.kept.extend(kept);
            cut_off.extend(unanswered);
        }
        let child = self.recover().await?;
        let door = self.installation.door();
        for request in cut_off {
            self.report.sent_again += 1;
            self.report.acknowledged += 1;
            request.again(&door, &mut self.kept).await?;
        }
        let (lost, twice) = self.compare(&format!("r{round}-")).await?;
        self.report.lost += lost;
        self.report.twice += twice;
        let audit = self.installation.run(&["verify", "audit", "--json", "--tenant", self.owner.slug().unwrap_or_default()]).await?;
        let audit: Value = serde_json::from_slice(&audit).unwrap_or_default();
        if audit.get("entries").is_none() || audit.get("broken").is_none_or(|broken| !broken.is_null()) {
            self.report.broken_chains += 1;
        }
        Ok(child)
    }

    /// Starts the server again. Now and then it is killed while it does so, at most three times in a row.
    async fn recover(&mut self) -> Result<super::child::Child> {
        for _ in 0..self.dice.below(4) {
            let usual = self.recoveries.last().copied().unwrap_or_default();
            let doomed = self.installation.start()?;
            tokio::time::sleep(Duration::from_micros(self.dice.below(u64::try_from(usual.as_micros()).unwrap_or(1_000_000)))).await;
            doomed.kill()?;
            self.report.killed_while_starting += 1;
        }
        let (child, took) = self.installation.serve().await?;
        self.recoveries.push(took);
        Ok(child)
    }

    /// Compares what is there under names that begin with `prefix` with what was acknowledged: how much is lost, how much is there twice.
    async fn compare(&self, prefix: &str) -> Result<(u64, u64)> {
        let found = records(&self.installation.door(), &self.owner.token, prefix).await?;
        let (mut lost, mut twice) = (0, 0);
        for (name, kept) in self.kept.iter().filter(|(name, _)| name.starts_with(prefix)) {
            let same = found.get(name).map(Vec::as_slice).unwrap_or_default();
            twice += (same.len() as u64).saturating_sub(1);
            match same.iter().find(|record| record.id == kept.id) {
                None => lost += 1,
                Some(record) if record.version > kept.version => twice += 1,
                Some(record) if record != kept => lost += 1,
                Some(_) => {}
            }
        }
        // Nobody asked for these: every request was answered, or sent again.
        twice += found.keys().filter(|name| !self.kept.contains_key(*name)).count() as u64;
        Ok((lost, twice))
    }
}

/// All records whose name begins like this, by name.
async fn records(door: &Door, token: &str, prefix: &str) -> Result<HashMap<String, Vec<Kept>>> {
    let query = format!("/api/v1/crm/companies?limit=200&filter=name.startsWith(%22{prefix}%22)");
    let mut found: HashMap<String, Vec<Kept>> = HashMap::new();
    let mut next = String::new();
    loop {
        let page = door.done(&Asked::get(format!("{query}{next}")).by(Some(token))).await?;
        for record in page.items() {
            found.entry(record["name"].as_str().unwrap_or_default().to_owned()).or_default().push(Kept::of(record));
        }
        match text_at(&page.json, "/next") {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return Ok(found),
        }
    }
}
