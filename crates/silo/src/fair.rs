//! Taking turns: what is scarce for all silos together, such as threads for long reads, is given to whoever has had the least of it.
//!
//! A tenant is charged the time for which it held a place. Of those that wait, the one that was charged least is next; one that comes
//! new starts with what each of those that are there was due meanwhile, so nobody saves up turns, and nobody who stays is passed by
//! strangers for ever (weighted fair queueing, all weights the same). However many wait of one tenant, another's first is before them
//! as soon as a place becomes free. The hub is before everybody: who a request comes from is asked there, whoever it comes from. No
//! tenant holds more than half of all places, nor does the hub.

use base::{Error, Result, TenantId};
use parking_lot::Mutex;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// So long somebody waits for a turn, at most.
const WAIT: Duration = Duration::from_secs(2);

pub struct Gate {
    /// Places that one tenant may hold.
    share: usize,
    state: Mutex<State>,
}

struct State {
    free: usize,
    /// What a tenant that was there all the time would have been charged, had each had the same.
    level: Duration,
    tenants: HashMap<TenantId, Tenant>,
}

#[derive(Default)]
struct Tenant {
    running: usize,
    charged: Duration,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// A place, until it is dropped.
pub struct Turn {
    gate: Arc<Gate>,
    tenant: TenantId,
    since: Instant,
}

impl Gate {
    pub fn new(places: usize) -> Arc<Gate> {
        let state = State { free: places.max(1), level: Duration::ZERO, tenants: HashMap::new() };
        Arc::new(Gate { share: places.div_ceil(2).max(1), state: Mutex::new(state) })
    }

    /// Waits for a place, at most 2 s: then whoever asked is told to come later.
    pub async fn enter(self: &Arc<Self>, tenant: TenantId) -> Result<Turn> {
        let wait = {
            let mut state = self.state.lock();
            let level = state.level;
            let free = state.free > 0;
            let asking = state.tenants.entry(tenant).or_insert_with(|| Tenant { charged: level, ..Tenant::default() });
            if free && asking.running < self.share {
                // Nobody else can be waiting for this place: it would be theirs already.
                return Ok(self.serve(&mut state, tenant));
            }
            let (give, wait) = oneshot::channel();
            asking.waiting.push_back(give);
            wait
        };
        match tokio::time::timeout(WAIT, wait).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Error::overloaded()),
        }
    }

    fn serve(self: &Arc<Self>, state: &mut State, tenant: TenantId) -> Turn {
        state.free = state.free.saturating_sub(1);
        let served = state.tenants.entry(tenant).or_default();
        served.running += 1;
        Turn { gate: self.clone(), tenant, since: Instant::now() }
    }

    /// Gives free places to the hub, and to whoever was charged least.
    fn give(self: &Arc<Self>, state: &mut State) -> Vec<Turn> {
        let mut nobody_there = Vec::new();
        while state.free > 0 {
            let next =
                state.tenants.iter().filter(|(_, t)| t.running < self.share && !t.waiting.is_empty()).min_by_key(|(id, t)| (!id.is_hub(), t.charged));
            let Some(tenant) = next.map(|(id, _)| *id) else { break };
            let Some(waiting) = state.tenants.get_mut(&tenant).and_then(|t| t.waiting.pop_front()) else { break };
            if waiting.is_closed() {
                state.forget_if_idle(tenant);
                continue;
            }
            // Whoever goes just now leaves the turn behind. It is given back without the lock.
            nobody_there.extend(waiting.send(self.serve(state, tenant)).err());
        }
        nobody_there
    }

    #[cfg(test)]
    fn is_idle(&self, places: usize) -> bool {
        let state = self.state.lock();
        state.free == places && state.tenants.is_empty()
    }
}

