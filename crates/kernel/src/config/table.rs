//! The configuration before it is read: the file, the environment and the command line, laid over the defaults. Faults name line or variable.

use super::{Config, DEFAULT, wrong};
use base::{Error, Result};
use serde::Deserialize;
use toml::{Table, Value};

pub fn defaults() -> Result<Table> {
    DEFAULT.parse().map_err(Error::internal)
}

pub fn read(table: &Table) -> Result<Config, toml::de::Error> {
    Config::deserialize(table.clone())
}

pub fn parse(text: &str, name: &str) -> Result<Table> {
    text.parse().map_err(|e: toml::de::Error| at_line(&e, text, name))
}

/// Finds the first key or value of the file that is wrong, and says its line.
pub fn check_file(merged: &Table, text: &str, name: &str) -> Result<()> {
    let Err(fault) = read(merged) else { return Ok(()) };
    // The merged table knows no lines. Each section alone, filled up with defaults, does: read it from the text itself.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read only for the place of the first fault")]
    struct Lines {
        server: Option<Table>,
        storage: Option<Table>,
        mail: Option<Table>,
        tokens: Option<Table>,
        limits: Option<Table>,
        jobs: Option<Table>,
        log: Option<Table>,
    }
    if let Err(unknown) = toml::from_str::<Lines>(text) {
        return Err(at_line(&unknown, text, name));
    }
    let place = fault.to_string();
    let named: Vec<&str> = place.rsplit("in `").next().and_then(|p| p.split('`').next()).unwrap_or_default().split('.').collect();
    let unknown = backticked(fault.message()).next().filter(|_| fault.message().starts_with("unknown field"));
    let (section, key) = match (named.as_slice(), unknown) {
        ([section, ..], Some(key)) => (*section, key),
        ([section, key, ..], None) => (*section, *key),
        _ => ("", ""),
    };
    Err(wrong(format!("{name} line {}: {}", line_of(text, section, key), sentence(fault.message()))))
}

/// The line, counted from 1, on which `key` of `[section]` is set.
fn line_of(text: &str, section: &str, key: &str) -> usize {
    let mut here = "";
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.split(']').next()) {
            here = name.trim();
        } else if let Some((name, _)) = line.split_once('=') {
            let name = name.trim().trim_matches('"');
            if (here == section && name == key) || (here.is_empty() && name == format!("{section}.{key}")) {
                return n + 1;
            }
        }
    }
    1
}

fn at_line(fault: &toml::de::Error, text: &str, name: &str) -> Error {
    let line = fault.span().and_then(|s| text.get(..s.start)).map_or(1, |before| before.matches('\n').count() + 1);
    wrong(format!("{name} line {line}: {}", sentence(fault.message())))
}

/// serde's words, with the nearest known name behind an unknown one.
fn sentence(message: &str) -> String {
    let message = message.trim().replace('\n', ", ").replace("unknown field", "unknown key");
    let mut names = backticked(&message);
    let unknown = names.next().unwrap_or_default();
    match base::nearest(unknown, names) {
        Some(known) if message.starts_with("unknown key") => format!("unknown key `{unknown}`. Did you mean `{known}`?"),
        _ => format!("{message}."),
    }
}

fn backticked(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Which key an environment variable sets. Names without `__` other than the short ones are none of ours: container
/// platforms put `TENON_PORT` and the like there on their own.
pub fn place(name: &str) -> Option<(String, String)> {
    let short = match name {
        "TENON_LISTEN" => "server.listen",
        "TENON_PUBLIC_URL" => "server.public_url",
        "TENON_SILOS" => "storage.silos",
        "TENON_ROOT_KEY_FILE" => "storage.root_key_file",
        "TENON_SMTP_URL" => "mail.smtp_url",
        _ => "",
    };
    if let Some((section, key)) = short.split_once('.') {
        return Some((section.to_owned(), key.to_owned()));
    }
    let (section, key) = name.strip_prefix("TENON_")?.split_once("__")?;
    Some((section.to_ascii_lowercase(), key.to_ascii_lowercase()))
}

/// Sets one key from a text that may mean itself or, written as in the file, a number, a truth value or a list.
pub fn set(table: &mut Table, source: &str, section: &str, key: &str, text: &str) -> Result<()> {
    let written = format!("v = {text}").parse::<Table>().ok().and_then(|mut t| t.remove("v"));
    let mut fault = String::new();
    for value in written.into_iter().chain([Value::String(text.to_owned())]) {
        let mut tried = table.clone();
        if let Value::Table(inner) = tried.entry(section.to_owned()).or_insert_with(|| Value::Table(Table::new())) {
            inner.insert(key.to_owned(), value);
        }
        match read(&tried) {
            Ok(_) => {
                *table = tried;
                return Ok(());
            }
            Err(e) => fault = sentence(e.message()),
        }
    }
    Err(wrong(format!("{source}: {fault}")))
}

/// Lays the file's keys over the defaults, section by section.
pub fn over(table: &mut Table, file: Table) {
    for (section, value) in file {
        match (table.get_mut(&section), value) {
            (Some(Value::Table(under)), Value::Table(keys)) => under.extend(keys),
            (_, value) => {
                table.insert(section, value);
            }
        }
    }
}
