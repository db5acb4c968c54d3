//! Passwords: what is good enough, and how they are kept.
//!
//! No rules on composition and no forced change (NIST SP 800-63B-4, section 3.1.1.2): length, and nothing that everybody tries first.
//! Hashes are Argon2id with the parameters OWASP recommends (19 MiB, two passes), made on two threads of their own: a flood of sign-ins
//! fills a short queue and then gets 503, and everything else goes on.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use base::{Error, Fault, Result};
use std::sync::{
    Arc,
    mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
};
use tokio::sync::oneshot;
use unicode_normalization::UnicodeNormalization;

pub const MIN_LENGTH: usize = 12;
pub const MAX_LENGTH: usize = 128;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const THREADS: usize = 2;
const QUEUE: usize = 64;
/// A password must hold at least so many characters beside known words, names and runs, each of which counts as one.
const MIN_UNKNOWN: usize = 6;
/// The parts that people build passwords of, spelled with letters only, separated by white space.
const COMMON: &str = include_str!("passwords.common.txt");
/// What fingers do on a keyboard.
const RUNS: [&str; 6] = ["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1q2w3e4r5t6z7u8i9o0p"];
/// The hash of nothing anybody knows: checking against it costs what checking a real one costs.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

type Work = Box<dyn FnOnce(&Argon2<'static>) + Send>;

/// Checks and hashes passwords on threads of its own. Dropping it ends them.
#[derive(Clone)]
pub struct Passwords {
    queue: SyncSender<Work>,
}

impl Passwords {
    pub fn start() -> Result<Passwords> {
        let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(Error::internal)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let (queue, work) = sync_channel::<Work>(QUEUE);
        let work = Arc::new(parking_lot::Mutex::new(work));
        for n in 0..THREADS {
            let (argon2, work) = (argon2.clone(), Arc::clone(&work));
            std::thread::Builder::new().name(format!("passwords-{n}")).stack_size(base::STACK).spawn(move || run(&argon2, &work))?;
        }
        Ok(Passwords { queue })
    }

    /// The text to store for a new password, which [`check`] has let pass.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let password = normal(password);
        self.on_pool(move |argon2| argon2.hash_password(password.as_bytes()).map(|h| h.to_string()).map_err(Error::internal)).await?
    }

    /// Whether this is the password. `stored` is `None` when there is no such account: that takes as long and is false.
    pub async fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool> {
        // What is longer than any password can be is not worth normalising, but costs the same.
        let sane = password.len() <= MAX_LENGTH * 4;
        let password = if sane { normal(password) } else { String::new() };
        let known = stored.is_some() && sane;
        let stored = stored.unwrap_or(NOBODY).to_owned();
        let same = self
            .on_pool(move |argon2| match PasswordHash::new(&stored) {
                Ok(hash) => Ok(argon2.verify_password(password.as_bytes(), &hash).is_ok()),
                Err(cause) => Err(Error::internal(cause)),
            })
            .await??;
        Ok(same && known)
    }

    async fn on_pool<T: Send + 'static>(&self, f: impl FnOnce(&Argon2<'static>) -> T + Send + 'static) -> Result<T> {
        let (answer, wait) = oneshot::channel();
        let work: Work = Box::new(move |argon2| {
            // Nobody may be waiting any more: a client that went away.
            let _ = answer.send(f(argon2));
        });
        match self.queue.try_send(work) {
            Ok(()) => wait.await.map_err(Error::internal),
            Err(TrySendError::Full(_)) => Err(Error::unavailable("Too many people are signing in at this moment.").with_retry_after(2)),
            Err(TrySendError::Disconnected(_)) => Err(Error::internal("the password threads have ended")),
        }
    }
}

fn run(argon2: &Argon2<'static>, work: &parking_lot::Mutex<Receiver<Work>>) {
    loop {
        // The lock is held only while waiting for work, not while doing it.
        let next = work.lock().recv();
        match next {
            Ok(work) => work(argon2),
            Err(_) => return,
        }
    }
}

/// Whether a stored hash was made with weaker parameters than today's and should be made anew at the next sign-in.
pub fn needs_rehash(stored: &str) -> bool {
    !stored.starts_with(&format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1$"))
}

/// Says what is wrong with a new password, if anything. `context` are words that an attacker would try for this person: company, name, address.
pub fn check(password: &str, context: &[&str]) -> Result<()> {
    let password = normal(password);
    let length = password.chars().count();
    let fault = if length < MIN_LENGTH {
        Some(("too-short", format!("Use at least {MIN_LENGTH} characters. A few unrelated words are easy to remember.")))
    } else if length > MAX_LENGTH {
        Some(("too-long", format!("Use at most {MAX_LENGTH} characters.")))
    } else if password.contains('\0') {
        Some(("characters", "The character U+0000 cannot be used.".to_owned()))
    } else if unknown_part(&password, context) < MIN_UNKNOWN {
        Some(("common", "This is among the first that somebody would try. Use something less expected.".to_owned()))
    } else {
        None
    };
    match fault {
        Some((code, message)) => Err(Error::invalid(vec![Fault::new("password", code, message)])),
        None => Ok(()),
    }
}

/// One text for all ways to type it (NFKC), as SP 800-63B-4 asks.
fn normal(password: &str) -> String {
    password.nfkc().collect()
}

/// How many characters are left when known words, the context and runs count as one each, and repetitions as nothing.
fn unknown_part(password: &str, context: &[&str]) -> usize {
    let plain: Vec<char> = base::fold(password).chars().filter(|c| !c.is_whitespace()).collect();
    let plain = without_repetition(&plain);
    let letters: String = plain.iter().map(|c| letter(*c)).collect();
    let names: Vec<String> = context.iter().flat_map(|text| parts(text)).collect();
    let words: Vec<&str> = COMMON.split_whitespace().chain(names.iter().map(String::as_str)).chain(["tenon"]).collect();
    let (mut count, mut at) = (0, 0);
    while at < plain.len() {
        let word = letters.char_indices().nth(at).and_then(|(byte, _)| letters.get(byte..)).map_or(0, |rest| longest(rest, &words));
        let run = plain.get(at..).map_or(0, run_length);
        at += word.max(run).max(1);
        count += 1;
    }
    count
}

/// The words of a company, a name or an address that are long enough to matter.
fn parts(text: &str) -> Vec<String> {
    let folded = base::fold(text);
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= 3);
    words.map(|word| word.chars().map(letter).collect()).collect()
}