impl State {
    fn forget_if_idle(&mut self, tenant: TenantId) {
        if self.tenants.get(&tenant).is_some_and(|t| t.running == 0 && t.waiting.is_empty()) {
            self.tenants.remove(&tenant);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let unused = {
            let mut state = self.gate.state.lock();
            state.free += 1;
            let took = self.since.elapsed();
            let there = u32::try_from(state.tenants.len()).unwrap_or(u32::MAX).max(1);
            state.level += took / there;
            if let Some(tenant) = state.tenants.get_mut(&self.tenant) {
                tenant.running -= 1;
                tenant.charged += took;
            }
            state.forget_if_idle(self.tenant);
            self.gate.give(&mut state)
        };
        drop(unused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    async fn work(gate: &Arc<Gate>, tenant: TenantId, millis: u64) -> Duration {
        let asked = Instant::now();
        let turn = gate.enter(tenant).await.unwrap();
        let waited = asked.elapsed();
        tokio::time::sleep(Duration::from_millis(millis)).await;
        drop(turn);
        waited
    }

    #[tokio::test]
    async fn whoever_had_least_is_next_however_many_wait_of_another() {
        let (gate, loud, quiet) = (Gate::new(2), TenantId::new(), TenantId::new());
        let crowd: Vec<_> = (0..50)
            .map(|_| {
                tokio::spawn({
                    let gate = gate.clone();
                    // Far less than anybody waits for a turn, all of them together, also where the machine is busy.
                    async move { work(&gate, loud, 5).await }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(30)).await;
        for _ in 0..5 {
            let waited = work(&gate, quiet, 1).await;
            assert!(waited < Duration::from_millis(30), "a place is kept free of the crowd: {waited:?}");
        }
        for one in crowd {
            one.await.unwrap();
        }
        assert!(gate.is_idle(2));
    }

    #[tokio::test]
    async fn time_is_shared_evenly_between_short_and_long_work() {
        let (gate, long, short) = (Gate::new(1), TenantId::new(), TenantId::new());
        let done = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let end = Instant::now() + Duration::from_millis(600);
        let workers: Vec<_> = (0..8)
            .map(|n| {
                let (gate, done) = (gate.clone(), done.clone());
                tokio::spawn(async move {
                    let (tenant, millis) = if n % 2 == 0 { (long, 20) } else { (short, 4) };
                    while Instant::now() < end {
                        work(&gate, tenant, millis).await;
                        done[n % 2].fetch_add(1, SeqCst);
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        let (long, short) = (done[0].load(SeqCst), done[1].load(SeqCst));
        assert!(short > 2 * long, "{short} short ones for {long} long ones");
        assert!(gate.is_idle(1));
    }

    #[tokio::test]
    async fn whoever_stays_is_not_passed_by_strangers_for_ever() {
        let (gate, steady) = (Gate::new(2), TenantId::new());
        let end = Instant::now() + Duration::from_millis(600);
        let workers: Vec<_> = (0..12)
            .map(|n| {
                let gate = gate.clone();
                tokio::spawn(async move {
                    let mut longest = Duration::ZERO;
                    while Instant::now() < end {
                        let tenant = if n < 3 { steady } else { TenantId::new() };
                        longest = longest.max(work(&gate, tenant, 2).await);
                    }
                    longest
                })
            })
            .collect();
        for one in workers {
            let longest = one.await.unwrap();
            assert!(longest < Duration::from_millis(300), "each has its turn: {longest:?}");
        }
        assert!(gate.is_idle(2));
    }

    #[tokio::test]
    async fn the_hub_does_not_wait_behind_the_tenants() {
        let gate = Gate::new(2);
        let end = Instant::now() + Duration::from_millis(600);
        let crowd: Vec<_> = (0..20)
            .map(|_| {
                let (gate, tenant) = (gate.clone(), TenantId::new());
                tokio::spawn(async move {
                    while Instant::now() < end {
                        work(&gate, tenant, 5).await;
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let asked: Vec<_> = (0..20)
            .map(|_| {
                let gate = gate.clone();
                tokio::spawn(async move { work(&gate, TenantId::HUB, 1).await })
            })
            .collect();
        for one in asked {
            let waited = one.await.unwrap();
            assert!(waited < Duration::from_millis(300), "everybody waits for it: {waited:?}");
        }
        for one in crowd {
            one.await.unwrap();
        }
        assert!(gate.is_idle(2));
    }

    #[tokio::test]
    async fn who_gives_up_waiting_holds_no_place() {
        let (gate, tenant) = (Gate::new(1), TenantId::new());
        let turn = gate.enter(tenant).await.unwrap();
        for _ in 0..100 {
            assert!(tokio::time::timeout(Duration::from_millis(1), gate.enter(TenantId::new())).await.is_err());
            assert!(tokio::time::timeout(Duration::from_micros(1), gate.enter(tenant)).await.is_err());
        }
        drop(turn);
        work(&gate, tenant, 1).await;
        work(&gate, TenantId::new(), 1).await;
        assert!(gate.is_idle(1), "nobody is remembered who has nothing to do");
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let (gate, tenant) = (Gate::new(1), TenantId::new());
        let _turn = gate.enter(tenant).await.unwrap();
        let error = gate.enter(TenantId::new()).await.err().unwrap();
        assert_eq!((error.name(), error.retry_after()), ("overloaded", Some(1)));
    }
}
