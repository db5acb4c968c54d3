//! JSON at the edge: reading bodies so that the fault names the field to mend, and writing values as bytes.

use base::{Error, Result, nearest};
use serde::de::DeserializeOwned;

/// The deepest nesting that a body may have.
pub const MAX_DEPTH: usize = 64;

/// Reads a typed body. Unknown and doubled fields, wrong types, too deep nesting and U+0000 are refused, each by name.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    check(bytes)?;
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(Error::malformed("json-object", "Send a JSON object, not an array."));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { String::new() } else { path };
        fault(&field, error.inner())
    })?;
    reader.end().map_err(|error| fault("", &error))?;
    Ok(value)
}

fn fault(field: &str, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    let plain = text.split(" at line ").next().unwrap_or_default().to_owned();
    if error.is_syntax() || error.is_eof() {
        return Error::malformed("json", format!("This is not JSON: {text}."));
    }
    let named = |prefix: &str| plain.strip_prefix(prefix).and_then(|rest| rest.split('`').next()).map(str::to_owned);
    if let Some(name) = named("missing field `") {
        return Error::fault(join(field, &name), "required", "This is needed.");
    }
    if let Some(name) = named("duplicate field `") {
        return Error::fault(join(field, &name), "duplicate", "This stands twice.");
    }
    if let Some(name) = named("unknown field `") {
        let known: Vec<&str> = plain.split('`').skip(3).step_by(2).collect();
        // serde reports the path up to and including the unknown key.
        let at = if field.ends_with(&name) { field.to_owned() } else { join(field, &name) };
        return Error::fault(at, "unknown", unknown("field", &name, known.into_iter()));
    }
    Error::fault(field, "type", format!("This does not fit: {plain}."))
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

/// «There is no field `nmae`. Did you mean `name`?»
pub fn unknown<'k>(what: &str, name: &str, known: impl Iterator<Item = &'k str>) -> String {
    match nearest(name, known) {
        Some(near) => format!("There is no {what} `{name}` here. Did you mean `{near}`?"),
        None => format!("There is no {what} `{name}` here."),
    }
}

/// Refuses what no reader of ours takes, before any of them looks: too deep nesting, U+0000, text that is not UTF-8.
pub fn check(bytes: &[u8]) -> Result<()> {
    let text = std::str::from_utf8(bytes).map_err(|_| Error::malformed("encoding", "The body is not UTF-8."))?;
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => {
                    escaped = false;
                    if byte == b'u' && text.get(at + 1..at + 5) == Some("0000") {
                        return Err(Error::malformed("nul", "The character U+0000 is not text that can be stored. Take it out."));
                    }
                }
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(Error::malformed("too-deep", format!("The JSON is nested deeper than {MAX_DEPTH} levels.")));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// Appends a JSON string.
pub fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(stop) = rest.iter().position(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\') {
        let (plain, after) = rest.split_at(stop);
        out.extend_from_slice(plain);
        match after.first() {
            Some(b'"') => out.extend_from_slice(b"\\\""),
            Some(b'\\') => out.extend_from_slice(b"\\\\"),
            Some(b'\n') => out.extend_from_slice(b"\\n"),
            Some(b'\r') => out.extend_from_slice(b"\\r"),
            Some(b'\t') => out.extend_from_slice(b"\\t"),
            Some(other) => out.extend_from_slice(format!("\\u{other:04x}").as_bytes()),
            None => {}
        }
        rest = after.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends a JSON string or `null`.
pub fn optional(text: Option<&str>, out: &mut Vec<u8>) {
    match text {
        Some(text) => string(text, out),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends a whole number.
pub fn number(n: i64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut left = n.unsigned_abs();
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        *place = b'0' + u8::try_from(left % 10).unwrap_or_default();
        left /= 10;
        used += 1;
        if left == 0 {
            break;
        }
    }
    if n < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(digits.get(20 - used..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        #[expect(dead_code, reason = "only its name matters here")]
        name: String,
        #[expect(dead_code, reason = "only its name matters here")]
        count: Option<i64>,
    }

    #[test]
    fn faults_name_the_field_to_mend() {
        let fault = |text: &str| read::<Input>(text.as_bytes()).unwrap_err();
        assert_eq!(fault(r#"{"nmae":"x"}"#).faults()[0].message, "There is no field `nmae` here. Did you mean `name`?");
        assert_eq!(fault(r#"{}"#).faults()[0].field, "name");
        assert_eq!(fault(r#"{"name":"x","count":"many"}"#).faults()[0].field, "count");
        assert_eq!(fault(r#"{"name":"x","name":"y"}"#).faults()[0].code, "duplicate");
        assert_eq!(fault(r#"{"name":"a\u0000b"}"#).name(), "nul");
        assert_eq!(fault(r#"{"name":"#).name(), "json");
        assert_eq!(fault(r#"{"name":"x"} x"#).name(), "json");
        assert_eq!(fault(&format!("{}{}", "[".repeat(65), "]".repeat(65))).name(), "too-deep");
        assert_eq!(fault(r#"["x", 1]"#).name(), "json-object");
        assert!(read::<Input>(br#"{"name":"\\u0000"}"#).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn strings_read_back_as_written(text in "\\PC{0,40}|[\\x00-\\x1f\"\\\\]{0,10}") {
            let mut out = Vec::new();
            string(&text, &mut out);
            proptest::prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn numbers_are_written_as_everywhere(n: i64) {
            let mut out = Vec::new();
            number(n, &mut out);
            proptest::prop_assert_eq!(String::from_utf8(out).unwrap(), n.to_string());
        }
    }
}
