//! One limit: counts per key, bounded.

use crate::config::Rate;
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    time::{Duration, Instant},
};

/// Keys that one limit remembers at once.
const REMEMBERED: usize = 10_000;

/// Counts per key in windows that begin with the key's first try: never more than the limit in one window, however parallel.
pub struct Window {
    pub rate: Rate,
    random: RandomState,
    counts: Mutex<HashMap<u64, Count>>,
}

#[derive(Clone, Copy)]
struct Count {
    since: Instant,
    used: u32,
}

impl Window {
    pub fn new(rate: Rate) -> Window {
        Window { rate, random: RandomState::new(), counts: Mutex::new(HashMap::new()) }
    }

    fn length(&self) -> Duration {
        Duration::from_secs(u64::from(self.rate.window.0))
    }

    /// Whether this try is within the limit, how many more would be, and in how many seconds the window is over.
    pub fn take(&self, key: &(impl Hash + ?Sized), now: Instant) -> (bool, u32, u64) {
        // A keyed hash stands for the key: nobody outside can make two keys meet.
        let key = self.random.hash_one(key);
        let mut counts = self.counts.lock();
        if counts.len() >= REMEMBERED && !counts.contains_key(&key) {
            self.make_room(&mut counts, now);
        }
        let count = counts.entry(key).or_insert(Count { since: now, used: 0 });
        if now.duration_since(count.since) >= self.length() {
            *count = Count { since: now, used: 0 };
        }
        let allowed = count.used < self.rate.count;
        if allowed {
            count.used += 1;
        }
        let left = (count.since + self.length()).saturating_duration_since(now);
        (allowed, self.rate.count - count.used, left.as_secs() + u64::from(left.subsec_nanos() > 0))
    }

    pub fn give_back(&self, key: &str) {
        if let Some(count) = self.counts.lock().get_mut(&self.random.hash_one(key)) {
            count.used = count.used.saturating_sub(1);
        }
    }

    /// Forgets what is over. When all of it still counts, a tenth goes: those that tried least.
    fn make_room(&self, counts: &mut HashMap<u64, Count>, now: Instant) {
        counts.retain(|_, c| now.duration_since(c.since) < self.length());
        let Some(surplus) = counts.len().checked_sub(REMEMBERED * 9 / 10).filter(|n| *n > 0) else { return };
        let mut used: Vec<u32> = counts.values().map(|c| c.used).collect();
        let (_, threshold, _) = used.select_nth_unstable(surplus.saturating_sub(1));
        let (threshold, mut left) = (*threshold, surplus);
        counts.retain(|_, c| {
            let goes = left > 0 && c.used <= threshold;
            left -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Seconds;

    #[test]
    fn a_window_ends_and_memory_is_bounded() {
        let window = Window::new(Rate { count: 2, window: Seconds(10) });
        let start = Instant::now();
        assert_eq!(window.take("a", start), (true, 1, 10));
        assert_eq!(window.take("a", start + Duration::from_millis(500)), (true, 0, 10));
        assert_eq!(window.take("a", start + Duration::from_secs(9)), (false, 0, 1));
        for n in 0..30_000 {
            window.take(&n.to_string(), start + Duration::from_secs(9));
        }
        assert!(window.counts.lock().len() <= REMEMBERED);
        assert!(!window.take("a", start + Duration::from_secs(9)).0, "who tried most is remembered longest");
        assert!(window.take("a", start + Duration::from_secs(10)).0);
    }
}
