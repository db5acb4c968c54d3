use base::{Error, Result};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::{borrow::Cow, fmt};

/// A JSON value as it came in: texts borrow from the body, keys keep their order and their repetitions.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// A number that is no `i64`.
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Raw<'a>>),
    Map(Vec<(Cow<'a, str>, Raw<'a>)>),
}

/// How deep arrays and objects may stand in each other.
const DEPTH: usize = crate::json::MAX_DEPTH;

impl<'a> Raw<'a> {
    pub fn parse(body: &'a [u8]) -> Result<Raw<'a>> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        let read = Depth(DEPTH).deserialize(&mut reader).and_then(|raw| reader.end().map(|()| raw));
        // What is wrong with any body is said in the same words everywhere; only the way to find it is a faster one here.
        read.map_err(|e| match crate::json::check(body) {
            Err(known) if known.name() != "nul" => known,
            Ok(()) | Err(_) => Error::malformed("json", format!("This is not JSON: {e}.")),
        })
    }
    /// The members of an object, or the refusal of anything else.
    pub fn object(body: &'a [u8]) -> Result<Vec<(Cow<'a, str>, Raw<'a>)>> {
        match Raw::parse(body)? {
            Raw::Map(members) => Ok(members),
            other => Err(Error::malformed("json-object", format!("Send a JSON object, not {}.", other.kind()))),
        }
    }
    /// The word for what this is, with its article.
    pub fn kind(&self) -> &'static str {
        match self {
            Raw::Null => "null",
            Raw::Bool(_) => "a boolean",
            Raw::Int(_) | Raw::Float(_) => "a number",
            Raw::Text(_) => "a text",
            Raw::List(_) => "an array",
            Raw::Map(_) => "an object",
        }
    }
}

/// How many more levels may open below.
struct Depth(usize);

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Raw<'de>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Raw<'de>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Raw<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Raw<'de>, E> {
        Ok(Raw::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Raw<'de>, E> {
        Ok(Raw::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Raw<'de>, E> {
        Ok(Raw::Int(v))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Raw<'de>, E> {
        Ok(i64::try_from(v).map_or(Raw::Float(v as f64), Raw::Int))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Raw<'de>, E> {
        Ok(Raw::Float(v))
    }
    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Raw<'de>, E> {
        Ok(Raw::Text(Cow::Borrowed(v)))
    }
    fn visit_str<E>(self, v: &str) -> Result<Raw<'de>, E> {
        Ok(Raw::Text(Cow::Owned(v.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Raw<'de>, A::Error> {
        let below = self.0.checked_sub(1).ok_or_else(|| A::Error::custom("too deep"))?;
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(Depth(below))? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Raw<'de>, A::Error> {
        let below = self.0.checked_sub(1).ok_or_else(|| A::Error::custom("too deep"))?;
        let mut members = Vec::new();
        while let Some(key) = from.next_key_seed(Depth(0))? {
            let Raw::Text(name) = key else { return Err(A::Error::custom("a name")) };
            members.push((name, from.next_value_seed(Depth(below))?));
        }
        Ok(Raw::Map(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_cut_at_64() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(Raw::parse(deep(64).as_bytes()).is_ok());
        assert_eq!(Raw::parse(deep(65).as_bytes()).unwrap_err().name(), "too-deep");
        assert!(Raw::parse(deep(100_000).as_bytes()).is_err());
    }

    #[test]
    fn what_is_no_json_object_is_refused() {
        for (text, name) in [("[]", "json-object"), ("{", "json"), ("{} {}", "json"), ("", "json"), ("{\"a\":\"\\ud800\"}", "json"), ("nul", "json")]
        {
            assert_eq!(Raw::object(text.as_bytes()).unwrap_err().name(), name, "{text}");
        }
        assert_eq!(Raw::object(b"{\"a\":\"\xff\"}").unwrap_err().name(), "encoding");
    }
}
