//! The one clock. It shows the time of day, and within one process it never goes back: where somebody sets the clock back, it goes on at half
//! the speed until the other has caught up. So entries of a log keep their order, a lease does not last ten minutes longer, and what is
//! due in two seconds is due in four at most. A clock that is set forward is followed at once.

use parking_lot::Mutex;
use std::time::{Instant, SystemTime};

static CLOCK: Mutex<Clock> = Mutex::new(Clock { shown: i64::MIN, at: None });

struct Clock {
    /// Microseconds since 1970.
    shown: i64,
    /// When it was shown, by a clock that nobody sets.
    at: Option<Instant>,
}

/// Microseconds since 1970, UTC.
pub fn now() -> i64 {
    let (wall, at) = (wall(), Instant::now());
    let mut clock = CLOCK.lock();
    let ran = clock.at.map_or(0, |since| i64::try_from(at.saturating_duration_since(since).as_micros()).unwrap_or(i64::MAX));
    let next = next(clock.shown, ran, wall);
    // What is too short to be shown counts the next time.
    if next > clock.shown {
        *clock = Clock { shown: next, at: Some(at) };
    }
    next
}

/// What to show so long after `shown`.
fn next(shown: i64, ran: i64, wall: i64) -> i64 {
    wall.max(shown.saturating_add(ran / 2))
}

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn wall() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    #[cfg(feature = "set-clock")]
    let micros = micros.saturating_add(set::BY.load(std::sync::atomic::Ordering::SeqCst));
    micros
}

/// A clock that somebody sets, for tests of what happens then. It is the whole process's: such a test is alone in its binary.
#[cfg(feature = "set-clock")]
pub mod set {
    use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

    pub(super) static BY: AtomicI64 = AtomicI64::new(0);

    /// Sets the clock so many seconds before or after the right time.
    pub fn by(seconds: i64) {
        BY.store(seconds.saturating_mul(1_000_000), SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn r_15_a_clock_that_is_set_back_goes_on_more_slowly_until_it_is_right_again() {
        const MINUTE: i64 = 60_000_000;
        let (mut shown, mut wall) = (next(i64::MIN, 0, 100 * MINUTE), 90 * MINUTE);
        assert_eq!(shown, 100 * MINUTE);
        let mut minutes = 0;
        while shown > wall {
            let before = shown;
            wall += MINUTE;
            shown = next(shown, MINUTE, wall);
            assert!(shown > before && shown - before <= MINUTE, "{before} {shown}");
            minutes += 1;
        }
        assert_eq!((minutes, shown), (20, wall), "ten minutes are made good in twenty");
        assert_eq!(next(shown, 1, wall + 10 * MINUTE), wall + 10 * MINUTE, "set forward, it follows");
    }
}
