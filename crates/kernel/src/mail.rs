//! Mails: what they say, and how they leave. Links are built from the configured public URL and from nothing that a request says.
//! What a stranger typed is not repeated in mails to people who did not ask for them, so that nobody can send advertisements through us.

mod letters;
mod mailer;

pub use letters::Letters;
pub use mailer::{Mailer, Sent};

use serde::{Deserialize, Serialize};

/// One mail, ready to go: the same words as plain text and as simple HTML.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub links: Vec<String>,
}

/// What a mail says, before it is laid out.
struct Letter<'a> {
    to: &'a str,
    subject: String,
    paragraphs: Vec<String>,
    /// What the button says and where it leads.
    button: Option<(&'a str, String)>,
    closing: &'a str,
}

impl Letter<'_> {
    fn lay_out(self) -> Mail {
        let (mut text, mut html) = (String::new(), String::new());
        for paragraph in &self.paragraphs {
            text.push_str(&format!("{paragraph}\n\n"));
            html.push_str(&format!("<p>{}</p>\n", escape(paragraph)));
        }
        if let Some((label, link)) = &self.button {
            text.push_str(&format!("{label}:\n{link}\n\n"));
            html.push_str(&format!("<p><a href=\"{}\">{}</a></p>\n", escape(link), escape(label)));
        }
        text.push_str(&format!("{}\n", self.closing));
        html.push_str(&format!("<p>{}</p>\n", escape(self.closing)));
        let subject = one_line(&self.subject, 150);
        let html = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title></head><body>\n{html}</body></html>\n",
            escape(&subject)
        );
        Mail { to: self.to.to_owned(), subject, text, html, links: self.button.into_iter().map(|(_, link)| link).collect() }
    }
}

/// Somebody's name on its way into a mail: one line, no control characters, not too long, and no address that a mail program turns into a link.
fn one_line(text: &str, most: usize) -> String {
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ").replace("://", ": ").chars().filter(|c| !is_invisible(*c)).take(most).collect()
}

/// Marks that turn the writing direction or have no width: they make one text look like another.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
