use super::{Letter, Mail, one_line};
use crate::config::{Config, Tokens};

const IGNORE: &str = "If this was not you, you can ignore this mail: nothing has happened.";
const NAME: usize = 80;

/// Writes the mails of the platform. Holds the public URL that every link starts with.
#[derive(Debug, Clone)]
pub struct Letters {
    /// An origin without a slash at its end.
    public_url: String,
    lifetimes: Tokens,
}

impl Letters {
    pub fn new(of: &Config) -> Letters {
        Letters { public_url: of.server.public_url.clone(), lifetimes: of.tokens.clone() }
    }

    /// A page and its token behind `#`: that part never reaches a server log or a Referer, and a mail scanner that opens the page uses nothing up.
    fn link(&self, page: &str, token: &str) -> String {
        format!("{}/{page}#token={token}", self.public_url)
    }

    /// Somebody signed up with this address.
    pub fn verify(&self, to: &str, token: &str) -> Mail {
        Letter {
            to,
            subject: "Confirm your mail address".into(),
            paragraphs: vec![format!(
                "Somebody, hopefully you, signed up with this address. Confirm it within {} to start.",
                self.lifetimes.verification.in_words()
            )],
            button: Some(("Confirm the address", self.link("verify", token))),
            closing: IGNORE,
        }
        .lay_out()
    }

    /// Somebody signed up with an address that already has an account.
    pub fn already_have_account(&self, to: &str) -> Mail {
        Letter {
            to,
            subject: "You already have an account".into(),
            paragraphs: vec![
                "Somebody, hopefully you, tried to sign up with this address. It already has an account, so you only need to sign in.".into(),
                "There you can also set a new password, and after signing in make another company.".into(),
            ],
            button: Some(("Sign in", format!("{}/sign-in", self.public_url))),
            closing: IGNORE,
        }
        .lay_out()
    }

    /// The address is confirmed and the company is there.
    pub fn welcome(&self, to: &str, company: &str) -> Mail {
        let company = one_line(company, NAME);
        Letter {
            to,
            subject: format!("Welcome: {company} is ready"),
            paragraphs: vec![format!("{company} has its own database now. Install a first product and invite your colleagues.")],
            button: Some(("Open it", format!("{}/", self.public_url))),
            closing: "Keep this address safe: whoever reads its mails can set a new password.",
        }
        .lay_out()
    }

    /// Somebody asked for a new password. `ip` is where the request came from.
    pub fn reset(&self, to: &str, token: &str, ip: &str) -> Mail {
        Letter {
            to,
            subject: "Set a new password".into(),
            paragraphs: vec![format!(
                "Somebody at the network address {} asked to set a new password for this account. The link is good for {} and works once.",
                one_line(ip, 64),
                self.lifetimes.reset.in_words()
            )],
            button: Some(("Set a new password", self.link("reset", token))),
            closing: "If this was not you, you can ignore this mail: your password stays as it is.",
        }
        .lay_out()
    }

    /// `inviter` asks somebody to join `company`.
    pub fn invitation(&self, to: &str, company: &str, inviter: &str, token: &str) -> Mail {
        let (company, inviter) = (one_line(company, NAME), one_line(inviter, NAME));
        Letter {
            to,
            subject: format!("{inviter} invites you to {company}"),
            paragraphs: vec![format!(
                "{inviter} invites you to work in {company}. The invitation is good for {}.",
                self.lifetimes.invitation.in_words()
            )],
            button: Some(("Accept the invitation", self.link("accept-invitation", token))),
            closing: "If you do not know these names, you can ignore this mail.",
        }
        .lay_out()
    }

    /// The password was changed or reset; everybody who was signed in no longer is.
    pub fn password_changed(&self, to: &str) -> Mail {
        Letter {
            to,
            subject: "Your password was changed".into(),
            paragraphs: vec![
                "The password of this account was just changed, and every other place where it was signed in has been signed out.".into(),
            ],
            button: Some(("This was not me: set a new password", format!("{}/forgot", self.public_url))),
            closing: "If this was you, there is nothing to do.",
        }
        .lay_out()
    }

    /// A key of this person came to us in a URL. It goes on working: whoever uses it decides when it is replaced.
    pub fn key_exposed(&self, to: &str, key: &str, company: &str) -> Mail {
        let (key, company) = (one_line(key, NAME), one_line(company, NAME));
        Letter {
            to,
            subject: format!("Replace the API key {key}"),
            paragraphs: vec![
                format!(
                    "Somebody called us with your API key {key} for {company} in the address of the request. We refused the request, but addresses are kept in logs and browsers, so others may know the key now."
                ),
                "The key still works. Make a new one, put it where the old one was used, and revoke the old one.".into(),
            ],
            button: Some(("Look at the keys", format!("{}/account/keys", self.public_url))),
            closing: "A key belongs in the Authorization header.",
        }
        .lay_out()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters() -> Letters {
        let mut config = Config::for_tests(tempfile::tempdir().unwrap().path()).unwrap();
        config.server.public_url = "https://app.example".into();
        Letters::new(&config)
    }

    #[test]
    fn links_start_with_the_public_url_and_hide_their_token_behind_a_hash() {
        let letters = letters();
        let mails = [
            letters.verify("a@b.example", "T"),
            letters.reset("a@b.example", "T", "192.0.2.1"),
            letters.invitation("a@b.example", "Acme", "Ada", "T"),
            letters.already_have_account("a@b.example"),
            letters.welcome("a@b.example", "Acme"),
            letters.password_changed("a@b.example"),
            letters.key_exposed("a@b.example", "Nightly import", "Acme"),
        ];
        assert_eq!(mails[0].links, ["https://app.example/verify#token=T"]);
        assert_eq!(mails[1].links, ["https://app.example/reset#token=T"]);
        assert_eq!(mails[2].links, ["https://app.example/accept-invitation#token=T"]);
        for mail in &mails {
            assert!(mail.links.iter().all(|l| l.starts_with("https://app.example/") && mail.text.contains(l)));
            assert_eq!(mail.html.matches("https://").count(), 1, "{}", mail.html);
        }
        assert!(mails[1].text.contains("192.0.2.1") && mails[1].text.contains("30 minutes"));
    }

    #[test]
    fn names_cannot_break_out_of_subject_or_html() {
        let evil = "Acme\r\nBcc: all@example.com\u{202e}<script>alert('1')</script> https://evil.example \"&";
        let mail = letters().invitation("a@b.example", evil, evil, "T");
        assert!(!mail.subject.contains(['\r', '\n', '\u{202e}']));
        assert!(!mail.html.contains("<script") && mail.html.contains("&lt;script&gt;"));
        assert!(!mail.text.contains("https://evil") && !mail.html.contains("https://evil"));
        assert!(mail.subject.chars().count() <= 150);
    }
}
