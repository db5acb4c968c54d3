//! The writer: one thread per silo that is being written, and many units of work in each COMMIT.
//!
//! A batch takes what is waiting until the queue is empty, at most 64 units or 5 ms. Each unit but the first has its own
//! SAVEPOINT, so a unit that fails or panics takes back only itself; the first needs none, because where it fails there is
//! nothing else to keep. Nobody is answered before the COMMIT is on the disk. A thread that had nothing to do for a while
//! leaves; the next write starts another.

use crate::{
    Tx, fault,
    link::Link,
    silos::Counters,
    trust::Trust,
    tx::Batch,
    unit::{self, caught},
};
use base::{Code, Error, Result, TenantId};
use parking_lot::Mutex;
use std::{
    sync::{
        Arc,
        atomic::{
            AtomicU64, AtomicUsize,
            Ordering::{Acquire, Relaxed, Release},
        },
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

const MOST_UNITS: usize = 64;
const MOST_TIME: Duration = Duration::from_millis(5);
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
        let thread = std::thread::Builder::new().name("silo-writer".into()).spawn(move || queue.serve(&receiver))?;
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

    fn serve(&self, queue: &Receiver<Work>) {
        let mut link = None;
        loop {
            match queue.recv_timeout(IDLE) {
                Ok(first) => {
                    self.batch(&mut link, first, queue);
                    self.tidy(&mut link);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    // Units are sent under this lock, so nothing can slip in between the look and the leaving.
                    let mut state = self.state.lock();
                    match queue.try_recv() {
                        Ok(first) => {
                            drop(state);
                            self.batch(&mut link, first, queue);
                        }
                        Err(_) => {
                            state.sender = None;
                            break;
                        }
                    }
                }
            }
        }
        if let Some(Err(e)) = link.map(|link| link.retire(&self.settle)) {
            self.trust.heard(&e);
        }
    }

    /// Between batches. After the disk has failed, nothing more is done by this connection.
    fn tidy(&self, link: &mut Option<Link>) {
        (self.settle)();
        let done = link.as_mut().map_or(Ok(()), |link| link.tidy(self.is_idle(), &self.settle));
        if let Err(e) = done {
            self.trust.heard(&e);
        }
        if let Some(link) = link.take_if(|_| self.trust.is_broken()) {
            link.abandon();
        }
    }

    fn batch(&self, link: &mut Option<Link>, first: Work, queue: &Receiver<Work>) {
        let mut batch = Batch::default();
        let mut done = Vec::new();
        let outcome = match self.begin(link, &mut batch) {
            Ok(link) => self.units(link, &mut batch, first, queue, &mut done).inspect_err(|_| link.rollback()),
            Err(e) => {
                // Whatever keeps this batch from beginning would keep those behind it waiting as long again.
                done.push(first(Err(e.clone())));
                done.extend(std::iter::from_fn(|| queue.try_recv().ok()).map(|work| work(Err(e.clone()))));
                Err(e)
            }
        };
        done.iter().filter_map(|d| d.failed.as_ref()).chain(outcome.as_ref().err()).for_each(|e| self.trust.heard(e));
        // Before anybody is answered. A COMMIT that failed may still have happened.
        self.generation.fetch_add(1, Release);
        self.counters.units.fetch_add(done.len() as u64, Relaxed);
        self.counters.failed_units.fetch_add(done.iter().filter(|d| d.failed.is_some() || outcome.is_err()).count() as u64, Relaxed);
        let of_room = |e: &Error| e.code() == Code::Full;
        let full = done.iter().filter(|d| d.failed.as_ref().or(outcome.as_ref().err()).is_some_and(of_room)).count();
        self.counters.full.fetch_add(full as u64, Relaxed);
        if let Ok(true) = outcome {
            self.counters.commits.fetch_add(1, Relaxed);
            unit::signal(std::mem::take(&mut batch.after_commit));
        }
        for unit in done {
            (unit.reply)(outcome.clone().map(drop));
        }
    }

    fn begin<'a>(&self, link: &'a mut Option<Link>, batch: &mut Batch) -> Result<&'a mut Link> {
        self.trust.may_be_written()?;
        let link = match link {
            Some(link) => link,
            None => link.insert((self.connect)()?),
        };
        batch.knows(link.begin_write()?);
        Ok(link)
    }

    /// Runs the units of a batch and commits. False when there was nothing to commit.
    fn units(&self, link: &mut Link, batch: &mut Batch, first: Work, queue: &Receiver<Work>, done: &mut Vec<Done>) -> Result<bool> {
        let begun = Instant::now();
        let mut next = Some(first);
        while let Some(work) = next {
            let alone = done.is_empty();
            let before = batch.mark();
            if !alone && let Err(e) = link.mark() {
                done.push(work(Err(e.clone())));
                return Err(e);
            }
            link.limit(Some(self.limit));
            let unit = work(Ok(&mut Tx::new(self.tenant, link, Some(batch))));
            let failed = unit.failed.clone();
            done.push(unit);
            if let Some(error) = failed {
                if alone {
                    link.rollback();
                    return Ok(false);
                }
                batch.back(&before);
                link.limit(None);
                if !link.in_transaction() {
                    return Err(given_up(error));
                }
                link.back()?;
            }
            next = (done.len() < MOST_UNITS && begun.elapsed() < MOST_TIME).then(|| queue.try_recv().ok()).flatten();
        }
        unit::conclude(self.tenant, link, batch)?;
        Ok(true)
    }
}

/// The error that the other units of a batch get when the engine has rolled back everything because of one: a full disk is
/// their error too, anything else is only bad luck.
fn given_up(error: Error) -> Error {
    match error.code() {
        Code::Full | Code::Unavailable => error,
        _ => fault::busy(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{self, Files, Role};

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
