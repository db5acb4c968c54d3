use super::{
    address::Address,
    server::{Refusal, Server},
    session::Session,
};
use crate::fault;
use base::{Error, Result};
use parking_lot::Mutex;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

const IDLE: Duration = Duration::from_secs(60);
/// For a session that somebody else has.
const WAIT: Duration = Duration::from_secs(1);

/// The sessions of this installation. Who has one has it alone, and only a clean one comes back.
pub struct Pool {
    pub server: Arc<Server>,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<(Instant, Session)>>,
    /// Rung when a session has come back.
    back: Notify,
}

impl Pool {
    pub fn new(address: Address, size: usize) -> Arc<Pool> {
        let permits = Arc::new(Semaphore::new(size.max(1)));
        Arc::new(Pool { server: Server::new(address), permits, idle: Mutex::default(), back: Notify::new() })
    }

    /// The same as [`Pool::lease`], for a blocking thread.
    pub fn wait_for_lease(self: &Arc<Self>) -> Result<Lease> {
        self.server.handle.block_on(self.lease())
    }

    /// A session: an idle one, or a new one. Waits a second for one that is on loan; not at all for a server that is gone.
    pub async fn lease(self: &Arc<Self>) -> Result<Lease> {
        self.server.admit()?;
        tokio::select! {
            lease = self.lease_of_a_server_that_is_there() => lease,
            () = self.server.gone() => Err(fault::lost("the server does not answer")),
        }
    }

    async fn lease_of_a_server_that_is_there(self: &Arc<Self>) -> Result<Lease> {
        let permit = timeout(WAIT, self.permits.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| none_free())?.map_err(Error::internal)?;
        let session = match self.take() {
            Some(session) => session,
            None => match self.server.connect().await {
                Ok(session) => session,
                Err(Refusal { crowded: true, .. }) => self.next_back().await?,
                Err(refusal) => return Err(refusal.error),
            },
        };
        Ok(Lease { session: Some(session), pool: self.clone(), _permit: permit })
    }

    fn take(&self) -> Option<Session> {
        let mut idle = self.idle.lock();
        while let Some((_, session)) = idle.pop() {
            if session.is_clean() {
                return Some(session);
            }
        }
        None
    }

    /// The server takes no more connections: the next session that comes back will do.
    async fn next_back(&self) -> Result<Session> {
        let found = timeout(WAIT, async {
            loop {
                let back = self.back.notified();
                match self.take() {
                    Some(session) => return session,
                    None => back.await,
                }
            }
        });
        found.await.map_err(|_| none_free())
    }

    /// Closes what nobody has needed for a while.
    pub fn close_idle(&self) {
        self.idle.lock().retain(|(since, session)| since.elapsed() < IDLE && session.is_clean());
    }

    pub fn close(&self) {
        self.idle.lock().clear();
    }
}

fn none_free() -> Error {
    fault::busy("no session became free")
}

/// A session on loan.
pub struct Lease {
    session: Option<Session>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    pub fn session(&mut self) -> Result<&mut Session> {
        self.session.as_mut().ok_or_else(|| Error::internal("the session is gone"))
    }
    pub fn is_alive(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_alive)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(mut session) = self.session.take()
            && session.is_clean()
        {
            session.is_patient(false);
            self.pool.idle.lock().push((Instant::now(), session));
            self.pool.back.notify_one();
        }
    }
}
