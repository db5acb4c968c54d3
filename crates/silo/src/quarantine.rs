//! Silos that were taken out of service because their database is damaged, missing or somebody else's. Kept in memory only: whoever
//! asks again after a while finds out anew, and a file that was put right is in service again without a restart.

use base::{Error, TenantId};
use parking_lot::RwLock;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How long it stays closed without anybody looking again. A look reads the whole file.
const CLOSED: Duration = Duration::from_secs(5);

#[derive(Default)]
pub struct Quarantine(RwLock<BTreeMap<TenantId, Case>>);

struct Case {
    looked: Instant,
    error: Error,
}

impl Quarantine {
    /// The hub's handle is held by everybody for good: it answers with its errors instead.
    pub fn put(&self, id: TenantId, error: &Error) {
        if id.is_hub() {
            tracing::error!(cause = error.cause(), "the hub's database is damaged");
            return;
        }
        let case = Case { looked: Instant::now(), error: error.clone() };
        if self.0.write().insert(id, case).is_none() {
            tracing::error!(tenant = %id, cause = error.cause(), "a silo was taken out of service; restore a backup, or put its file right");
        }
    }

    /// Why it is closed, if somebody has looked just now.
    pub fn closed(&self, id: TenantId) -> Option<Error> {
        let all = self.0.read();
        all.get(&id).filter(|case| case.looked.elapsed() < CLOSED).map(|case| case.error.clone())
    }

    /// Whether it must be looked at from end to end before it is believed.
    pub fn is_suspect(&self, id: TenantId) -> bool {
        self.0.read().contains_key(&id)
    }

    /// It was looked at and is whole, or it was taken away.
    pub fn lift(&self, id: TenantId) {
        if self.is_suspect(id) && self.0.write().remove(&id).is_some() {
            tracing::info!(tenant = %id, "a silo is in service again");
        }
    }

    pub fn all(&self) -> Vec<(TenantId, Error)> {
        self.0.read().iter().map(|(id, case)| (*id, case.error.clone())).collect()
    }
}
