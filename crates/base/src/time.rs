use crate::{Error, Result, clock};
use std::fmt;

/// An instant: microseconds since 1970 in UTC. Written `2026-11-20T09:55:00.000000Z`, stored as BIGINT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// Never earlier than any other of this process, see [`crate::clock`].
    pub fn now() -> Time {
        Time(clock::now())
    }
    pub fn plus_seconds(self, seconds: i64) -> Time {
        Time(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }
    /// Reads RFC 3339 with any offset and up to nine digits; digits beyond microseconds are cut.
    pub fn parse(text: &str) -> Result<Time> {
        text.parse::<jiff::Timestamp>()
            .map(|t| Time(t.as_microsecond()))
            .map_err(|_| Error::fault("", "datetime", "Write a date and time such as 2026-11-20T09:55:00Z."))
    }
    /// Appends the RFC 3339 text with six digits.
    pub fn write(self, out: &mut Vec<u8>) {
        // Days to civil date after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
        let (days, micros) = (self.0.div_euclid(86_400_000_000), self.0.rem_euclid(86_400_000_000));
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + i64::from(month <= 2);
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        match year {
            0..=9999 => out.extend_from_slice(&digits::<4>(year)),
            _ => out.extend_from_slice(format!("{year:04}").as_bytes()),
        }
        for (sign, part) in [(b'-', month), (b'-', day), (b'T', seconds / 3600), (b':', seconds / 60 % 60), (b':', seconds % 60)] {
            out.push(sign);
            out.extend_from_slice(&digits::<2>(part));
        }
        out.push(b'.');
        out.extend_from_slice(&digits::<6>(micros));
        out.push(b'Z');
    }
}

/// The last `N` digits of a number.
fn digits<const N: usize>(mut number: i64) -> [u8; N] {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
    digits
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(27);
        self.write(&mut text);
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// Checks a calendar date `2026-11-20`; the text itself is what is stored.
pub fn parse_date(text: &str) -> Result<&str> {
    let shape = text.len() == 10 && text.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    match text.parse::<jiff::civil::Date>() {
        Ok(_) if shape => Ok(text),
        _ => Err(Error::fault("", "date", "Write a date such as 2026-11-20.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_checked_against_the_calendar() {
        assert!(parse_date("2024-02-29").is_ok());
        for wrong in ["2026-02-29", "2026-1-1", "20261120", "2026-11-20T00:00:00Z", "+02026-11-20", ""] {
            assert!(parse_date(wrong).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in -62_135_596_800_000_000_i64..253_402_300_799_999_999) {
            let text = Time(micros).to_string();
            proptest::prop_assert_eq!(text.len(), 27);
            proptest::prop_assert_eq!(Time::parse(&text).unwrap(), Time(micros));
        }
    }
}
