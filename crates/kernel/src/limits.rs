//! Limits on how often somebody may try. They live in this process's memory and are bounded: an attacker with many addresses makes the
//! server forget old counts, never run out of memory. What is counted is a client address or a canonical id, never text from a body.

mod window;

use crate::{
    config::{self, Network, Rate},
    json::number,
};
use base::{Code, Error, Result, TenantId, fold};
use bytes::Bytes;
use http::HeaderValue;
use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    time::Instant,
};
use window::Window;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Proving who one is, per client address.
    AuthPerIp,
    /// Failed proofs, per account.
    AuthPerAccount,
    /// Sign-ups, per client address.
    RegisterPerIp,
    /// Mails that strangers can cause, per address they go to.
    MailPerAddress,
    /// Requests without a credential, per client address.
    AnonymousPerIp,
    /// Requests of one user or key.
    BurstPerUser,
    /// Requests of one company.
    PerCompany,
}

impl Limit {
    /// Its name in headers and in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Limit::AuthPerIp => "auth_per_ip",
            Limit::AuthPerAccount => "auth_per_account",
            Limit::RegisterPerIp => "register_per_ip",
            Limit::MailPerAddress => "mail_per_address",
            Limit::AnonymousPerIp => "anonymous_per_ip",
            Limit::BurstPerUser => "burst_per_user",
            Limit::PerCompany => "per_company",
        }
    }
}

/// All limits of this process.
pub struct Limits {
    enabled: bool,
    auth_per_ip: Window,
    auth_per_account: Window,
    register_per_ip: Window,
    mail_per_address: Window,
    anonymous_per_ip: Window,
    burst_per_user: Window,
    per_company: Window,
    /// Requests of one company that may be under way at once.
    pub at_once_per_company: u32,
}

/// The answer of a limit: whether this request may go on, and what headers say about it.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    pub limit: Limit,
    pub allowed: bool,
    pub remaining: u32,
    /// Seconds until the window starts anew.
    pub reset: u64,
    rate: Rate,
}

impl Limits {
    pub fn new(of: &config::Limits) -> Limits {
        Limits {
            enabled: of.enabled,
            auth_per_ip: Window::new(of.auth_per_ip),
            auth_per_account: Window::new(of.auth_per_account),
            register_per_ip: Window::new(of.register_per_ip),
            mail_per_address: Window::new(of.mail_per_address),
            anonymous_per_ip: Window::new(of.anonymous_per_ip),
            burst_per_user: Window::new(of.burst_per_user),
            per_company: Window::new(of.per_company),
            at_once_per_company: if of.enabled { of.at_once_per_company } else { u32::MAX },
        }
    }

    /// Counts one try. `key` is an id, or a mail address in any spelling.
    pub fn take(&self, limit: Limit, key: &str) -> Quota {
        self.count(limit, &fold(key))
    }

    /// The same for an id, which has only one spelling.
    pub fn take_id(&self, limit: Limit, id: &str) -> Quota {
        self.count(limit, id)
    }

    /// Counts one request of a company.
    pub fn take_company(&self, tenant: TenantId) -> Quota {
        self.count(Limit::PerCompany, &tenant)
    }

    /// Counts one try of a client address.
    pub fn take_ip(&self, limit: Limit, ip: IpAddr) -> Quota {
        self.count(limit, &network_of(ip).to_string())
    }

    /// Takes one count back: the try turned out to be a good one.
    pub fn give_back(&self, limit: Limit, key: &str) {
        self.window(limit).give_back(&fold(key));
    }

    fn count(&self, limit: Limit, key: &(impl Hash + ?Sized)) -> Quota {
        let window = self.window(limit);
        let (allowed, remaining, reset) = if self.enabled { window.take(key, Instant::now()) } else { (true, window.rate.count, 0) };
        Quota { limit, allowed, remaining, reset, rate: window.rate }
    }

    fn window(&self, limit: Limit) -> &Window {
        match limit {
            Limit::AuthPerIp => &self.auth_per_ip,
            Limit::AuthPerAccount => &self.auth_per_account,
            Limit::RegisterPerIp => &self.register_per_ip,
            Limit::MailPerAddress => &self.mail_per_address,
            Limit::AnonymousPerIp => &self.anonymous_per_ip,
            Limit::BurstPerUser => &self.burst_per_user,
            Limit::PerCompany => &self.per_company,
        }
    }
}

impl Quota {
    /// Goes on, or answers 429 with the seconds to wait.
    pub fn check(&self) -> Result<()> {
        if self.allowed {
            return Ok(());
        }
        Err(Error::new(Code::Limited, "limited", "Too many tries. Wait a little.").with_retry_after(self.reset.max(1)))
    }

    /// `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers): how many in how many seconds.
    pub fn policy_header(&self) -> HeaderValue {
        self.written("\";q=", i64::from(self.rate.count), ";w=", i64::from(self.rate.window.0))
    }

