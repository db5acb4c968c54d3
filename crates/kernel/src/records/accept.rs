use super::{Cell, Field, Kind, json::Raw, money};
use base::{Fault, Time, is_id, nearest, parse_date};
use std::borrow::Cow;

/// JSON numbers are exact up to here (2^53).
pub const SAFE: i64 = 1 << 53;
/// The longest single tag.
const TAG: usize = 255;
const EARLIEST: i64 = -62_135_596_800_000_000;
const LATEST: i64 = 253_402_300_799_999_999;

impl Field {
    /// Takes one JSON value for this field, brought into its one spelling. Null, and a text of white space only, is null.
    pub(super) fn accept(&self, raw: Raw<'_>, currency: &str) -> Result<Cell, Fault> {
        match (&self.kind, raw) {
            (Kind::Tags { .. }, Raw::Null) => Ok(Cell::Tags(Vec::new())),
            (_, Raw::Null) => Ok(Cell::Null),
            (Kind::Tags { max, .. }, Raw::List(items)) => self.tags(items, *max),
            (Kind::Money, Raw::Map(members)) => self.money(members, currency),
            (Kind::Money, Raw::Int(number)) => self.major(&number.to_string(), currency),
            (Kind::Money, Raw::Float(number)) => self.major(&number.to_string(), currency),
            (Kind::Integer { min, max }, Raw::Int(number)) => self.integer(number, *min, *max),
            (Kind::Integer { min, max }, Raw::Float(number)) if number.fract() == 0.0 && number.abs() <= SAFE as f64 => {
                self.integer(number as i64, *min, *max)
            }
            (Kind::Boolean, Raw::Bool(value)) => Ok(Cell::Bool(value)),
            (Kind::Integer { .. } | Kind::Boolean | Kind::Tags { .. } | Kind::Money, other) => Err(self.wrong(other.kind())),
            (_, Raw::Text(text)) => self.accept_text(text),
            (_, other) => Err(self.wrong(other.kind())),
        }
    }
    /// Takes one text for a field that JSON writes as a string.
    pub(super) fn accept_text(&self, text: Cow<'_, str>) -> Result<Cell, Fault> {
        if text.contains('\0') {
            return Err(self.fault("nul", "The character U+0000 cannot be stored."));
        }
        if text.trim().is_empty() {
            return Ok(Cell::Null);
        }
        let kept = |text: &str| Ok(Cell::Text(text.to_owned()));
        match &self.kind {
            Kind::Text { min, max } => self.measured(text, *min, *max),
            Kind::Email => email(text.trim()).map_or_else(|| Err(self.fault("email", "Write an address such as ada@example.com.")), kept),
            Kind::Url => url(text.trim()).map(Cell::Text).ok_or_else(|| {
                self.fault("url", format!("Write an address such as https://example.com or a host such as example.com, not {:?}.", cut(&text)))
            }),
            Kind::Phone => phone(text.trim()).map_or_else(|| Err(self.fault("phone", "Write a number such as +49 30 123456.")), kept),
            Kind::Date => parse_date(text.trim()).map_or_else(|_| Err(self.fault("date", "Write a date such as 2026-11-20.")), kept),
            Kind::Datetime => self.moment(text.trim()),
            Kind::Choice { options } => match options.iter().any(|o| o.value == *text) {
                true => Ok(Cell::Text(text.into_owned())),
                false => Err(self.fault("option", self.options_hint(&text))),
            },
            Kind::Ref { to, .. } => self.id(&text, &format!("Give the id of one of {to}.")),
            Kind::User => self.id(&text, "Give the id of a member."),
            Kind::Integer { .. } | Kind::Boolean | Kind::Tags { .. } | Kind::Money => Err(self.wrong("a text")),
        }
    }
    /// One fault at this field.
    pub(super) fn fault(&self, code: &'static str, message: impl Into<String>) -> Fault {
        Fault::new(self.name.clone(), code, message)
    }
    fn wrong(&self, found: &str) -> Fault {
        let wanted = match &self.kind {
            Kind::Integer { .. } => "a whole number",
            Kind::Boolean => "true or false",
            Kind::Tags { .. } => "an array of texts",
            Kind::Money => "{\"minor\": 1250, \"currency\": \"EUR\"}",
            Kind::Text { .. }
            | Kind::Email
            | Kind::Url
            | Kind::Phone
            | Kind::Date
            | Kind::Datetime
            | Kind::Choice { .. }
            | Kind::Ref { .. }
            | Kind::User => "a text",
        };
        self.fault("type", format!("Expected {wanted}, not {found}."))
    }
    fn measured(&self, text: Cow<'_, str>, min: usize, max: usize) -> Result<Cell, Fault> {
        let length = text.chars().count();
        if length > max {
            return Err(self.fault("too-long", format!("At most {max} characters; this has {length}.")));
        }
        if length < min {
            return Err(self.fault("too-short", format!("At least {min} characters.")));
        }
        Ok(Cell::Text(text.into_owned()))
    }
    pub(super) fn integer(&self, number: i64, min: i64, max: i64) -> Result<Cell, Fault> {
        match number {
            n if n < min => Err(self.fault("min", format!("At least {min}."))),
            n if n > max => Err(self.fault("max", format!("At most {max}."))),
            n => Ok(Cell::Int(n)),
        }
    }
    fn moment(&self, text: &str) -> Result<Cell, Fault> {
        match Time::parse(text) {
            Ok(time) if (EARLIEST..=LATEST).contains(&time.0) => Ok(Cell::Int(time.0)),
            Ok(_) | Err(_) => Err(self.fault("datetime", "Write a date and time such as 2026-11-20T09:55:00Z.")),
        }
    }
    fn id(&self, text: &str, hint: &str) -> Result<Cell, Fault> {
        if is_id(text) { Ok(Cell::Text(text.to_owned())) } else { Err(self.fault("reference", hint)) }
    }
    fn tags(&self, items: Vec<Raw<'_>>, max: usize) -> Result<Cell, Fault> {
        let mut tags = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Raw::Text(text) => tags.push(text.into_owned()),
                other => return Err(self.fault("type", format!("Each tag is a text, not {}.", other.kind()))),
            }
        }
        self.sorted(tags, max)
    }
    /// Tags in their one spelling: trimmed, sorted by bytes, each once.
    pub(super) fn sorted(&self, tags: Vec<String>, max: usize) -> Result<Cell, Fault> {
        let mut tags: Vec<String> = tags.into_iter().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect();
        tags.sort_unstable();
        tags.dedup();
        if tags.len() > max {
            return Err(self.fault("max", format!("At most {max} tags.")));
        }
        match tags.iter().find(|t| t.chars().count() > TAG || t.contains(|c: char| c == ';' || c.is_control())) {
            Some(tag) if tag.contains('\0') => Err(self.fault("nul", "The character U+0000 cannot be stored.")),
            Some(tag) => Err(self.fault("tag", format!("A tag has at most {TAG} characters and no semicolon or control character: {:?}.", cut(tag)))),
            None => Ok(Cell::Tags(tags)),
        }
    }
    fn money(&self, members: Vec<(Cow<'_, str>, Raw<'_>)>, tenant_currency: &str) -> Result<Cell, Fault> {
        let at = |part: &str, code, message: &str| Err(Fault::new(format!("{}.{part}", self.name), code, message));
        let (mut minor, mut currency) = (None, None);
        for (name, value) in members {
            match (name.as_ref(), value) {
                ("minor", _) if minor.is_some() => return at("minor", "duplicate", "This stands here twice."),
                ("currency", _) if currency.is_some() => return at("currency", "duplicate", "This stands here twice."),
                ("minor", Raw::Int(number)) if number.unsigned_abs() <= SAFE.unsigned_abs() => minor = Some(number),
                ("minor", _) => {
                    return at("minor", "type", "Give the amount in the smallest unit of the currency, as a whole number: 1250 for 12.50 EUR.");
                }
                ("currency", Raw::Text(text)) if money::is_currency(&text) => currency = Some(text.into_owned()),
                ("currency", _) => return at("currency", "currency", "Give three capital letters such as EUR."),
                (other, _) => return at(&cut(other), "unknown", "Money has minor and currency."),
            }
        }
        match minor {
            Some(minor) => Ok(Cell::Money { minor, currency: currency.unwrap_or_else(|| tenant_currency.to_owned()) }),
            None => at("minor", "required", "Give the amount in the smallest unit of the currency."),
        }
    }
    fn major(&self, number: &str, currency: &str) -> Result<Cell, Fault> {
        match money::minor(number, currency) {
            Some(minor) => Ok(Cell::Money { minor, currency: currency.to_owned() }),
            None => {
                Err(self
                    .fault("money", format!("{number} is no amount in {currency}, which has {} digits after the point.", money::digits(currency))))
            }
        }
    }
    fn options_hint(&self, given: &str) -> String {
        let Kind::Choice { options } = &self.kind else { return String::new() };
        let known: Vec<&str> = options.iter().map(|o| o.value.as_str()).collect();
        match nearest(given, known.iter().copied()) {
            Some(near) => format!("{:?} is no option. Did you mean {near:?}?", cut(given)),
            None => format!("{:?} is no option. Options: {}.", cut(given), known.join(", ")),
        }
    }
}

