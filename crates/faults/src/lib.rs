//! A disk that loses power, fills up and breaks, for tests only.
//!
//! [`Disk::watch`] puts a folder on such a disk. SQLite works below it as ever, through a VFS that becomes the default of the process and
//! wraps the system's own: every connection of the test goes through it, and the code under test knows nothing of it. The disk keeps
//! beside each file what a sync has made durable and what was only written since. At the moment a test has chosen the power goes, and
//! [`Disk::survivors`] writes down what such a disk could hold then. Everything random comes from a seed.
//!
//! What does not go through SQLite (a file copied, linked or synced by its maker) counts as durable when SQLite first opens it. A sync is
//! not passed on to the real disk: nothing here survives a real power cut, and rounds are ten times as fast.

mod disk;
mod image;
mod random;
mod vfs;

pub use disk::{Disk, Failure};
pub use image::Cut;
pub use random::Random;
