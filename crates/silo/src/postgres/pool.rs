//! Sessions with the server. There are two kinds, because what waits for an answer is either a thread or a task. A thread drives its
//! session itself, on a runtime that is the session's own: an answer wakes nobody but the one who waits for it. A task has one that the
//! process's runtime drives.

use super::{
    address::Address,
    cluster::LIMITS,
    session::{Driver, Session},
};
use crate::fault;
use base::{Error, Result};
use parking_lot::Mutex;
use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    runtime::{Builder, Handle},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_postgres::{Client, NoTls, Socket, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

const IDLE: Duration = Duration::from_secs(60);
const WAIT: Duration = Duration::from_secs(5);

/// What moves the messages of a session for as long as it lives.
type Drive = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Who waits for the answers of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    Thread,
    Task,
}

/// The sessions of this installation. Who has one has it alone, and only a clean one comes back.
pub struct Pool {
    address: Address,
    pub handle: Handle,
    permits: Arc<Semaphore>,
    size: usize,
    idle: Mutex<Vec<(Instant, Session)>>,
}

impl Pool {
    pub fn new(address: Address, size: usize) -> Arc<Pool> {
        let size = size.max(1);
        Arc::new(Pool { address, handle: Handle::current(), permits: Arc::new(Semaphore::new(size)), size, idle: Mutex::default() })
    }

    /// Waits for the right to a session, at most 5 s. A thread connects when it first needs one.
    pub async fn lease(self: &Arc<Self>, whom: For) -> Result<Lease> {
        let permit = tokio::time::timeout(WAIT, self.permits.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| fault::busy("no session became free"))?.map_err(Error::internal)?;
        let mut lease = Lease { session: self.take(whom), pool: self.clone(), looked: false, _permit: permit };
        if lease.session.is_none() && whom == For::Task {
            let client = self.connect(|connection| drop(self.handle.spawn(connection))).await?;
            lease.session = Some(Session::new(client, Driver::Process));
        }
        Ok(lease)
    }

    /// One that nobody has. Where there are only those of the other kind, one of them makes room.
    fn take(&self, whom: For) -> Option<Session> {
        loop {
            let mut idle = self.idle.lock();
            let found = idle.iter().rposition(|(_, session)| session.is_for(whom)).map(|at| idle.swap_remove(at).1);
            let surplus = (found.is_none() && idle.len() >= self.size).then(|| idle.swap_remove(0));
            drop(idle);
            drop(surplus);
            match found {
                Some(session) if session.is_clean() => return Some(session),
                Some(_) => {}
                None => return None,
            }
        }
    }

    /// For a thread, which may wait.
    fn connect_here(&self) -> Result<Session> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let client = runtime.block_on(self.connect(|connection| drop(runtime.spawn(connection))))?;
        Ok(Session::new(client, Driver::Own(Some(runtime))))
    }

    async fn connect(&self, spawn: impl FnOnce(Drive)) -> Result<Client> {
        match &self.address.tls {
            None => self.connect_by(NoTls, spawn).await,
            Some(tls) => self.connect_by(MakeRustlsConnect::new(tls.clone()), spawn).await,
        }
    }

    async fn connect_by<T>(&self, tls: T, spawn: impl FnOnce(Drive)) -> Result<Client>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let made = tokio::time::timeout(WAIT, self.address.config.connect(tls)).await.map_err(fault::lost)?;
        let (client, connection) = made.map_err(|e| fault::postgres(&e))?;
        spawn(Box::pin(async move {
            if let Err(e) = connection.await {
                tracing::warn!(error = %e, "a PostgreSQL session ended");
            }
        }));
        tokio::time::timeout(WAIT, client.batch_execute(LIMITS)).await.map_err(fault::lost)?.map_err(|e| fault::postgres(&e))?;
        Ok(client)
    }

    /// Closes what nobody has needed for a while.
    pub fn close_idle(&self) {
        self.idle.lock().retain(|(since, _)| since.elapsed() < IDLE);
    }

    pub fn close(&self) {
        self.idle.lock().clear();
    }
}

/// A session on loan.
pub struct Lease {
    session: Option<Session>,
    pool: Arc<Pool>,
    /// Whether the server is known not to have hung up while nobody was listening.
    looked: bool,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    /// The session; a thread that has none yet connects.
    pub fn session(&mut self) -> Result<&mut Session> {
        if !std::mem::replace(&mut self.looked, true) {
            self.session.take_if(|session| !session.is_there());
        }
        match &mut self.session {
            Some(session) => Ok(session),
            none => Ok(none.insert(self.pool.connect_here()?)),
        }
    }
    pub fn is_alive(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_alive)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.session.take()
            && !session.is_open()
            && session.is_alive()
        {
            self.pool.idle.lock().push((Instant::now(), session));
        }
    }
}
