//! The writer: one thread per silo that is being written, and many units of work in each COMMIT.
//!
//! A batch takes what is waiting until the queue is empty, at most 64 units or 20 ms. Each unit but the first has its own
//! SAVEPOINT, so a unit that fails or panics takes back only itself; the first needs none, because where it fails there is
//! nothing else to keep. Nobody is answered before the COMMIT is on the disk. A thread that had nothing to do for a while
//! leaves; the next write starts another.

mod thread;

use crate::{Tx, fault, link::Link, options::Counters, trust::Trust, unit::caught};
use base::{Error, Result, TenantId};
use parking_lot::Mutex;
use std::{
    sync::{
        Arc,
        atomic::{
            AtomicU64, AtomicUsize,
            Ordering::{Acquire, Relaxed},
        },
        mpsc::{Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::oneshot;

const MOST_WAITING: usize = 10_000;
const IDLE: Duration = if cfg!(test) { Duration::from_millis(20) } else { Duration::from_secs(30) };

/// One unit of work. It runs inside the batch, or is told why there is none.
type Work = Box<dyn FnOnce(Result<&mut Tx<'_>>) -> Done + Send>;

/// A unit that has run and waits for the COMMIT.
struct Done {
    failed: Option<Error>,
    /// Called with what became of the batch.
    reply: Box<dyn FnOnce(Result<()>) + Send>,
}

/// Counts a unit as long as it waits or runs.
struct Pending(Arc<Queue>);

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.pending.fetch_sub(1, Relaxed);
    }
}

/// The way to a silo's writer.
pub struct Queue {
    tenant: TenantId,
    counters: Arc<Counters>,
    trust: Arc<Trust>,
    /// Opens the writer's own connection, on its own thread.
    connect: Box<dyn Fn() -> Result<Link> + Send + Sync>,
    /// Ends the snapshots that readers keep, see `sqlite::Connection::look`.
    settle: Box<dyn Fn() + Send + Sync>,
    state: Mutex<State>,
    /// Units that wait or run.
    pending: AtomicUsize,
    /// Batches that may have changed something.
    generation: AtomicU64,
    /// How long a unit may take.
    limit: Duration,
}

#[derive(Default)]
struct State {
    sender: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
    closed: bool,
}

impl Queue {
    pub fn new(
        tenant: TenantId,
        counters: Arc<Counters>,
        trust: Arc<Trust>,
        limit: Duration,
        connect: impl Fn() -> Result<Link> + Send + Sync + 'static,
        settle: impl Fn() + Send + Sync + 'static,
    ) -> Arc<Queue> {
        Arc::new(Queue {
            tenant,
            counters,
            trust,
            connect: Box::new(connect),
            settle: Box::new(settle),
            state: Mutex::default(),
            pending: AtomicUsize::new(0),
            generation: AtomicU64::new(0),
            limit,
        })
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Acquire)
    }

    pub fn is_idle(&self) -> bool {
        self.pending.load(Relaxed) == 0
    }

    /// Queues one unit and waits until it is on the disk.
    pub async fn write<T: Send + 'static>(self: &Arc<Self>, f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        let pending = Pending(self.clone());
        if self.pending.fetch_add(1, Relaxed) >= MOST_WAITING {
            return Err(fault::busy("the writer's queue is full"));
        }
        let (answer, wait) = oneshot::channel();
        self.push(Box::new(move |tx| {
            let done = tx.and_then(|tx| caught(|| tx.complete(f)));
            let failed = done.as_ref().err().cloned();
            let reply = move |batch: Result<()>| {
                drop(pending);
                // Whoever asked may have gone: the work is done all the same.
                drop(answer.send(done.and_then(|value| batch.map(|()| value))));
            };
            Done { failed, reply: Box::new(reply) }
        }))?;
        wait.await.unwrap_or_else(|_| Err(Error::internal("the writer has gone")))
    }

    fn push(self: &Arc<Self>, work: Work) -> Result<()> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(fault::closing());
        }
        let work = match &state.sender {
            None => work,
            Some(sender) => match sender.send(work) {
                Ok(()) => return Ok(()),
                Err(back) => back.0,
            },
        };
        let (sender, receiver) = channel();
        let queue = self.clone();
        let thread = std::thread::Builder::new().name("silo-writer".into()).stack_size(base::STACK).spawn(move || queue.serve(&receiver))?;
        // The receiver lives on the new thread; it cannot have gone already without the lock that is held here.
        drop(sender.send(work));
        (state.sender, state.thread) = (Some(sender), Some(thread));
        Ok(())
    }

    /// No unit is taken any more; what waits is still written.
    pub fn leave(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.sender = None;
    }

    /// The same, and returns when the thread has left.
    pub fn close(&self) {
        self.leave();
        let thread = self.state.lock().thread.take();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
        {
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{self, Files, Role};
    use base::Code;

    /// Units come just when the thread is about to leave, so that some find it there and some do not.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_unit_that_meets_a_leaving_writer_is_not_lost() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::new(dir.path().to_owned());
        files.prepare().unwrap();
        let id = TenantId::new();
        files.make(id, None, |link| link.engine_batch("CREATE TABLE n (i INTEGER PRIMARY KEY) STRICT")).unwrap();
        let path = files.path(id);
        let trust = Trust::new(id, Arc::default());
        let queue = Queue::new(id, Arc::default(), trust, Duration::from_secs(5), move || sqlite::link(&path, Role::Writer), || {});
        let mut tasks = Vec::new();
        for task in 0..4_u64 {
            let queue = queue.clone();
            tasks.push(tokio::spawn(async move {
                for round in 0..40_u64 {
                    tokio::time::sleep(IDLE + Duration::from_micros((task * 700 + round * 130) % 3000)).await;
                    queue.write(|tx| tx.run("INSERT INTO n DEFAULT VALUES", &[])).await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert!(queue.is_idle());
        tokio::time::sleep(IDLE * 20).await;
        assert!(queue.state.lock().sender.is_none(), "the thread has left");
        assert_eq!(queue.write(|tx| tx.row("SELECT COUNT(*) FROM n", &[], |row| row.int(0))).await.unwrap(), Some(160));
        queue.close();
        assert_eq!(queue.write(|_| Ok(())).await.unwrap_err().code(), Code::Unavailable);
    }
}
