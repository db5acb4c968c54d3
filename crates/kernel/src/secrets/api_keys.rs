use super::{random, token_hash};
use base::Result;

const PREFIX: &str = "tnk_live_";
const ID: usize = 10;
const SECRET: usize = 43;
const CHECK: usize = 6;
const LENGTH: usize = PREFIX.len() + ID + 1 + SECRET + 1 + CHECK;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A machine's credential, `tnk_live_<id>_<secret>_<check>`: shown once when it is made, stored only as its hash.
/// The fixed prefix and the checksum let scanners find one that leaked; letters and digits only, so a double click selects all of it.
pub struct ApiKey {
    /// Ten characters that name the key in lists and logs.
    pub id: String,
    /// The whole key: 43 base-62 characters of secret are 256 bits.
    pub text: String,
    /// SHA-256 of the whole key, the only thing to store.
    pub hash: [u8; 32],
}

impl ApiKey {
    pub fn mint() -> Result<ApiKey> {
        let (id, secret) = (base62(ID)?, base62(SECRET)?);
        let body = format!("{PREFIX}{id}_{secret}");
        let text = format!("{body}_{}", check(&body));
        Ok(ApiKey { id, hash: token_hash(&text), text })
    }
}

/// The id in something that is spelled exactly like a key, checksum included. Says nothing about whether the key exists.
pub fn api_key_id(text: &str) -> Option<&str> {
    if text.len() != LENGTH || !text.is_ascii() {
        return None;
    }
    let (body, sum) = text.rsplit_once('_')?;
    let (id, secret) = body.strip_prefix(PREFIX)?.split_once('_')?;
    let plain = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_alphanumeric());
    (plain(id, ID) && plain(secret, SECRET) && check(body) == sum).then_some(id)
}

fn base62(length: usize) -> Result<String> {
    let mut out = String::with_capacity(length);
    while out.len() < length {
        // 248 = 4 × 62: higher bytes are thrown away, or the first letters would come more often.
        let fair = random::<64>()?.into_iter().filter(|b| *b < 248);
        out.extend(fair.filter_map(|b| ALPHABET.get(usize::from(b % 62))).map(|b| char::from(*b)).take(length - out.len()));
    }
    Ok(out)
}

/// CRC-32 (ISO-HDLC, as in zip and PNG) in six base-62 characters.
fn check(text: &str) -> String {
    let crc = !text
        .bytes()
        .fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }));
    let mut rest = crc as usize;
    let mut digits = [b'0'; CHECK];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET.get(rest % 62).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits.iter().map(|d| char::from(*d)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_key_parses_and_nothing_near_it_does() {
        let key = ApiKey::mint().unwrap();
        assert_eq!(key.text.len(), 70);
        assert_eq!(api_key_id(&key.text), Some(key.id.as_str()));
        assert_eq!(key.hash, token_hash(&key.text));
        for at in 0..key.text.len() {
            assert_eq!(api_key_id(&key.text[..at]), None);
            assert_eq!(api_key_id(&key.text[at + 1..]), None);
            let c = key.text.as_bytes()[at] as char;
            let swapped = if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
            for put in [swapped.to_string(), "_".into(), "é".into(), " ".into(), String::new()] {
                let changed = format!("{}{put}{}", &key.text[..at], &key.text[at + 1..]);
                assert!(changed == key.text || api_key_id(&changed).is_none(), "{changed}");
            }
        }
        for wrong in [format!(" {}", key.text), format!("{}\n", key.text), key.text.to_uppercase(), String::new()] {
            assert_eq!(api_key_id(&wrong), None);
        }
    }

    #[test]
    fn the_checksum_is_the_well_known_one() {
        // CRC-32 of "123456789" is 0xCBF43926, the check value of the catalogue of parametrised CRC algorithms.
        let number = check("123456789").bytes().fold(0_u64, |n, b| n * 62 + ALPHABET.iter().position(|a| *a == b).unwrap() as u64);
        assert_eq!(number, 0xCBF4_3926);
    }

    #[test]
    fn fuzz_large_texts_are_no_keys() {
        for text in crate::fuzz::large() {
            assert_eq!(crate::fuzz::soon(&text, || api_key_id(&text).map(str::to_owned)), None);
        }
    }

    proptest::proptest! {
        #[test]
        fn fuzz_no_text_is_a_key(text in crate::fuzz::texts("tnk_live_abcdefghij_0123456789012345678901234567890123456789012_000000")) {
            // One in 62^6 would have the right checksum by chance; then it is spelled like a key all the same.
            proptest::prop_assert!(api_key_id(&text).is_none_or(|id| id.len() == ID && text.starts_with(PREFIX)));
        }
    }
}
