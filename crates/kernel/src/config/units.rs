use serde::{Deserialize, Deserializer, de::Error as _};
use std::{net::IpAddr, str::FromStr};

/// A span of time, written `30s`, `15m`, `24h` or `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub u32);

impl Seconds {
    pub fn get(self) -> i64 {
        i64::from(self.0)
    }

    /// As people say it: "24 hours", "30 minutes".
    pub fn in_words(self) -> String {
        let (number, unit) = match self.0 {
            n if n % 86_400 == 0 && n > 86_400 => (n / 86_400, "day"),
            n if n % 3600 == 0 => (n / 3600, "hour"),
            n if n % 60 == 0 => (n / 60, "minute"),
            n => (n, "second"),
        };
        format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
    }
}

impl FromStr for Seconds {
    type Err = String;
    fn from_str(text: &str) -> Result<Seconds, String> {
        let refuse = || format!("`{text}` is not a duration such as 30s, 15m, 24h or 7d");
        let (number, unit) = number_and_unit(text, 1).ok_or_else(refuse)?;
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return Err(refuse()),
        };
        let seconds = number.checked_mul(unit).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
        seconds.map(Seconds).ok_or_else(refuse)
    }
}

/// What stands before and in a unit of so many bytes: 15 and `m` of `15m`. Digits only, no sign and no point.
fn number_and_unit(text: &str, unit: usize) -> Option<(u64, &str)> {
    let at = text.len().checked_sub(unit).filter(|at| text.is_char_boundary(*at))?;
    let (number, unit) = text.split_at(at);
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    number.parse().ok().filter(|_| digits).map(|number| (number, unit))
}

/// So many in so long, written `30/15m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub count: u32,
    pub window: Seconds,
}

impl FromStr for Rate {
    type Err = String;
    fn from_str(text: &str) -> Result<Rate, String> {
        let refuse = || format!("`{text}` is not a rate such as 30/15m");
        let (count, window) = text.split_once('/').ok_or_else(refuse)?;
        let count = count.parse().ok().filter(|n| *n > 0).ok_or_else(refuse)?;
        Ok(Rate { count, window: window.parse().map_err(|_| refuse())? })
    }
}

/// A size, written `512KiB`, `16MiB` or `1GiB`; 0 is written `0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl FromStr for Bytes {
    type Err = String;
    fn from_str(text: &str) -> Result<Bytes, String> {
        let refuse = || format!("`{text}` is not a size such as 512KiB, 16MiB, 1GiB or 0");
        if text == "0" {
            return Ok(Bytes(0));
        }
        let (number, unit) = number_and_unit(text, 3).ok_or_else(refuse)?;
        let unit = match unit {
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(refuse()),
        };
        number.checked_mul(unit).map(Bytes).ok_or_else(refuse)
    }
}

/// A range of addresses, written `10.0.0.0/8`; an address alone is a range of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    ip: IpAddr,
    bits: u32,
}

impl Network {
    /// IPv4 addresses that arrive as `::ffff:a.b.c.d` count as what they are.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.ip, ip.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => same_head(u128::from(net.to_bits()) << 96, u128::from(ip.to_bits()) << 96, self.bits),
            (IpAddr::V6(net), IpAddr::V6(ip)) => same_head(net.to_bits(), ip.to_bits(), self.bits),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

fn same_head(a: u128, b: u128, bits: u32) -> bool {
    bits == 0 || (a ^ b) >> (128 - bits) == 0
}

impl FromStr for Network {
    type Err = String;
    fn from_str(text: &str) -> Result<Network, String> {
        let refuse = || format!("`{text}` is not a network such as 10.0.0.0/8");
        let (ip, bits) = text.split_once('/').map_or((text, None), |(ip, bits)| (ip, Some(bits)));
        let ip: IpAddr = ip.parse().map_err(|_| refuse())?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |b| b.parse().ok()).filter(|b| *b <= most).ok_or_else(refuse)?;
        Ok(Network { ip, bits })
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Seconds, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Rate, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Network, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_exactly() {
        assert_eq!("15m".parse(), Ok(Seconds(900)));
        let words = |text: &str| text.parse::<Seconds>().unwrap().in_words();
        assert_eq!(
            [words("24h"), words("7d"), words("30m"), words("90s"), words("1h")],
            ["24 hours", "7 days", "30 minutes", "90 seconds", "1 hour"]
        );
        assert_eq!(["16MiB".parse(), "0".parse(), "1GiB".parse()], [Ok(Bytes(16 << 20)), Ok(Bytes(0)), Ok(Bytes(1 << 30))]);
        for wrong in ["", "16", "MiB", "-1MiB", "1.5MiB", "16MB", "16 MiB", "99999999999999GiB", "1é"] {
            assert!(wrong.parse::<Bytes>().is_err(), "{wrong}");
        }
        assert_eq!("30/15m".parse(), Ok(Rate { count: 30, window: Seconds(900) }));
        for wrong in ["", "m", "15", "0s", "-1s", "+1s", "1.5h", "1w", "9999999d", "1é"] {
            assert!(wrong.parse::<Seconds>().is_err(), "{wrong}");
        }
        for wrong in ["", "5", "0/1s", "5/", "/1s", "5/0s", "5/1s/1s"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn networks_hold_their_addresses_and_no_others() {
        let inside = |net: &str, ip: &str| net.parse::<Network>().unwrap().contains(ip.parse().unwrap());
        assert!(inside("10.0.0.0/8", "10.255.0.1") && !inside("10.0.0.0/8", "11.0.0.1"));
        assert!(inside("10.0.0.0/8", "::ffff:10.1.1.1"));
        assert!(inside("0.0.0.0/0", "1.2.3.4") && !inside("0.0.0.0/0", "::1"));
        assert!(inside("127.0.0.1", "127.0.0.1") && !inside("127.0.0.1", "127.0.0.2"));
        assert!(inside("fd00::/8", "fdff::1") && !inside("fd00::/8", "fe80::1"));
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "10.0.0.0/x", "example.com"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
