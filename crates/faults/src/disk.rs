use crate::{
    Cut, Random,
    image::{Change, Image},
    vfs,
};
use parking_lot::{Mutex, RwLock};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// ENOSPC: half of what is written still fits. Syncs and truncations go on.
    Full,
    /// EIO: half of what is written arrives. After a failed sync the system holds its pages for clean: what was written until then is
    /// never written again, and no later sync makes it durable.
    Broken,
}

/// A folder on a disk that does what the test wants. Calls are counted that change something: writes, truncations and syncs.
#[derive(Clone)]
pub struct Disk(Arc<Inner>);

struct Inner {
    root: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    images: BTreeMap<PathBuf, Image>,
    calls: u64,
    cut_at: Option<u64>,
    cut_at_sync: Option<u64>,
    dark: bool,
    failure: Option<Planned>,
}

struct Planned {
    how: Failure,
    from: u64,
    /// How many calls fail.
    times: u64,
}

static DISKS: RwLock<Vec<Weak<Inner>>> = RwLock::new(Vec::new());

/// What becomes of a call.
pub(crate) enum Verdict {
    Good,
    /// Only so much of the write is done, and then it fails.
    Fails(Failure),
    Dark,
}

impl Disk {
    /// Whatever SQLite opens below `root` from now on is on this disk, until the last handle to it is gone.
    pub fn watch(root: &Path) -> io::Result<Disk> {
        vfs::install();
        fs::create_dir_all(root)?;
        let disk = Disk(Arc::new(Inner { root: root.canonicalize()?, state: Mutex::default() }));
        let mut all = DISKS.write();
        all.retain(|known| known.strong_count() > 0);
        all.push(Arc::downgrade(&disk.0));
        Ok(disk)
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.0.state.lock().calls
    }

    /// The power goes at the n-th call from now, counted from 1. That call may or may not have reached the disk.
    pub fn cut_power_at(&self, n: u64) {
        let mut state = self.0.state.lock();
        state.cut_at = Some(state.calls + n);
    }

    /// The power goes at the first sync from the n-th call on: all of a commit was written, and nobody has been told of it.
    pub fn cut_power_at_sync(&self, n: u64) {
        let mut state = self.0.state.lock();
        state.cut_at_sync = Some(state.calls + n);
    }

    /// The power goes now.
    pub fn cut_power(&self) {
        self.0.state.lock().dark = true;
    }

    pub fn is_dark(&self) -> bool {
        self.0.state.lock().dark
    }

    /// From the n-th call on, counted from 1, so many calls fail.
    pub fn fail(&self, how: Failure, n: u64, times: u64) {
        let mut state = self.0.state.lock();
        state.failure = Some(Planned { how, from: state.calls + n, times });
    }

    /// Nothing fails any more.
    pub fn mend(&self) {
        self.0.state.lock().failure = None;
    }

    /// Whether what was planned by [`Disk::fail`] has come to pass.
    pub fn has_failed(&self) -> bool {
        let state = self.0.state.lock();
        state.failure.as_ref().is_some_and(|planned| state.calls >= planned.from)
    }

    /// Writes into the folder `to` what the disk holds after the power was cut. Shared memory is never on a disk.
    pub fn survivors(&self, cut: Cut, seed: u64, to: &Path) -> io::Result<()> {
        let mut random = Random::new(seed);
        let state = self.0.state.lock();
        let mut moments: Vec<u64> = state.images.values().flat_map(|image| image.pending.iter().map(|(n, _)| *n)).collect();
        moments.sort_unstable();
        moments.insert(0, 0);
        // Half of the time everything got through, and only nobody was told.
        let moment = if random.coin() { moments.last() } else { moments.get(random.below(moments.len())) }.copied().unwrap_or(0);
        fs::create_dir_all(to)?;
        // Drafts that their maker has taken away again are no longer there.
        for (path, image) in state.images.iter().filter(|(path, _)| path.exists()) {
            if let (Some(bytes), Some(name)) = (image.survivor(cut, moment, &mut random), path.file_name()) {
                fs::write(to.join(name), bytes)?;
            }
        }
        Ok(())
    }
}

impl Disk {
    pub(crate) fn of(path: &Path) -> Option<Disk> {
        let all = DISKS.read();
        all.iter().filter_map(Weak::upgrade).find(|disk| path.starts_with(&disk.root)).map(Disk)
    }

    /// A file is being opened. What is there of one that was not seen before is durable.
    pub(crate) fn opens(&self, path: &Path) {
        let mut state = self.0.state.lock();
        if !state.images.get(path).is_some_and(|image| image.durable.is_some() || !image.pending.is_empty()) {
            let image = Image { durable: fs::read(path).ok(), pending: Vec::new() };
            state.images.insert(path.to_owned(), image);
        }
    }

    /// Notes a change and says what becomes of it; `real` does it to the real file, as far as it gets done.
    pub(crate) fn change<T>(&self, path: &Path, change: Change, real: impl FnOnce(&Change) -> T) -> Result<T, Verdict> {
        let mut state = self.0.state.lock();
        let verdict = state.next();
        let done = match (&verdict, change) {
            (Verdict::Good, change) => change,
            (Verdict::Fails(_), Change::Write { at, mut bytes }) => {
                bytes.truncate(bytes.len() / 2);
                Change::Write { at, bytes }
            }
            (Verdict::Fails(Failure::Full), change @ (Change::Truncate(_) | Change::Remove)) => {
                let done = real(&change);
                state.note(path, change);
                return Ok(done);
            }
            (Verdict::Fails(Failure::Broken), Change::Truncate(_) | Change::Remove) => return Err(verdict),
            (Verdict::Dark, change) => {
                // Only the call during which the power went can have done something.
                if state.cut_at == Some(state.calls) {
                    state.note(path, change);
                }
                return Err(verdict);
            }
        };
        let answer = real(&done);
        state.note(path, done);
        if let Verdict::Good = verdict { Ok(answer) } else { Err(verdict) }
    }

    pub(crate) fn sync(&self, path: &Path) -> Result<(), Verdict> {
        let mut state = self.0.state.lock();
        if state.cut_at_sync.is_some_and(|n| state.calls + 1 >= n) {
            state.dark = true;
        }
        let verdict = state.next();
        let Some(image) = state.images.get_mut(path) else { return Ok(()) };
        match verdict {
            Verdict::Good | Verdict::Fails(Failure::Full) => {
                image.sync();
                Ok(())
            }
            Verdict::Fails(Failure::Broken) => {
                image.pending.clear();
                Err(verdict)
            }
            Verdict::Dark => Err(verdict),
        }
    }

    /// A name was removed, and its folder synced or not.
    pub(crate) fn removed(&self, path: &Path, durably: bool) {
        let mut state = self.0.state.lock();
        state.note(path, Change::Remove);
        if durably && let Some(image) = state.images.get_mut(path) {
            *image = Image::default();
        }
    }
}

impl State {
    fn next(&mut self) -> Verdict {
        self.calls += 1;
        if self.cut_at == Some(self.calls) {
            self.dark = true;
        }
        match &self.failure {
            _ if self.dark => Verdict::Dark,
            Some(f) if self.calls >= f.from && self.calls - f.from < f.times => Verdict::Fails(f.how),
            _ => Verdict::Good,
        }
    }

    fn note(&mut self, path: &Path, change: Change) {
        let n = self.calls;
        if let Some(image) = self.images.get_mut(path) {
            image.pending.push((n, change));
        }
    }
}
