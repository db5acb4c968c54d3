//! What people type about themselves, checked. All faults of one form come at once.

use base::{Error, Fault, Result, fold};

/// A mail address: the text is what mails are sent to, the key is what makes two spellings one account.
#[derive(Debug, Clone)]
pub struct Address {
    pub text: String,
    pub key: String,
}

/// The key of an address in whatever spelling. Case, spaces and look-alike forms do not make another account.
pub fn key(text: &str) -> String {
    fold(text)
}

/// The body of an operation that reads none: a field that would go unread is refused.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Collects faults while a form is read.
#[derive(Default)]
pub struct Form(Vec<Fault>);

impl Form {
    /// One line of text, between 1 and `most` characters, without white space at its ends.
    pub fn line(&mut self, field: &str, text: &str, most: usize) -> String {
        let text = text.trim();
        if text.is_empty() {
            self.0.push(Fault::new(field, "required", "This is needed."));
        } else if text.chars().count() > most {
            self.0.push(Fault::new(field, "too-long", format!("Use at most {most} characters.")));
        } else if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            self.0.push(Fault::new(field, "characters", "Use one line of plain text."));
        }
        text.to_owned()
    }

    pub fn address(&mut self, field: &str, text: &str) -> Address {
        let text = text.trim();
        if !is_address(text) {
            self.0.push(Fault::new(field, "email", "Write a mail address such as ada@example.com."));
        }
        Address { text: text.to_owned(), key: key(text) }
    }

    /// A new password. `context` are the words that an attacker would try for this person.
    pub fn password(&mut self, password: &str, context: &[&str]) {
        if let Err(fault) = kernel::passwords::check(password, context) {
            self.0.extend_from_slice(fault.faults());
        }
    }

    pub fn fault(&mut self, field: &str, code: &'static str, message: &str) {
        self.0.push(Fault::new(field, code, message));
    }

    pub fn done(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::invalid(self.0)) }
    }
}

/// ASCII only (a domain in its `xn--` form), so that no address looks like another; one `@`, a dot in the domain, nothing that needs quoting.
fn is_address(text: &str) -> bool {
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let label = |l: &str| {
        !l.is_empty() && l.len() <= 63 && !l.starts_with('-') && !l.ends_with('-') && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    text.len() <= 254
        && (1..=64).contains(&local.len())
        && local.chars().all(atom)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.contains('.')
        && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_plain_ones() {
        for good in ["ada@example.com", "a+b.c@x-y.example.co", "o'neill@example.ie", "1@1.xn--bcher-kva.example"] {
            assert!(is_address(good), "{good}");
        }
        for wrong in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example",
            "a b@example.com",
            "ada@exa mple.com",
            "ada@-x.com",
            "ada@x..com",
            ".a@x.com",
            "a..b@x.com",
            "a@b@c.com",
            "ада@example.com",
            "ada@еxample.com",
            "ada@example.com\r\nBcc: x@y.z",
            "\"a\"@x.com",
            "a@[127.0.0.1]",
            &format!("{}@x.com", "a".repeat(65)),
        ] {
            assert!(!is_address(wrong), "{wrong}");
        }
    }

    #[test]
    fn spellings_have_one_key() {
        for spelling in ["ada@example.com", "  ADA@Example.com ", "Ａda@example.com"] {
            assert_eq!(key(spelling), "ada@example.com");
        }
    }

    proptest::proptest! {
        #[test]
        fn fuzz_an_address_is_plain_or_refused(text in "\\PC{0,30}|[a-z.@\\-+\"<>, \r\n\u{0}é]{0,30}|[a-z.+]{1,12}@[a-z.\\-]{1,20}|[a-z]{1,400}@[a-z]{1,300}\\.de") {
            let mut form = Form::default();
            let address = form.address("email", &text);
            if form.done().is_ok() {
                let plain = |c: char| c.is_ascii_graphic() && !"\"<>,;:\\\\()[]".contains(c);
                proptest::prop_assert!(address.text.len() <= 254 && address.text.matches('@').count() == 1 && address.text.chars().all(plain));
                proptest::prop_assert_eq!(key(&address.key), address.key.clone());
                proptest::prop_assert_eq!(key(&address.text.to_uppercase()), address.key);
            }
        }
    }

    #[test]
    fn fuzz_large_texts_are_no_addresses() {
        for piece in ["a", "@", "a@", ".", "a.", "-", "é"] {
            let text = piece.repeat(64 * 1024 / piece.len());
            let started = std::time::Instant::now();
            assert!(!is_address(&text));
            assert!(started.elapsed() < std::time::Duration::from_millis(50), "{piece}");
        }
    }
}
