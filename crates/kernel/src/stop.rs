//! The end of the server, as those hear of it who would never end by themselves. Whoever asks late hears of it too.

use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Stop {
        Stop(watch::Sender::new(false))
    }
}

impl Stop {
    pub fn ring(&self) {
        self.0.send_replace(true);
    }
    pub fn is_rung(&self) -> bool {
        *self.0.borrow()
    }
    /// Returns when it is rung, at once if it was.
    pub async fn rung(&self) {
        // The sender is here, so it cannot have gone.
        let _ = self.0.subscribe().wait_for(|rung| *rung).await;
    }
}
