//! What waits in memory until it is written down with others, once a minute and at the end. None of it is ever the reason to open a
//! silo, and all of it may be lost.

use base::{TenantId, Time};
use parking_lot::Mutex;
use silo::Head;
use std::collections::{BTreeMap, HashMap};

/// How many who tried in vain are told apart at once. Of more it is only counted that there were some.
const APART: usize = 1000;

#[derive(Default)]
pub(crate) struct Waiting {
    /// Where each log that grew stood at its last commit, until the hub keeps a checkpoint of it.
    pub heads: Mutex<HashMap<TenantId, Head>>,
    /// When a credential was last used.
    pub seen: Mutex<HashMap<Seen, Time>>,
    /// What was refused, until the log says so.
    pub tries: Mutex<HashMap<Who, Tries>>,
}

/// The row that says when a credential was last used.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Seen {
    Session(String),
    Family(String),
    Key(String),
}

/// Who tried in vain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Who {
    /// Somebody signed in, as the log of their company names them, who was denied something there. Nobody in particular: too many.
    Denied { tenant: TenantId, actor: Option<String> },
    /// Whoever did not prove to be this user. Nobody in particular: no such account, or too many.
    Failed { user: Option<String> },
}

impl Who {
    /// What the tries of one too many are counted under.
    fn others(&self) -> Who {
        match self {
            Who::Denied { .. } => Who::Denied { tenant: TenantId::HUB, actor: None },
            Who::Failed { .. } => Who::Failed { user: None },
        }
    }
}

/// Tries in vain: since when, and how often what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tries {
    pub since: Time,
    pub of: BTreeMap<String, u64>,
}

impl Waiting {
    /// A log has grown up to here. What is told late never takes back what came after it.
    pub fn grew(&self, tenant: TenantId, head: Head) {
        let mut heads = self.heads.lock();
        let known = heads.entry(tenant).or_insert(head);
        if known.seq < head.seq {
            *known = head;
        }
    }

    /// A company was deleted: there is no log any more that any of it would be told in.
    pub fn forget(&self, tenant: TenantId) {
        self.heads.lock().remove(&tenant);
        self.tries.lock().retain(|who, _| !matches!(who, Who::Denied { tenant: of, .. } if *of == tenant));
    }

    /// A credential was used.
    pub fn used(&self, what: Seen, at: Time) {
        let mut seen = self.seen.lock();
        let known = seen.entry(what).or_insert(at);
        *known = at.max(*known);
    }

    /// Somebody tried something in vain: an operation, or to prove who they are, with what was wrong.
    pub fn tried(&self, who: Who, what: &str) {
        self.add_tries(who, Tries { since: Time::now(), of: BTreeMap::from([(what.to_owned(), 1)]) });
    }

    pub fn add_tries(&self, who: Who, more: Tries) {
        let mut tries = self.tries.lock();
        let who = if tries.len() < APART || tries.contains_key(&who) { who } else { who.others() };
        let known = tries.entry(who).or_insert_with(|| Tries { since: more.since, of: BTreeMap::new() });
        known.since = known.since.min(more.since);
        for (what, count) in more.of {
            *known.of.entry(what).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_head_never_takes_the_place_of_a_newer_one() {
        let (waiting, tenant) = (Waiting::default(), TenantId::new());
        let head = |seq, byte| Head { seq, hash: [byte; 32], epoch: 1 };
        for (seq, byte) in [(3, 3), (5, 5), (4, 4)] {
            waiting.grew(tenant, head(seq, byte));
        }
        waiting.grew(TenantId::new(), head(9, 9));
        assert_eq!(waiting.heads.lock().get(&tenant), Some(&head(5, 5)));
    }
    #[test]
    fn many_who_try_are_counted_and_not_remembered() {
        let waiting = Waiting::default();
        for n in 0..5000 {
            waiting.tried(Who::Denied { tenant: TenantId::new(), actor: Some(format!("member:{n}")) }, "crm.deals.create");
            waiting.tried(Who::Failed { user: Some(n.to_string()) }, "password");
        }
        let tries = waiting.tries.lock();
        assert!(tries.len() <= APART + 2);
        assert_eq!(tries.values().flat_map(|tries| tries.of.values()).sum::<u64>(), 10_000);
    }
}
