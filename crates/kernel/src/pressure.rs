//! How far behind this process is, and who is turned away because of it.
//!
//! A heartbeat measures by how much it is woken too late: so long everything else waits for a processor, too. (While nobody asks for anything
//! it is slow, and only looks for stalls.) When that is more than a
//! request should wait, for a tenth of a second on end (a short burst is none of this), part of what comes is refused before any work is
//! done for it, and a little more in each tenth of a second in which it stays so: what is let in is then answered in time. Companies that
//! ask for more than twice their share are refused first. Health, and proving who one is, are always let in.
//! The idea is CoDel's, RFC 8289: judge by the least delay of an interval, not by the length of a queue.

use crate::{app::App, operations::Operation};
use base::{Error, Result, TenantId};
use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::{Duration, Instant},
};

const BEAT: Duration = Duration::from_millis(10);
/// Heartbeats in one interval.
const BEATS: u32 = 10;
/// A request may wait so long for a processor.
const TARGET: Duration = Duration::from_millis(20);
/// All requests, in the unit of what is refused.
const ALL: u32 = 1024;
/// Never refused is one in sixteen, so that it shows when things are better.
const MOST: u32 = ALL - ALL / 16;
const MORE: u32 = ALL / 16;
const LESS: u32 = ALL / 32;
/// Companies share counters when there are more of them than this; a stranger's share is then guessed too large, never too small.
const COUNTERS: usize = 1024;

pub(crate) struct Pressure {
    enabled: bool,
    /// Of [`ALL`] requests so many are refused.
    refused: AtomicU32,
    /// Who asks more often than this in one interval asks for more than twice a fair share.
    heavy: AtomicU32,
    /// Requests by company in this interval.
    asked: Box<[AtomicU32]>,
    random: RandomState,
    turn: AtomicU32,
    /// Requests refused since the start.
    shed: AtomicU32,
}

impl Pressure {
    pub fn new(enabled: bool) -> Pressure {
        Pressure {
            enabled,
            refused: AtomicU32::new(0),
            heavy: AtomicU32::new(u32::MAX),
            asked: std::iter::repeat_with(AtomicU32::default).take(COUNTERS).collect(),
            random: RandomState::new(),
            turn: AtomicU32::new(0),
            shed: AtomicU32::new(0),
        }
    }

    /// Counts a request of a company, and lets it in or not.
    pub fn admit(&self, tenant: TenantId, operation: &Operation) -> Result<()> {
        let refused = self.refuses(tenant);
        let always = operation.credential || operation.cookie || operation.proof;
        if !refused || always {
            return Ok(());
        }
        self.shed.fetch_add(1, Relaxed);
        Err(Error::overloaded())
    }

    fn refuses(&self, tenant: TenantId) -> bool {
        let asked = self.count(tenant);
        let refused = self.refused.load(Relaxed);
        if refused == 0 {
            return false;
        }
        let chance = match self.heavy.load(Relaxed) {
            u32::MAX => refused,
            heavy if asked > heavy => refused.saturating_mul(4).min(MOST),
            // As long as somebody asks for too much, the others hardly feel it.
            _ => refused / 4,
        };
        // Spread evenly: 619 is odd, so it visits every number below 1024.
        self.turn.fetch_add(619, Relaxed) % ALL < chance
    }

    /// Requests refused since the start.
    pub fn shed(&self) -> u32 {
        self.shed.load(Relaxed)
    }

    fn count(&self, tenant: TenantId) -> u32 {
        let at = usize::try_from(self.random.hash_one(tenant) % COUNTERS as u64).unwrap_or(0);
        self.asked.get(at).map_or(0, |count| count.fetch_add(1, Relaxed) + 1)
    }

