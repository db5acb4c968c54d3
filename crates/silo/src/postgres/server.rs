//! The server, and how it is as far as anybody has found out. Who finds it gone says so to everybody: nobody waits for it any more until a
//! probe has got through. So a server that is down, slow to death or silent costs each request less than two seconds, and the next ones nothing.

use super::{address::Address, cluster::limits, session::Session, wire::Wire};
use crate::fault;
use base::{Error, Result};
use std::{
    pin::pin,
    sync::{
        Arc, Weak,
        atomic::{
            AtomicBool, AtomicU32, AtomicU64, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::watch,
    time::{sleep, timeout},
};
use tokio_postgres::{NoTls, SimpleQueryMessage, Socket, error::SqlState, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

/// For a new session, with everything that belongs to it.
pub const CONNECT: Duration = Duration::from_millis(900);
/// A server that is silent for so long is asked by another way whether it is still there.
const QUIET: Duration = Duration::from_millis(750);
/// It has so long to say that it is.
const PROBE: Duration = Duration::from_secs(1);
/// How often one probe goes out while something is wrong.
const EVERY: Duration = Duration::from_millis(500);
/// So many sessions in a row that could not be had are no accident.
const FAILURES: u32 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Well,
    /// It answers, and takes no writes: a standby, or somebody has set it so.
    ReadOnly,
    Gone,
}

/// Why there is no session.
pub struct Refusal {
    pub error: Error,
    /// The server itself said so, and not the wire.
    pub answered: bool,
    /// It has as many connections as it takes.
    pub crowded: bool,
}

pub struct Server {
    address: Address,
    pub handle: Handle,
    state: watch::Sender<State>,
    failures: AtomicU32,
    /// A probe is under way.
    asking: AtomicBool,
    /// Grows whenever sessions from before are not to be trusted.
    age: AtomicU64,
    /// Sessions there are, idle or on loan.
    pub sessions: AtomicUsize,
}

impl Server {
    pub fn new(address: Address) -> Arc<Server> {
        Arc::new(Server {
            address,
            handle: Handle::current(),
            state: watch::Sender::new(State::Well),
            failures: AtomicU32::new(0),
            asking: AtomicBool::new(false),
            age: AtomicU64::new(0),
            sessions: AtomicUsize::new(0),
        })
    }

    /// What is wrong, for whoever runs this.
    pub fn trouble(&self) -> Option<Error> {
        match *self.state.borrow() {
            State::Well => None,
            State::ReadOnly => Some(fault::read_only("the server takes no writes")),
            State::Gone => Some(fault::lost("the server does not answer")),
        }
    }

    /// Refuses at once where waiting is known to be in vain.
    pub fn admit(&self) -> Result<()> {
        if self.is_gone() { Err(fault::lost("the server does not answer; a probe goes on")) } else { Ok(()) }
    }

    fn is_gone(&self) -> bool {
        *self.state.borrow() == State::Gone
    }

    /// Returns when the server is gone.
    pub async fn gone(&self) {
        // The sender lives as long as `self`.
        drop(self.state.subscribe().wait_for(|state| *state == State::Gone).await);
    }

    pub fn age(&self) -> u64 {
        self.age.load(Relaxed)
    }

    /// Sessions that are there already may be dead without saying so.
    fn doubt(&self) {
        self.age.fetch_add(1, Relaxed);
    }

    /// A session that was wanted for work.
    pub async fn connect(self: &Arc<Self>) -> Result<Session, Refusal> {
        let made = self.session().await;
        match &made {
            Ok(_) => self.failures.store(0, Relaxed),
            // Others have sessions, so it is there.
            Err(refusal) if refusal.crowded && self.sessions.load(Relaxed) > 0 => {}
            Err(refusal) => {
                if self.failures.fetch_add(1, Relaxed) + 1 >= FAILURES {
                    self.found(State::Gone, refusal.error.cause().unwrap_or_default());
                }
            }
        }
        made
    }

    /// Waits for one exchange with the server, at most `patience` longer than [`QUIET`].
    pub async fn answer<T>(self: &Arc<Self>, patience: Duration, exchange: impl Future<Output = T>) -> Result<T> {
        let mut exchange = pin!(exchange);
        if let Ok(answer) = timeout(QUIET, &mut exchange).await {
            return Ok(answer);
        }
        self.ask();
        tokio::select! {
            answer = &mut exchange => Ok(answer),
            () = self.gone() => Err(fault::lost("the server does not answer")),
            () = sleep(patience) => {
                self.doubt();
                Err(fault::lost("no answer on this session"))
            }
        }
    }

    /// Looks beside whether the server is still there; one look at a time serves everybody who wonders.
    fn ask(self: &Arc<Self>) {
        if self.asking.swap(true, SeqCst) {
            return;
        }
        let server = self.clone();
        self.handle.spawn(async move {
            match server.look().await {
                Ok(state) => server.found(state, "a probe"),
                // It says no, so it is there.
                Err(refusal) if refusal.answered => {}
                Err(refusal) => server.found(State::Gone, refusal.error.cause().unwrap_or_default()),
            }
            server.asking.store(false, SeqCst);
        });
    }

    /// Tells everybody how the server is. Where something is wrong, probes go out until nothing is.
    pub fn found(self: &Arc<Self>, state: State, how: &str) {
        let before = self.state.send_replace(state);
        if before == state {
            return;
        }
        match state {
            State::Well => {
                self.failures.store(0, Relaxed);
                tracing::info!("PostgreSQL is well again");
            }
            State::ReadOnly | State::Gone => {
                self.doubt();
                tracing::error!(?state, how, "PostgreSQL is not well: requests are refused until it is");
            }
        }
        if before == State::Well {
            self.handle.spawn(probe(Arc::downgrade(self)));
        }
    }

    /// Whether a session can be had, and whether it could write.
    async fn look(self: &Arc<Self>) -> Result<State, Refusal> {
        let looked = async {
            let session = self.session().await?;
            let rows = session.raw("SHOW transaction_read_only").await.map_err(Refusal::from)?;
            let on = rows.iter().any(|m| matches!(m, SimpleQueryMessage::Row(row) if row.get(0) == Some("on")));
            Ok(if on { State::ReadOnly } else { State::Well })
        };
        timeout(PROBE, looked).await.unwrap_or_else(|late| Err(Refusal { error: fault::lost(late), answered: false, crowded: false }))
    }

    async fn session(self: &Arc<Self>) -> Result<Session, Refusal> {
        let made = async {
            match &self.address.tls {
                None => self.session_by(NoTls).await,
                Some(tls) => self.session_by(MakeRustlsConnect::new(tls.clone())).await,
            }
        };
        timeout(CONNECT, made).await.unwrap_or_else(|late| Err(Refusal { error: fault::lost(late), answered: false, crowded: false }))
    }

    async fn session_by<T>(self: &Arc<Self>, tls: T) -> Result<Session, Refusal>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let age = self.age();
        let (client, connection) = self.address.config.connect(tls).await?;
        let session = Session::new(client, self.clone(), Wire::new(connection), age);
        session.raw(&limits()).await?;
        Ok(session)
    }
}

/// One probe after the other, until the server is well or nobody needs it any more.
async fn probe(server: Weak<Server>) {
    loop {
        sleep(EVERY).await;
        let Some(server) = server.upgrade() else { return };
        match server.look().await {
            Ok(State::Well) => return server.found(State::Well, "a probe"),
            Ok(state) => server.found(state, "a probe"),
            Err(refusal) => server.found(State::Gone, refusal.error.cause().unwrap_or_default()),
        }
    }
}

impl From<tokio_postgres::Error> for Refusal {
    fn from(e: tokio_postgres::Error) -> Refusal {
        Refusal { answered: e.code().is_some(), crowded: e.code() == Some(&SqlState::TOO_MANY_CONNECTIONS), error: fault::postgres(&e) }
    }
}