fn longest(rest: &str, words: &[&str]) -> usize {
    words.iter().filter(|w| rest.starts_with(**w)).map(|w| w.chars().count()).max().unwrap_or(0)
}

/// `p@$$w0rd` is `password`.
fn letter(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        c => c,
    }
}

/// The shortest beginning that, repeated, is the whole: `abcabcabcabc` is as good as `abc`.
fn without_repetition(text: &[char]) -> Vec<char> {
    let repeats = |n: usize| text.chunks(n).all(|chunk| text.starts_with(chunk));
    let n = (1..=text.len() / 2).find(|n| repeats(*n)).unwrap_or(text.len());
    text.iter().take(n).copied().collect()
}

/// How long one character, an alphabet, a row of keys or a year goes on from here, forwards or backwards; 0 below three.
fn run_length(text: &[char]) -> usize {
    let same = text.iter().take_while(|c| Some(*c) == text.first()).count();
    let along = RUNS.iter().flat_map(|run| [run.chars().collect::<Vec<_>>(), run.chars().rev().collect()]);
    let row = along.map(|row| common_start(&row, text)).max().unwrap_or(0);
    let year = matches!(text, [a, b, c, d, ..] if matches!((a, b), ('1', '9') | ('2', '0')) && c.is_ascii_digit() && d.is_ascii_digit());
    let longest = same.max(row).max(if year { 4 } else { 0 });
    if longest >= 3 { longest } else { 0 }
}

fn common_start(row: &[char], text: &[char]) -> usize {
    let starts = row.iter().position(|c| Some(c) == text.first());
    starts.map_or(0, |at| row.iter().skip(at).zip(text).take_while(|(a, b)| a == b).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_tries_first_is_refused() {
        let context = ["Acme Robotics GmbH", "Ada Lovelace", "ada.lovelace@acme.example"];
        for (password, code) in [
            ("short", "too-short"),
            ("elevenchars", "too-short"),
            (&"x7".repeat(65), "too-long"),
            ("aaaaaaaaaaaa", "common"),
            ("abcabcabcabc", "common"),
            ("123456789012", "common"),
            ("0987654321098", "common"),
            ("qwertyuiop123", "common"),
            ("1q2w3e4r5t6z", "common"),
            ("Password1234!", "common"),
            ("P@$$w0rdP@$$w0rd", "common"),
            ("passwordpassword", "common"),
            ("Summer2026!!", "common"),
            ("iloveyou1234", "common"),
            ("WelcomeWelcome1", "common"),
            ("administrator1", "common"),
            ("letmein letmein", "common"),
            ("AcmeRobotics2026", "common"),
            ("ada.lovelace1985!", "common"),
            ("tenontenon12!", "common"),
            ("admin.acme.admin", "common"),
            ("Ｐａｓｓｗｏｒｄ１２３４", "common"),
        ] {
            let found = check(password, &context).err().map(|e| e.faults()[0].code);
            assert_eq!(found, Some(code), "{password}");
        }
    }

    #[test]
    fn any_characters_make_a_good_password() {
        for password in
            ["correct horse battery staple", "gx7#mLq2vB9z", "пароль для работы", "🦀 lobster not crab", "tractor-vinyl-omelette", "xK9 vW2! uR5?"]
        {
            assert!(check(password, &["Acme", "Ada", "ada@acme.example"]).is_ok(), "{password}");
        }
    }

    #[tokio::test]
    async fn a_hash_fits_one_password_in_any_unicode_spelling() {
        let passwords = Passwords::start().unwrap();
        let stored = passwords.hash("Pâté en croûte 26").await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!needs_rehash(&stored) && needs_rehash("$argon2id$v=19$m=4096,t=3,p=1$AAAA$AAAA"));
        assert!(passwords.verify("Pa\u{302}te\u{301} en crou\u{302}te 26", Some(&stored)).await.unwrap());
        for wrong in ["pâté en croûte 26", "Pâté en croûte 2", "Pâté en croûte 26 ", "", &"x".repeat(100_000)] {
            assert!(!passwords.verify(wrong, Some(&stored)).await.unwrap());
        }
        assert!(!passwords.verify("Pâté en croûte 26", None).await.unwrap());
        assert!(!needs_rehash(NOBODY) && PasswordHash::new(NOBODY).is_ok());
        assert!(passwords.verify("x", Some("not a hash")).await.is_err());
    }

    #[tokio::test]
    async fn a_flood_gets_503_and_the_rest_goes_on() {
        let passwords = Passwords::start().unwrap();
        let tries: Vec<_> = (0..200)
            .map(|_| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.on_pool(|_| std::thread::sleep(std::time::Duration::from_millis(5))).await })
            })
            .collect();
        let mut refused = 0;
        for one in tries {
            if let Err(busy) = one.await.unwrap() {
                assert_eq!((busy.code(), busy.retry_after()), (base::Code::Unavailable, Some(2)));
                refused += 1;
            }
        }
        assert!((1..=200 - QUEUE).contains(&refused), "{refused}");
        assert!(passwords.on_pool(|_| ()).await.is_ok());
    }
}
