//! What runs beside requests until the server stops. A loop that panics is started again, later each time; no panic takes more with it
//! than the work it happened in.

use crate::stop::Stop;
use base::{Error, Result};
use futures_util::FutureExt;
use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};
use tokio::task::JoinError;

/// How long a loop that panicked rests the first time.
const FIRST: Duration = Duration::from_millis(100);
/// And at most. One that ran for longer before it panicked begins with the first again.
const LONGEST: Duration = Duration::from_secs(30);

/// Runs a loop that ends by itself when `stop` is rung, and starts it again whenever it panics.
pub(crate) async fn keep_running<F: Future<Output = ()>>(name: &'static str, stop: Stop, run: impl Fn() -> F) {
    let mut pause = FIRST;
    loop {
        let begun = Instant::now();
        if AssertUnwindSafe(run()).catch_unwind().await.is_ok() {
            return;
        }
        if begun.elapsed() > LONGEST {
            pause = FIRST;
        }
        tracing::error!(name, ?pause, "a loop in the background panicked; it is started again");
        tokio::select! {
            () = stop.rung() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST);
    }
}

/// Turns a panic of some work into an error. Its words may be a customer's: where it happened is in the log, and nothing else.
pub(crate) async fn caught<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(Error::internal("a panic")))
}

/// The same of a task.
pub(crate) fn ended(task: &JoinError) -> Error {
    Error::internal(if task.is_panic() { "a panic" } else { "the task was cancelled" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    #[tokio::test]
    async fn a_loop_that_panics_is_started_again_later_each_time() {
        let (begun, stop) = (AtomicU32::new(0), Stop::default());
        let from = Instant::now();
        let run = || async { assert!(begun.fetch_add(1, SeqCst) >= 3, "on purpose") };
        keep_running("test", stop.clone(), run).await;
        assert_eq!(begun.load(SeqCst), 4);
        assert!(from.elapsed() >= FIRST * 7, "one, two and four times the first pause: {:?}", from.elapsed());
        // Whoever stops the server does not wait for one that rests.
        let always = async || panic!("on purpose");
        let ringing = async {
            tokio::time::sleep(FIRST / 2).await;
            stop.ring();
        };
        tokio::join!(keep_running("test", stop.clone(), always), ringing);
    }
}
