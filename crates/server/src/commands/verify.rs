use super::say;
use base::Result;
use clap::Subcommand;
use kernel::App;
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Verify {
    /// Walk a tenant's log: every entry must follow from the one before, and none may be missing
    Audit {
        /// The tenant's slug; `hub` is the operator's own
        #[arg(long, value_name = "SLUG")]
        tenant: String,
    },
}

pub async fn run(app: &App, what: Verify, json: bool) -> Result<ExitCode> {
    let Verify::Audit { tenant } = what;
    let (id, _) = hub::tenants::by_slug(app, &tenant).await?;
    let found = hub::audit::verify(app, id).await?;
    say(json, &found, || match &found.broken {
        None => format!("ok: {} entries, {} checkpoints, head {}", found.entries, found.checkpoints, found.head),
        Some(broken) => format!("BROKEN at entry {}: {}", broken.seq, broken.problem),
    })?;
    Ok(if found.broken.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
