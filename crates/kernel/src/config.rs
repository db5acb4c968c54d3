//! The configuration: one documented file, overridden by the environment and then by the command line. Wrong configuration stops the start
//! and names the line to mend. The file with all defaults and comments, [`DEFAULT`], is the manual.

mod table;
mod units;

pub use units::{Bytes, Network, Rate, Seconds};

use base::{Error, Result};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};
use table::{check_file, defaults, over, parse, place, read, set};
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

fn wrong(detail: impl Into<String>) -> Error {
    Error::malformed("config", detail.into())
}

#[cfg(test)]
mod tests;
