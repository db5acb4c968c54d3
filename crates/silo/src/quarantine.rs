//! Silos that were taken out of service because their database is damaged, missing or somebody else's, and those that the disk has failed.
//! Kept in memory only: whoever asks again after a while finds out anew, and a file that was put right is in service again without a restart.

use base::{Error, TenantId};
use parking_lot::RwLock;
use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// How long it stays closed without anybody looking again. A look reads the whole file.
const CLOSED: Duration = Duration::from_secs(5);

#[derive(Default)]
pub struct Quarantine {
    cases: RwLock<BTreeMap<TenantId, Case>>,
    /// What the disk has done to the hub.
    hub: watch::Sender<Option<Error>>,
}

struct Case {
    looked: Instant,
    error: Error,
    /// Nobody reads it any more.
    closed: bool,
}

impl Quarantine {
    /// The hub's handle is held by everybody for good: it answers with its errors instead.
    pub fn put(&self, id: TenantId, error: &Error) {
        if id.is_hub() {
            tracing::error!(cause = error.cause(), "the hub's database is damaged");
            return;
        }
        let case = Case { looked: Instant::now(), error: error.clone(), closed: true };
        if self.cases.write().insert(id, case).is_none_or(|before| !before.closed) {
            tracing::error!(tenant = %id, cause = error.cause(), "a silo was taken out of service; restore a backup, or put its file right");
        }
    }

    /// The disk has failed it. It is read on, and looked at from end to end when it is next opened.
    pub fn doubt(&self, id: TenantId, error: &Error) {
        if id.is_hub() {
            if self.hub.send_replace(Some(error.clone())).is_none() {
                tracing::error!(cause = error.cause(), "the disk failed the hub's database: what it holds only a new start can tell");
            }
            return;
        }
        let mut cases = self.cases.write();
        if let Entry::Vacant(case) = cases.entry(id) {
            case.insert(Case { looked: Instant::now(), error: error.clone(), closed: false });
            tracing::error!(tenant = %id, cause = error.cause(), "the disk failed a silo: nothing is written there until it was opened again and checked");
        }
    }

    /// Returns when the disk has failed the hub.
    pub async fn hub_failed(&self) -> Error {
        let mut hub = self.hub.subscribe();
        // The sender lives as long as `self`.
        let failed = hub.wait_for(Option::is_some).await;
        failed.ok().and_then(|error| error.clone()).unwrap_or_else(|| Error::suspect("the hub"))
    }

    /// Why it is closed, if somebody has looked just now.
    pub fn closed(&self, id: TenantId) -> Option<Error> {
        let all = self.cases.read();
        all.get(&id).filter(|case| case.closed && case.looked.elapsed() < CLOSED).map(|case| case.error.clone())
    }

    /// Whether it must be looked at from end to end before it is believed.
    pub fn is_suspect(&self, id: TenantId) -> bool {
        self.cases.read().contains_key(&id)
    }

    /// It was looked at and is whole, or it was taken away.
    pub fn lift(&self, id: TenantId) {
        if self.is_suspect(id) && self.cases.write().remove(&id).is_some() {
            tracing::info!(tenant = %id, "a silo is in service again");
        }
    }

    pub fn all(&self) -> Vec<(TenantId, Error)> {
        self.cases.read().iter().map(|(id, case)| (*id, case.error.clone())).collect()
    }
}
