//! The real binary, with one of its steps armed to end it.

use crate::{
    points::Action,
    serving::{Life, Place, this_binary},
};
use server::door::Door;
use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(20);

/// The installation of a test with what `failpoints` says, and with the same public address: credentials go on to count.
fn place(data: &Path, public_url: &str, failpoints: &str) -> Place {
    let env =
        [("TENON_LIMITS__ENABLED", "false"), ("TENON_SERVER__PUBLIC_URL", public_url), ("TENON_STORAGE__BALLAST", "0"), ("FAILPOINTS", failpoints)];
    Place::new(data, &env).alone()
}

/// `tenon` on the data of a test, as an operator would call it.
pub fn tenon(data: &Path, public_url: &str, failpoints: &str, args: &[&str]) -> Command {
    place(data, public_url, failpoints).tenon(this_binary(), args)
}

/// A server that will end itself at a step.
pub struct Doomed {
    place: Place,
    life: Life,
    point: String,
}

impl Doomed {
    /// `passes` is how often the step is let pass before.
    pub async fn start(data: &Path, public_url: &str, point: &str, passes: usize) -> Doomed {
        let kill = Action::Kill.text();
        let armed = if passes == 0 { format!("{point}={kill}") } else { format!("{point}={passes}*off->{kill}") };
        let place = place(data, public_url, &armed);
        let mut doomed = Doomed { life: place.start(this_binary()), place, point: point.to_owned() };
        let begun = Instant::now();
        while doomed.life.end().is_none() && !doomed.place.is_ready().await {
            assert!(begun.elapsed() < PATIENCE, "the server is not ready");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        doomed
    }

    pub fn door(&self) -> Door {
        self.place.door()
    }

    /// Waits for its end. Whether it came by the step: one that never reached it is ended here.
    pub async fn died(mut self, patience: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if let Some(status) = self.life.end() {
                assert!(status.signal().is_some(), "{}: the server ended by itself, with {status}", self.point);
                return true;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.life.kill();
        false
    }
}
