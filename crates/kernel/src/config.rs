//! The configuration: one documented file, overridden by the environment and then by the command line. Wrong configuration stops the start
//! and names the line to mend. The file with all defaults and comments, [`DEFAULT`], is the manual.

mod units;

pub use units::{Bytes, Network, Rate, Seconds};

use base::{Error, Result};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};
use toml::{Table, Value};
use url::Url;

/// What `tenon config default` prints.
pub const DEFAULT: &str = include_str!("tenon.default.toml");

/// With `--dev`, limits on proving who one is are this many times wider.
const DEV_FACTOR: u32 = 100;

/// Everything an operator can set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Root key, mails of the dev mailbox and, with SQLite, the silos.
    #[serde(skip)]
    pub data: PathBuf,
    /// Started with `--dev`.
    #[serde(skip)]
    pub dev: bool,
    pub server: Server,
    pub storage: Storage,
    pub mail: Mail,
    pub tokens: Tokens,
    pub limits: Limits,
    pub jobs: Jobs,
    pub log: Log,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: SocketAddr,
    /// An origin such as `https://app.example.com`, without a slash at its end. Never empty once loaded.
    pub public_url: String,
    pub trusted_proxies: Vec<Network>,
    /// 0: as many as the limit on open files allows.
    pub max_connections: usize,
    pub max_open_silos: usize,
    /// How long `/ready` says no before the listener closes.
    pub drain: Seconds,
    /// What is under way then has so long to end.
    pub finish: Seconds,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// Empty: SQLite files.
    pub silos: String,
    /// Empty: `DATA/root.key`.
    pub root_key_file: PathBuf,
    /// Whether to begin anew in a database that holds another installation already.
    pub shared: bool,
    /// What is given up when the disk is full; 0 for none.
    pub ballast: Bytes,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Empty: files in `DATA/mails`.
    pub smtp_url: String,
    pub from: String,
    /// For one mail.
    pub timeout: Seconds,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    pub access: Seconds,
    pub refresh: Seconds,
    pub refresh_grace: Seconds,
    pub session: Seconds,
    pub verification: Seconds,
    pub reset: Seconds,
    pub invitation: Seconds,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub enabled: bool,
    pub auth_per_ip: Rate,
    pub auth_per_account: Rate,
    pub register_per_ip: Rate,
    pub mail_per_address: Rate,
    pub anonymous_per_ip: Rate,
    pub burst_per_user: Rate,
    pub per_company: Rate,
    pub at_once_per_company: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    pub workers: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub level: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// Where the configuration comes from: flags of the command line, and the environment.
#[derive(Debug, Default)]
pub struct Sources {
    pub data: Option<PathBuf>,
    pub file: Option<PathBuf>,
    pub listen: Option<String>,
    pub dev: bool,
    pub env: BTreeMap<String, String>,
}

