//! The steps of work that is done in several: between every two effects that stay, the work says where it is. A test can make it fail
//! exactly there (with the feature `failpoints`, which only `testkit` asks for); in the product a step is nothing.

/// The work has come to this point: `flow.step`, a name that stands in one place of the source only.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn step(_name: &'static str) -> crate::Result<()> {
    Ok(())
}

#[cfg(feature = "failpoints")]
pub use armed::{arm, disarm, reached, step};

#[cfg(feature = "failpoints")]
mod armed {
    use crate::{Error, Result};
    use parking_lot::Mutex;
    use std::{collections::BTreeMap, sync::Once, time::Duration};

    /// Longer than any other work in a test waits for anything but a lock.
    const DELAY: Duration = Duration::from_millis(100);

    /// How often what was armed went off, by step.
    static REACHED: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());

    /// The same, where tests run: does what the step was armed with, by [`arm`] or by the variable `FAILPOINTS` of this process.
    pub fn step(name: &'static str) -> Result<()> {
        read_variable();
        fail::fail_point!(name, |what| act(name, what.as_deref()));
        Ok(())
    }

    /// Arms a step of this process, in the words of the crate `fail`: `1*return(error)`, or with `panic`, `delay`, or `kill`, after which
    /// nothing in the process runs any more. Whoever does this has a test binary of their own, and takes turns.
    pub fn arm(name: &str, what: &str) -> Result<()> {
        read_variable();
        fail::cfg(name, what).map_err(Error::internal)
    }

    /// The step does nothing any more.
    pub fn disarm(name: &str) {
        fail::remove(name);
    }

    fn read_variable() {
        static READ: Once = Once::new();
        // Kept for good: what the variable says holds as long as the process.
        READ.call_once(|| std::mem::forget(fail::FailScenario::setup()));
    }

    /// How often this step did since the start what it was armed with.
    pub fn reached(name: &str) -> u64 {
        REACHED.lock().get(name).copied().unwrap_or(0)
    }

    #[expect(clippy::panic, clippy::disallowed_methods, reason = "it was asked for")]
    fn act(name: &'static str, what: Option<&str>) -> Result<()> {
        *REACHED.lock().entry(name).or_default() += 1;
        match what {
            Some("kill") => std::process::abort(),
            Some("panic") => panic!("on purpose"),
            Some("delay") => {
                std::thread::sleep(DELAY);
                Ok(())
            }
            _ => Err(Error::internal(format!("failpoint {name}"))),
        }
    }
}
