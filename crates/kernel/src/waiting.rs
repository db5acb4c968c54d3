//! What waits in memory until it is written down with others, once a minute and at the end. None of it is ever the reason to open a
//! silo, and all of it may be lost.

use base::{TenantId, Time};
use parking_lot::Mutex;
use silo::Head;
use std::collections::HashMap;

#[derive(Default)]
pub(crate) struct Waiting {
    /// Where each log that grew stood at its last commit, until the hub keeps a checkpoint of it.
    pub heads: Mutex<HashMap<TenantId, Head>>,
    /// When a credential was last used.
    pub seen: Mutex<HashMap<Seen, Time>>,
}

/// The row that says when a credential was last used.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Seen {
    Session(String),
    Family(String),
    Key(String),
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

    /// A credential was used.
    pub fn used(&self, what: Seen, at: Time) {
        let mut seen = self.seen.lock();
        let known = seen.entry(what).or_insert(at);
        *known = at.max(*known);
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
}
