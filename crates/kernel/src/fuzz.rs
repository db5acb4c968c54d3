//! What may come from outside, made up, and the laws that every parser of it keeps: none panics, none takes long, none says that it is our
//! fault. The laws stand beside each parser's own tests. `PROPTEST_CASES=100000 cargo test -p kernel fuzz` is the long form.

use base::{Code, Result};
use proptest::prelude::*;
use std::time::Duration;

/// As much as a header or a small body may hold.
const LARGE: usize = 64 * 1024;
/// Far more than any parser needs for that, in a debug build on a busy machine.
const SOON: Duration = Duration::from_millis(50);
/// What else runs on the processor in between may count a little, for once.
const TRIES: usize = 5;

/// Any text at all; text made of the characters that mean something somewhere; and a good text with a piece of it replaced.
pub fn texts(good: &'static str) -> impl Strategy<Value = String> {
    let meaning = "[\\{\\}\\[\\]\\(\\)\"'\\\\,:;=&%+@*#.\\-_/ \t\r\na-c0-9é\u{feff}\u{0}]{0,80}";
    prop_oneof![1 => any::<String>(), 2 => meaning, 4 => broken(good, "\\PC{0,8}|[\\{\\}\\[\\]\",:.&=\\\\\\-0-9\n\u{0}]{0,4}")]
}

/// A good text with one piece replaced by another.
fn broken(good: &'static str, by: &'static str) -> impl Strategy<Value = String> {
    let places: Vec<usize> = good.char_indices().map(|(at, _)| at).chain([good.len()]).collect();
    (prop::sample::select(places), 0usize..12, by).prop_map(move |(at, length, put)| {
        let end = (at + length..=good.len()).find(|end| good.is_char_boundary(*end)).unwrap_or(good.len());
        format!("{}{put}{}", &good[..at], &good[end..])
    })
}

/// Large texts, of what makes parsers slow: depth, repetition, things that never end.
pub fn large() -> impl Iterator<Item = String> {
    let pieces = ["a", "[", "{\"a\":", "\"", "\\", "a,", "a=1&", "%41", "&", "é", "-", "'\n", "\"a\":1,", "1", ".", "x@", "\n[a]\n", "*"];
    let rows = [",\"a\":1", "b=2\n", "\"n\",\n"].map(|piece| (0..LARGE / 12).map(|n| format!("{piece}{n}")).collect::<String>());
    pieces.into_iter().map(|piece| piece.repeat(LARGE / piece.len())).chain(rows.map(|text| text.chars().take(LARGE).collect()))
}

/// What this thread has used of a processor: a busy machine makes everything wait, and no parser slower.
fn used() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Runs a parser, which must not take long.
#[track_caller]
pub fn soon<T>(about: &str, parse: impl Fn() -> T) -> T {
    let mut took = Duration::MAX;
    for _ in 0..TRIES {
        let started = used();
        let parsed = parse();
        took = took.min(used().saturating_sub(started));
        if took < SOON {
            return parsed;
        }
    }
    panic!("{took:?} for {:?}..", about.chars().take(40).collect::<String>())
}

/// What was refused is the sender's to mend, and says so by a name.
#[track_caller]
pub fn told<T>(parsed: Result<T>) -> Option<T> {
    parsed.map_err(|error| assert!(error.code() != Code::Internal && !error.name().is_empty(), "{error:?}")).ok()
}
