//! The writer's thread: takes what waits into one transaction, commits, answers.

use super::{Done, IDLE, Queue, Work};
use crate::{Tx, fault, link::Link, tx::Batch, unit};
use base::{Code, Error, Result};
use std::{
    sync::{
        atomic::Ordering::{Relaxed, Release},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

const MOST_UNITS: usize = 64;
const MOST_TIME: Duration = Duration::from_millis(20);

impl Queue {
    pub(super) fn serve(&self, queue: &Receiver<Work>) {
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
        self.count(&done, outcome.as_ref().err());
        if let Ok(true) = outcome {
            self.counters.commits.fetch_add(1, Relaxed);
            unit::signal(std::mem::take(&mut batch.after_commit));
        }
        for unit in done {
            (unit.reply)(outcome.clone().map(drop));
        }
    }

    /// Counts the units of a batch, and those that failed, each by itself or with the batch.
    fn count(&self, done: &[Done], batch: Option<&Error>) {
        let failed: Vec<&Error> = done.iter().filter_map(|unit| unit.failed.as_ref().or(batch)).collect();
        self.counters.units.fetch_add(done.len() as u64, Relaxed);
        self.counters.failed_units.fetch_add(failed.len() as u64, Relaxed);
        self.counters.full.fetch_add(failed.iter().filter(|e| e.code() == Code::Full).count() as u64, Relaxed);
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
