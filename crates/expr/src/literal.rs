//! Literals take the form of the column they are compared with: checked and scaled once, when the expression is read.

use crate::{
    operand::{Kind, Literal, flaw},
    scan::capital,
    source::{Flaw, Spot},
    tree::Operand,
};
use cel::IdedExpr;

/// The literal as a value of this kind. Null fits nowhere; who allows it has asked before.
pub(crate) fn fit<'a>(node: &'a IdedExpr, literal: Literal, kind: Kind) -> Result<Operand, Flaw<'a>> {
    match (literal, kind) {
        (Literal::Bool(v), Kind::Bool) => Ok(Operand::Bool(v)),
        (Literal::Int(v), Kind::Int) => Ok(Operand::Int(v)),
        (Literal::Text(v), Kind::Text) => Ok(Operand::Text(v)),
        (Literal::Text(v), Kind::Date) => match base::parse_date(&v) {
            Ok(_) => Ok(Operand::Text(v)),
            Err(_) => flaw(node, Spot::Whole, "literal", "Write a date such as \"2026-11-20\"."),
        },
        (Literal::Int(v), Kind::Decimal(scale)) => decimal(node, &v.to_string(), scale),
        // The shortest text that reads back as the same float is what was written: the scanner lets no longer ones pass.
        (Literal::Double(v), Kind::Decimal(scale)) => decimal(node, &v.to_string(), scale),
        (Literal::Text(v), Kind::Decimal(scale)) => decimal(node, &v, scale),
        (Literal::Double(_), Kind::Int) => flaw(node, Spot::Whole, "literal", "Write an integer."),
        (Literal::Text(_), Kind::Time) => flaw(node, Spot::Whole, "literal", "Write timestamp(\"2026-11-20T09:55:00Z\")."),
        (Literal::Null, _) => flaw(node, Spot::Whole, "type", "null can only be compared by == and !=, or stand in a list."),
        (_, Kind::Money) => flaw(node, Spot::Whole, "type", "Compare an amount's parts: x.minor and x.currency."),
        (_, Kind::List) => flaw(node, Spot::Whole, "type", "A list is asked by `in`: \"x\" in tags."),
        (literal, kind) => flaw(node, Spot::Whole, "type", format!("{} is compared with {kind}.", capital(&natural_name(&literal)))),
    }
}

/// The literal standing for itself, where nothing says which kind is meant.
pub(crate) fn natural<'a>(node: &'a IdedExpr, literal: Literal) -> Result<(Operand, Kind), Flaw<'a>> {
    match literal {
        Literal::Null => Ok((Operand::Null, Kind::Null)),
        Literal::Bool(v) => Ok((Operand::Bool(v), Kind::Bool)),
        Literal::Int(v) => Ok((Operand::Int(v), Kind::Int)),
        Literal::Text(v) => Ok((Operand::Text(v), Kind::Text)),
        Literal::Double(_) => flaw(node, Spot::Whole, "type", "A number with a point is compared with a decimal field."),
    }
}

fn natural_name(literal: &Literal) -> String {
    match literal {
        Literal::Null => "null".to_owned(),
        Literal::Bool(v) => v.to_string(),
        Literal::Int(_) => "an integer".to_owned(),
        Literal::Double(_) => "a number with a point".to_owned(),
        Literal::Text(_) => "a text".to_owned(),
    }
}

fn decimal<'a>(node: &'a IdedExpr, text: &str, scale: u8) -> Result<Operand, Flaw<'a>> {
    match scaled(text, scale) {
        Ok(value) => Ok(Operand::Int(value)),
        Err(hint) => flaw(node, Spot::Whole, "literal", hint),
    }
}

/// `"12.5"` at scale 2 is 1250.
fn scaled(text: &str, scale: u8) -> Result<i64, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let only_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !only_digits(whole) || !only_digits(fraction) || digits.ends_with('.') {
        return Err("Write a decimal such as 12.5 or \"12.50\".".to_owned());
    }
    if fraction.len() > usize::from(scale) {
        return Err(format!("This field keeps {scale} digits behind the point."));
    }
    let sign = if digits.len() == text.len() { "" } else { "-" };
    let all = format!("{sign}{whole}{fraction:0<width$}", width = usize::from(scale));
    all.parse().map_err(|_| "This number is too large.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::scaled;

    #[test]
    fn decimals_are_scaled_exactly_or_refused() {
        assert_eq!(scaled("12.5", 2), Ok(1250));
        assert_eq!(scaled("-0.05", 2), Ok(-5));
        assert_eq!(scaled("-0", 2), Ok(0));
        assert_eq!(scaled("92233720368547758.07", 2), Ok(i64::MAX));
        assert_eq!(scaled("-92233720368547758.08", 2), Ok(i64::MIN));
        for wrong in ["", "-", ".5", "5.", "1e3", "1.234", "92233720368547758.08", "+1", "1,5", "--1", "NaN", "inf"] {
            assert!(scaled(wrong, 2).is_err(), "{wrong}");
        }
    }
}
