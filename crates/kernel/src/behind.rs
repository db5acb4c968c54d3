//! Modules that could not be brought to this version in one company. That company is opened all the same: everything else in it works, and so
//! does every resource of such a module whose tables hold what is declared today. The others are refused until a later try succeeds.
//! See docs/decisions/0012-a-company-that-stays-behind.md.

use crate::{module::Module, records};
use base::{Code, Error, Result, TenantId};
use parking_lot::RwLock;
use serde_json::Value as Json;
use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

/// The first try after a failure comes so many seconds later, and a refused caller is asked to wait for it.
pub(crate) const AGAIN: u32 = 60;

/// A module that stayed as it was.
#[derive(Debug, Clone)]
pub(crate) struct Late {
    module: String,
    /// The version whose tables are there.
    found: String,
    problem: String,
    /// Its resources whose tables do not hold what is declared today.
    closed: Vec<String>,
}

impl Late {
    /// `shape` is what is written down about its tables.
    pub fn of(module: &Module, found: &str, shape: &str, error: &Error) -> Late {
        let old: Json = serde_json::from_str(shape).unwrap_or_default();
        let closed = module.plans.iter().filter(|plan| !records::stands_on(plan, &old)).map(|plan| plan.resource.clone()).collect();
        let problem = match (error.code(), error.cause()) {
            (Code::Internal, Some(cause)) => cause.to_owned(),
            _ => error.detail().to_owned(),
        };
        Late { module: module.manifest.name.clone(), found: found.to_owned(), problem, closed }
    }
}

/// What this process has found so far, by silo.
#[derive(Default)]
pub(crate) struct Behind {
    any: AtomicBool,
    silos: RwLock<HashMap<TenantId, Vec<Late>>>,
}

impl Behind {
    /// What the last opening has found; nothing takes the silo off the list.
    pub fn found(&self, tenant: TenantId, late: Vec<Late>) {
        if late.is_empty() && !self.any.load(Relaxed) {
            return;
        }
        let mut silos = self.silos.write();
        let before = if late.is_empty() { silos.remove(&tenant) } else { silos.insert(tenant, late.clone()) };
        self.any.store(!silos.is_empty(), Relaxed);
        drop(silos);
        match (before, late.first()) {
            (None, Some(first)) => {
                tracing::error!(%tenant, module = first.module, version = first.found, problem = first.problem, "a module could not be migrated and stays as it was")
            }
            (Some(_), None) => tracing::info!(%tenant, "everything is migrated now"),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    /// Refuses what the tables of this company cannot hold up yet.
    pub fn admit(&self, tenant: TenantId, resource: &str) -> Result<()> {
        if !self.any.load(Relaxed) {
            return Ok(());
        }
        let silos = self.silos.read();
        let late = silos.get(&tenant).and_then(|all| all.iter().find(|late| late.closed.iter().any(|closed| closed == resource)));
        late.map_or(Ok(()), |late| {
            let detail = format!("{resource} of this company could not be brought to this version yet and waits as it was: {}", late.problem);
            Err(Error::new(Code::Unavailable, "not-migrated", detail).with_retry_after(AGAIN.into()))
        })
    }

    /// What is wrong with a silo, in one line; `None` where it is up to date.
    pub fn problem(&self, tenant: TenantId) -> Option<String> {
        let silos = self.silos.read();
        let lines: Vec<String> =
            silos.get(&tenant)?.iter().map(|late| format!("{} stays at {}: {}", late.module, late.found, late.problem)).collect();
        Some(lines.join("; "))
    }

    pub fn tenants(&self) -> Vec<TenantId> {
        self.silos.read().keys().copied().collect()
    }
}