    /// The end of an interval in which every request waited for at least `least`. Whether there were none, and none is refused.
    fn interval(&self, least: Duration) -> bool {
        let (mut all, mut companies, mut most) = (0, 0, 0);
        for count in &self.asked {
            let asked = count.swap(0, Relaxed);
            all += asked;
            companies += u32::from(asked > 0);
            most = most.max(asked);
        }
        let fair = all / companies.max(1);
        let somebody_is_heavy = companies > 1 && most > fair.saturating_mul(2);
        self.heavy.store(if somebody_is_heavy { fair.saturating_mul(2).max(1) } else { u32::MAX }, Relaxed);
        let refused = self.refused.load(Relaxed);
        let next = if self.enabled && least > TARGET { (refused + MORE).min(MOST) } else { refused.saturating_sub(LESS) };
        self.refused.store(next, Relaxed);
        match (refused, next) {
            (0, 1..) => tracing::warn!(
                late_ms = u64::try_from(least.as_millis()).unwrap_or(u64::MAX),
                "more is asked than can be done: part of it is refused"
            ),
            (1.., 0) => tracing::info!(refused = self.shed(), "everything is answered again"),
            _ => {}
        }
        all == 0 && next == 0
    }
}

/// The heartbeat, until the end.
pub(crate) async fn keep(app: App) {
    let mut least = Duration::MAX;
    let mut beats = 0;
    let mut quiet = false;
    loop {
        let pause = if quiet { BEAT * BEATS } else { BEAT };
        let before = Instant::now();
        tokio::select! {
            () = app.stop().rung() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let late = before.elapsed().saturating_sub(pause);
        app.stalls().noticed(late);
        // One slow beat that is late says nothing about a tenth of a second on end.
        (least, beats) = if quiet { (Duration::ZERO, BEATS) } else { (least.min(late), beats + 1) };
        if beats == BEATS {
            quiet = app.pressure().interval(least);
            (least, beats) = (Duration::MAX, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many requests of each company are refused, taking turns.
    fn refused(pressure: &Pressure, asked: &[(TenantId, u32)]) -> Vec<u32> {
        let mut refused = vec![0; asked.len()];
        for round in 0..asked.iter().map(|(_, times)| *times).max().unwrap_or(0) {
            for (n, (tenant, _)) in asked.iter().enumerate().filter(|(_, (_, times))| round < *times) {
                refused[n] += u32::from(pressure.refuses(*tenant));
            }
        }
        refused
    }

    #[test]
    fn what_is_refused_grows_with_lasting_delay_and_ends_with_it() {
        let (pressure, tenant) = (Pressure::new(true), TenantId::new());
        assert_eq!(refused(&pressure, &[(tenant, 1000)]), [0]);
        let mut last = 0;
        for _ in 0..10 {
            pressure.interval(TARGET * 2);
            let now = refused(&pressure, &[(tenant, 1024)])[0];
            assert_eq!(now, last + MORE, "evenly spread");
            last = now;
        }
        for _ in 0..100 {
            pressure.interval(TARGET * 2);
        }
        assert_eq!(refused(&pressure, &[(tenant, 1024)]), [MOST], "never all");
        for _ in 0..40 {
            pressure.interval(TARGET / 2);
        }
        assert_eq!(refused(&pressure, &[(tenant, 1024)]), [0]);
    }

    #[test]
    fn whoever_asks_for_more_than_twice_a_fair_share_is_refused_first() {
        let pressure = Pressure::new(true);
        let quiet: Vec<(TenantId, u32)> = (0..20).map(|_| (TenantId::new(), 50)).collect();
        let all: Vec<(TenantId, u32)> = quiet.into_iter().chain([(TenantId::new(), 5_000)]).collect();
        for _ in 0..4 {
            refused(&pressure, &all);
            pressure.interval(TARGET * 2);
        }
        let mut of_each = refused(&pressure, &all);
        let loud = of_each.pop().unwrap();
        assert!(loud > 4_000, "{loud} of 5 000");
        assert!(of_each.iter().sum::<u32>() < 100, "{of_each:?} of 50 each");
    }

    #[test]
    fn one_company_alone_is_never_too_much_for_itself() {
        let (pressure, tenant) = (Pressure::new(true), TenantId::new());
        refused(&pressure, &[(tenant, 5_000)]);
        pressure.interval(Duration::ZERO);
        assert_eq!(pressure.heavy.load(Relaxed), u32::MAX);
    }
}
