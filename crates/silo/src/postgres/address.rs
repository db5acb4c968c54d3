use super::server::CONNECT;
use base::{Code, Error, Result};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{borrow::Cow, sync::Arc, time::Duration};
use tokio_postgres::{Config, config::SslMode};

/// A machine that confirms nothing of what was sent for so long is gone, and a wire on which nothing was said is looked at as often.
const UNHEARD: Duration = Duration::from_secs(5);

/// Where the server is, and how to know that it is the right one.
pub struct Address {
    pub config: Config,
    /// Set by `sslmode=require`. Without it nothing is encrypted: leave it away on a local socket or a private network only.
    pub tls: Option<ClientConfig>,
}

impl Address {
    /// Reads `postgres://user:password@host/database?sslmode=require&sslrootcert=/etc/ca.pem`. With TLS the certificate is always
    /// checked, name included: against the named file, or else against the public authorities.
    pub fn parse(url: &str) -> Result<Address> {
        let (url, root) = without(url, "sslrootcert");
        let mut config: Config = url.parse().map_err(|e: tokio_postgres::Error| refused(why(&e)))?;
        // Each of several servers has its share of the time for a session.
        let share = u32::try_from(config.get_hosts().len()).unwrap_or(u32::MAX).max(1);
        config.application_name("tenon").connect_timeout(CONNECT / share);
        config.tcp_user_timeout(UNHEARD).keepalives_idle(UNHEARD).keepalives_interval(UNHEARD).keepalives_retries(3);
        let tls = match config.get_ssl_mode() {
            SslMode::Require => Some(tls(root.as_deref())?),
            _ if root.is_some() => return Err(refused("sslrootcert is only looked at with sslmode=require.")),
            _ => {
                config.ssl_mode(SslMode::Disable);
                None
            }
        };
        Ok(Address { config, tls })
    }
}

fn tls(root: Option<&str>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match root {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let wrong = |e: &dyn std::fmt::Display| refused(format!("sslrootcert {path}: {e}"));
            for certificate in CertificateDer::pem_file_iter(path).map_err(|e| wrong(&e))? {
                roots.add(certificate.map_err(|e| wrong(&e))?).map_err(|e| wrong(&e))?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(Error::internal)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Takes one parameter out of the address that the driver does not know.
fn without(url: &str, name: &str) -> (String, Option<String>) {
    let Some((front, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mut found = None;
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.split_once('=') {
            Some((key, value)) if key == name => {
                found = Some(value.replace("%2F", "/"));
                false
            }
            _ => true,
        })
        .collect();
    let mark = if kept.is_empty() { "" } else { "?" };
    (format!("{front}{mark}{}", kept.join("&")), found)
}

/// What is wrong with the address, without the address: it may hold a password.
fn why(e: &tokio_postgres::Error) -> String {
    let source = std::error::Error::source(e).map(|s| format!(": {s}")).unwrap_or_default();
    format!("The PostgreSQL address is not understood{source}.")
}

pub fn refused(detail: impl Into<Cow<'static, str>>) -> Error {
    Error::new(Code::Unavailable, "storage", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_whether_it_is_encrypted() {
        assert!(Address::parse("postgres://a:b@c/d").unwrap().tls.is_none());
        assert!(Address::parse("postgres://a:b@c/d?sslmode=require").unwrap().tls.is_some());
        for wrong in [
            "postgres://a:secret@c/d?sslmode=verify-all",
            "postgres://a:secret@c/d?sslrootcert=/x",
            "postgres://a:secret@c/d?sslmode=require&sslrootcert=/nowhere",
            "postgres://a:secret@c:port/d",
        ] {
            let error = Address::parse(wrong).err().unwrap();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
