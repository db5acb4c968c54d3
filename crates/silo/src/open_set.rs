//! The set of open silos: found fast, bounded, and never short of one that is in use.

use crate::Silo;
use base::{Error, Result, TenantId};
use parking_lot::RwLock;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

/// A silo that is open or just being opened; who comes meanwhile waits for the same opening.
pub type Slot = Arc<OnceCell<Silo>>;

pub struct OpenSet {
    map: RwLock<Map>,
    pub most: usize,
    began: Instant,
}

#[derive(Default)]
struct Map {
    slots: HashMap<TenantId, Slot>,
    /// To be closed before their tenant is opened again.
    over: HashMap<TenantId, Vec<Slot>>,
    /// Ids are never reused: what was destroyed stays away.
    gone: HashSet<TenantId>,
}

impl OpenSet {
    pub fn new(most: usize) -> OpenSet {
        OpenSet { map: RwLock::default(), most: most.max(1), began: Instant::now() }
    }

    pub fn get(&self, id: TenantId) -> Option<Silo> {
        let map = self.map.read();
        let silo = map.slots.get(&id)?.get().filter(|silo| !silo.is_over())?;
        silo.0.used.store(self.now(), Relaxed);
        Some(silo.clone())
    }

    pub fn slot(&self, id: TenantId) -> Result<Slot> {
        let mut map = self.map.write();
        if map.gone.contains(&id) {
            return Err(Error::not_found());
        }
        let slot = map.slots.entry(id).or_default();
        // One that damage was found in, or that the disk has failed, is opened anew; who still holds it is told.
        if slot.get().is_some_and(Silo::is_over) {
            let old = std::mem::take(slot);
            let new = slot.clone();
            map.over.entry(id).or_default().push(old);
            return Ok(new);
        }
        Ok(slot.clone())
    }

    /// Closes those that are over, which may take its time. One that is still read stays for the next try.
    pub fn close_over(&self, id: TenantId, patience: Duration) -> Result<()> {
        let mut over = self.map.write().over.remove(&id).unwrap_or_default();
        let mut closed = Ok(());
        over.retain(|slot| {
            let done = slot.get().map_or(Ok(()), |silo| silo.0.close(patience));
            let open = done.is_err();
            closed = std::mem::replace(&mut closed, Ok(())).and(done);
            open
        });
        if !over.is_empty() {
            self.map.write().over.entry(id).or_default().extend(over);
        }
        closed
    }

    /// Takes a slot away in which opening has failed and for which nobody else waits.
    pub fn forget(&self, id: TenantId, slot: Slot) {
        let mut map = self.map.write();
        if map.slots.get(&id).is_some_and(|s| Arc::ptr_eq(s, &slot) && s.get().is_none() && Arc::strong_count(s) == 2) {
            map.slots.remove(&id);
        }
    }

    pub fn destroyed(&self, id: TenantId) -> Option<Slot> {
        let mut map = self.map.write();
        map.gone.insert(id);
        map.over.remove(&id);
        map.slots.remove(&id)
    }

    /// What is beyond the limit and idle, oldest first, and a little more so that not every opening has to look.
    pub fn surplus(&self) -> Vec<Slot> {
        if self.len() <= self.most {
            return Vec::new();
        }
        let mut map = self.map.write();
        let mut idle: Vec<(u64, TenantId)> = map.slots.iter().filter_map(|(id, slot)| is_idle(slot).map(|used| (used, *id))).collect();
        idle.sort_unstable();
        let wanted = map.slots.len() - self.most + self.most / 64;
        idle.into_iter().take(wanted).filter_map(|(_, id)| map.slots.remove(&id)).collect()
    }

    pub fn all(&self) -> Vec<Silo> {
        self.map.read().slots.values().filter_map(|slot| slot.get().cloned()).collect()
    }

    pub fn clear(&self) -> Vec<Slot> {
        self.map.write().slots.drain().map(|(_, slot)| slot).collect()
    }

    pub fn len(&self) -> usize {
        self.map.read().slots.len()
    }

    pub fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// When it was last used, if nobody holds a handle, waits for its opening, or has a unit in its queue. Handles are only made
/// from the map, and the caller has the map alone.
fn is_idle(slot: &Slot) -> Option<u64> {
    let silo = slot.get()?;
    (Arc::strong_count(slot) == 1 && Arc::strong_count(&silo.0) == 1 && silo.0.queue.is_idle()).then(|| silo.0.used.load(Relaxed))
}

/// How many SQLite silos may be open: each takes up to 8 files (reader, writer, WAL, shared memory, some scans) and about
/// half a megabyte when it is busy. A quarter of the memory is theirs; 256 files are kept for everything else.
pub fn fitting() -> usize {
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024);
    let by_files = files.saturating_sub(256) / 8;
    let by_memory = memory() / 4 / (512 * 1024);
    usize::try_from(by_files.min(by_memory).clamp(16, 20_000)).unwrap_or(16)
}

/// Bytes this process may use: the machine's, or its container's.
pub fn memory() -> u64 {
    let number = |path: &str| std::fs::read_to_string(path).ok().and_then(|t| t.trim().parse::<u64>().ok());
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024)
    });
    let container = number("/sys/fs/cgroup/memory.max").or_else(|| number("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    machine.unwrap_or(2 << 30).min(container.unwrap_or(u64::MAX))
}
