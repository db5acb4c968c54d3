use super::{address::Address, cluster::limits, session::Session};
use crate::fault;
use base::{Error, Result};
use parking_lot::Mutex;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_postgres::{NoTls, Socket, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

const IDLE: Duration = Duration::from_secs(60);
const WAIT: Duration = Duration::from_secs(5);

/// The sessions of this installation. Who has one has it alone, and only a clean one comes back.
pub struct Pool {
    address: Address,
    pub handle: Handle,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<(Instant, Session)>>,
}

impl Pool {
    pub fn new(address: Address, size: usize) -> Arc<Pool> {
        Arc::new(Pool { address, handle: Handle::current(), permits: Arc::new(Semaphore::new(size.max(1))), idle: Mutex::default() })
    }

    /// Waits for a session, at most 5 s.
    pub async fn lease(self: &Arc<Self>) -> Result<Lease> {
        let permit = tokio::time::timeout(WAIT, self.permits.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| fault::busy("no session became free"))?.map_err(Error::internal)?;
        let session = match self.take() {
            Some(session) => session,
            None => self.connect().await?,
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

    async fn connect(&self) -> Result<Session> {
        match &self.address.tls {
            None => self.connect_by(NoTls).await,
            Some(tls) => self.connect_by(MakeRustlsConnect::new(tls.clone())).await,
        }
    }

    async fn connect_by<T>(&self, tls: T) -> Result<Session>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let made = tokio::time::timeout(WAIT, self.address.config.connect(tls)).await.map_err(fault::lost)?;
        let (client, connection) = made.map_err(|e| fault::postgres(&e))?;
        self.handle.spawn(async move {
            if let Err(e) = connection.await {
                tracing::warn!(error = %e, "a PostgreSQL session ended");
            }
        });
        tokio::time::timeout(WAIT, client.batch_execute(&limits())).await.map_err(fault::lost)?.map_err(|e| fault::postgres(&e))?;
        Ok(Session::new(client, self.handle.clone()))
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
        if let Some(session) = self.session.take()
            && session.is_clean()
        {
            self.pool.idle.lock().push((Instant::now(), session));
        }
    }
}