impl Config {
    /// Defaults, then the file, then the environment, then the command line; then everything is checked together.
    pub fn load(from: &Sources) -> Result<Config> {
        let data = from.data.clone().or_else(|| from.env.get("TENON_DATA").map(PathBuf::from)).unwrap_or_else(|| PathBuf::from("data"));
        let mut table = defaults()?;
        let path = from.file.clone().unwrap_or_else(|| data.parent().unwrap_or(Path::new("")).join("tenon.toml"));
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let name = path.display().to_string();
                over(&mut table, parse(&text, &name)?);
                check_file(&table, &text, &name)?;
            }
            Err(cause) if from.file.is_none() && cause.kind() == std::io::ErrorKind::NotFound => {}
            Err(cause) => return Err(wrong(format!("{} cannot be read: {cause}.", path.display()))),
        }
        for (name, value) in &from.env {
            if let Some((section, key)) = place(name) {
                set(&mut table, name, &section, &key, value)?;
            }
        }
        if let Some(listen) = &from.listen {
            set(&mut table, "--listen", "server", "listen", listen)?;
        }
        let mut config = read(&table).map_err(|e| wrong(e.message().to_owned()))?;
        config.data = data;
        config.dev = from.dev;
        config.settle()?;
        Ok(config)
    }

    /// The defaults alone, as an app in memory starts with them.
    pub fn for_tests(data: &Path) -> Result<Config> {
        Config::load(&Sources { data: Some(data.join("data")), dev: true, ..Sources::default() })
    }

    /// Whether the public URL is on this machine, so that http and a cookie without Secure are right.
    pub fn is_loopback(&self) -> bool {
        self.server.public_url.starts_with("http://")
    }

    fn settle(&mut self) -> Result<()> {
        let server = &mut self.server;
        if server.public_url.is_empty() {
            if !server.listen.ip().is_loopback() {
                return Err(wrong(
                    "server.public_url is required, because server.listen is not a loopback address. Say where people reach Tenon: https://...",
                ));
            }
            server.public_url = format!("http://{}", server.listen);
        }
        server.public_url = origin(&server.public_url)?;
        if self.server.max_connections == 0 {
            return Err(wrong("server.max_connections must be at least 1, or nobody is ever answered."));
        }
        if self.jobs.workers == 0 {
            return Err(wrong("jobs.workers must be at least 1, or no job is ever done."));
        }
        if self.limits.at_once_per_company == 0 {
            return Err(wrong("limits.at_once_per_company must be at least 1, or nothing is ever answered."));
        }
        if !self.is_loopback() && self.mail.smtp_url.is_empty() && !self.dev {
            return Err(wrong("mail.smtp_url is required, because the public URL is not a loopback address: people must get their mails."));
        }
        if self.dev {
            let limits = &mut self.limits;
            for rate in [
                &mut limits.auth_per_ip,
                &mut limits.auth_per_account,
                &mut limits.register_per_ip,
                &mut limits.mail_per_address,
                &mut limits.anonymous_per_ip,
                &mut limits.burst_per_user,
                &mut limits.per_company,
            ] {
                rate.count = rate.count.saturating_mul(DEV_FACTOR);
            }
        }
        Ok(())
    }
}

/// Checks a public URL and writes it as an origin: lower case, no default port, no slash at its end.
fn origin(text: &str) -> Result<String> {
    let refuse = |why| wrong(format!("server.public_url = \"{text}\" {why}"));
    let url = Url::parse(text).map_err(|_| refuse("is not a URL such as https://app.example.com."))?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if !bare {
        return Err(refuse("has more than scheme, host and port."));
    }
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(url::Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url.origin().ascii_serialization()),
        "http" if loopback => Ok(url.origin().ascii_serialization()),
        _ => Err(refuse("must be https, or people's sessions could be read on the way. Only a loopback address may be http.")),
    }
}

fn defaults() -> Result<Table> {
    DEFAULT.parse().map_err(Error::internal)
}

fn read(table: &Table) -> Result<Config, toml::de::Error> {
    Config::deserialize(table.clone())
}

fn parse(text: &str, name: &str) -> Result<Table> {
    text.parse().map_err(|e: toml::de::Error| at_line(&e, text, name))
}

/// Finds the first key or value of the file that is wrong, and says its line.
fn check_file(merged: &Table, text: &str, name: &str) -> Result<()> {
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
fn place(name: &str) -> Option<(String, String)> {
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
fn set(table: &mut Table, source: &str, section: &str, key: &str, text: &str) -> Result<()> {
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
fn over(table: &mut Table, file: Table) {
    for (section, value) in file {
        match (table.get_mut(&section), value) {
            (Some(Value::Table(under)), Value::Table(keys)) => under.extend(keys),
            (_, value) => {
                table.insert(section, value);
            }
        }
    }
}

fn wrong(detail: impl Into<String>) -> Error {
    Error::malformed("config", detail.into())
}

#[cfg(test)]
mod tests;