/// The beginning of what somebody sent, short enough for a message.
pub fn cut(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(60).chain(['…']).collect() }
}

/// An address with one `@`, something before it and a dotted host behind (RFC 5321 lengths). Whether it exists only a mail tells.
fn email(text: &str) -> Option<&str> {
    let (local, host) = text.rsplit_once('@')?;
    let plain = |s: &str| {
        !s.contains(|c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '@' | '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"' | '\\' | '[' | ']')
        })
    };
    let dotted = host.contains('.') && host.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    (!local.is_empty() && local.len() <= 64 && text.len() <= 254 && plain(local) && plain(host) && dotted).then_some(text)
}

/// `http://` and `https://` are kept; a host standing alone gets `https://`; anything else is none.
fn url(text: &str) -> Option<String> {
    if text.len() > 2000 || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let scheme = |s: &str| text.get(..s.len()).is_some_and(|start| start.eq_ignore_ascii_case(s));
    let full = if scheme("http://") || scheme("https://") { text.to_owned() } else { format!("https://{}", host(text)?) };
    let parsed = url::Url::parse(&full).ok()?;
    (parsed.has_host() && parsed.username().is_empty() && parsed.password().is_none()).then_some(full)
}

/// A name such as `www.example.com`, at most with a `/` behind.
fn host(text: &str) -> Option<&str> {
    let name = text.strip_suffix('/').unwrap_or(text);
    let label =
        |l: &str| !l.is_empty() && l.len() <= 63 && l.chars().all(|c| c.is_alphanumeric() || c == '-') && !l.starts_with('-') && !l.ends_with('-');
    let last = name.rsplit('.').next().unwrap_or_default();
    (name.contains('.') && name.len() <= 253 && name.split('.').all(label) && last.chars().any(char::is_alphabetic)).then_some(text)
}