    /// `RateLimit`: how many are left, and in how many seconds there will be more.
    pub fn header(&self) -> HeaderValue {
        self.written("\";r=", i64::from(self.remaining), ";t=", i64::try_from(self.reset).unwrap_or(i64::MAX))
    }

    /// Put together by hand: it is part of every answer.
    fn written(&self, first: &str, one: i64, second: &str, two: i64) -> HeaderValue {
        let mut text = Vec::with_capacity(48);
        text.push(b'"');
        text.extend_from_slice(self.limit.name().as_bytes());
        text.extend_from_slice(first.as_bytes());
        number(one, &mut text);
        text.extend_from_slice(second.as_bytes());
        number(two, &mut text);
        // Names and digits are always a good header.
        HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or(HeaderValue::from_static(""))
    }
}

/// One client of IPv6 owns at least a /64, so that is what counts.
fn network_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
    }
}

/// Who is asking: the peer; or, when the peer is a trusted proxy, the right-most hop of `X-Forwarded-For` that is not one.
/// `forwarded` is the header's value, several of them joined by commas. What does not parse ends the search.
pub fn client_ip(peer: IpAddr, forwarded: Option<&str>, trusted: &[Network]) -> IpAddr {
    let is_trusted = |ip: IpAddr| trusted.iter().any(|net| net.contains(ip));
    let mut client = peer.to_canonical();
    for hop in forwarded.unwrap_or_default().rsplit(',') {
        if !is_trusted(client) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(ip) => client = ip.to_canonical(),
            Err(_) => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn limits() -> Limits {
        let mut of = Config::for_tests(tempfile::tempdir().unwrap().path()).unwrap().limits;
        of.auth_per_account = "5/15m".parse().unwrap();
        Limits::new(&of)
    }

    #[test]
    fn every_spelling_of_an_account_is_the_same_account() {
        let limits = limits();
        for spelling in ["ada@example.com", " Ada@Example.COM", "ＡＤＡ@example.com", "ada@example.com\t", "adá@example.com"] {
            assert!(limits.take(Limit::AuthPerAccount, spelling).check().is_ok());
        }
        let quota = limits.take(Limit::AuthPerAccount, "ada@example.com");
        let refused = quota.check().unwrap_err();
        assert_eq!((refused.code(), refused.retry_after()), (Code::Limited, Some(900)));
        assert_eq!(quota.policy_header(), "\"auth_per_account\";q=5;w=900");
        assert_eq!(quota.header(), "\"auth_per_account\";r=0;t=900");
        assert!(limits.take(Limit::AuthPerAccount, "bob@example.com").allowed);
        limits.give_back(Limit::AuthPerAccount, "ADA@example.com");
        assert!(limits.take(Limit::AuthPerAccount, "ada@example.com").allowed);
        assert!(!limits.take(Limit::AuthPerAccount, "ada@example.com").allowed);
    }

    #[test]
    fn exactly_the_limit_succeeds_from_many_threads() {
        let limits = limits();
        let passed = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| passed.fetch_add(u32::from(limits.take(Limit::AuthPerAccount, "a").allowed), std::sync::atomic::Ordering::Relaxed));
            }
        });
        assert_eq!(passed.into_inner(), 5);
    }

    #[test]
    fn ipv6_counts_by_network() {
        let ip = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(ip("2001:db8:1:2:3::1"), ip("2001:db8:1:2:ffff::9"));
        assert_ne!(ip("2001:db8:1:2::1"), ip("2001:db8:1:3::1"));
        assert_eq!(ip("::ffff:192.0.2.1"), ip("192.0.2.1"));
    }

    #[test]
    fn only_a_trusted_peer_may_name_the_client() {
        let trusted: Vec<Network> = vec!["10.0.0.0/8".parse().unwrap()];
        let client = |peer: &str, header: Option<&str>| client_ip(peer.parse().unwrap(), header, &trusted).to_string();
        assert_eq!(client("203.0.113.9", Some("1.1.1.1")), "203.0.113.9");
        assert_eq!(client("10.0.0.1", None), "10.0.0.1");
        assert_eq!(client("10.0.0.1", Some("6.6.6.6, 203.0.113.9")), "203.0.113.9");
        assert_eq!(client("10.0.0.1", Some("6.6.6.6,203.0.113.9, 10.0.0.2")), "203.0.113.9");
        assert_eq!(client("10.0.0.1", Some("6.6.6.6, nonsense, 10.0.0.2")), "10.0.0.2");
        assert_eq!(client("::ffff:10.0.0.1", Some("::ffff:203.0.113.9")), "203.0.113.9");
        assert_eq!(client_ip("10.0.0.1".parse().unwrap(), Some("1.1.1.1"), &[]).to_string(), "10.0.0.1");
    }
}
