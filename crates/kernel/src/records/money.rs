//! Amounts of money as people write them: `12.50 EUR`, with as many digits as ISO 4217 gives the currency.

/// Digits after the point (ISO 4217, table A.1, "minor unit"). Every currency not named has two.
pub fn digits(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// Three capital letters.
pub fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// `1250 EUR` cents as `12.50`.
pub fn amount(minor: i64, currency: &str) -> String {
    let digits = digits(currency);
    let text = format!("{:0width$}", minor.unsigned_abs(), width = digits + 1);
    let (whole, rest) = text.split_at(text.len() - digits);
    let sign = if minor < 0 { "-" } else { "" };
    if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}

/// `12.5` as 1250 EUR cents. Nothing when it is no plain decimal number, has more digits than the currency, or is beyond 2^53.
pub fn minor(text: &str, currency: &str) -> Option<i64> {
    let digits = digits(currency);
    let (negative, plain) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, rest) = plain.split_once('.').unwrap_or((plain, ""));
    let numeric = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let open = plain.contains('.') && rest.is_empty();
    if whole.is_empty() || open || !numeric(whole) || !numeric(rest) || rest.len() > digits || whole.len() > 16 {
        return None;
    }
    let number: i64 = format!("{whole}{rest:0<digits$}").parse().ok().filter(|n| *n <= super::accept::SAFE)?;
    Some(if negative { -number } else { number })
}

/// `12.50 EUR`, or a bare `12.50` in the tenant's currency.
pub fn parse(text: &str, tenant_currency: &str) -> Option<(i64, String)> {
    let (number, currency) = text.trim().split_once(' ').unwrap_or((text.trim(), tenant_currency));
    let currency = currency.trim();
    (is_currency(currency)).then_some(())?;
    minor(number, currency).map(|minor| (minor, currency.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        for (minor, currency, text) in
            [(1250, "EUR", "12.50"), (-5, "EUR", "-0.05"), (1250, "JPY", "1250"), (1250, "KWD", "1.250"), (0, "EUR", "0.00")]
        {
            assert_eq!(amount(minor, currency), text);
            assert_eq!(super::minor(text, currency), Some(minor));
        }
        assert_eq!(minor("12.5", "EUR"), Some(1250));
        for wrong in ["", "-", ".5", "5.", "1.234", "1,5", "1e3", "+5", "--5", "0x1", "99999999999999999", "12.50 EUR"] {
            assert_eq!(minor(wrong, "EUR"), None, "{wrong}");
        }
        assert_eq!(parse("12.50 USD", "EUR"), Some((1250, "USD".to_owned())));
        assert_eq!(parse("12.50", "EUR"), Some((1250, "EUR".to_owned())));
        assert_eq!(parse("12.50 usd", "EUR"), None);
    }
}