/// Loosely: digits with the usual signs between them, at least three and at most twenty.
fn phone(text: &str) -> Option<&str> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let fits = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '(' | ')' | '-' | '.' | '/' | 'x' | '#' | '*'));
    ((3..=20).contains(&digits) && fits && text.len() <= 40).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_standing_alone_gets_https() {
        assert_eq!(url("www.3i.com").unwrap(), "https://www.3i.com");
        assert_eq!(url("http://3m.com/x?y").unwrap(), "http://3m.com/x?y");
        assert_eq!(url("HTTPS://3m.com").unwrap(), "HTTPS://3m.com");
        for wrong in [
            "Official website",
            "www.agc.com /english",
            "javascript:alert(1)",
            "ftp://x.com",
            "https://",
            "https://a:b@x.com",
            "x.com/path",
            "localhost",
            "1.2.3.4",
            "3.14",
            "https://x y",
            "-a.com",
            "data:text/html,x",
            "//x.com",
        ] {
            assert_eq!(url(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn addresses_and_numbers_are_checked_loosely() {
        for right in ["ada@example.com", "a+b@x.co.uk", "ü@exämple.de"] {
            assert!(email(right).is_some(), "{right}");
        }
        for wrong in ["ada", "ada@", "@x.de", "a b@x.de", "a@b", "a@b..de", "a@x.de\n", "<a@x.de>", "a@b@c.de"] {
            assert!(email(wrong).is_none(), "{wrong}");
        }
        for right in ["+49 30 123456", "(030) 12-34", "110"] {
            assert!(phone(right).is_some(), "{right}");
        }
        for wrong in ["12", "call me", "+49<30", "123456789012345678901"] {
            assert!(phone(wrong).is_none(), "{wrong}");
        }
    }
}
