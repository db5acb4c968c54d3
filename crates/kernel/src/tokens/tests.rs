use super::*;
use base::new_id;
use serde_json::{Value, json};

const NOW: Time = Time(1_800_000_000_000_000);

struct Bench {
    tokens: Tokens,
    user: String,
    family: String,
    tenant: String,
}

impl Bench {
    fn new() -> Bench {
        let tokens = Tokens::new(&RootKey::random().unwrap(), "https://app.example", 900).unwrap();
        Bench { tokens, user: new_id(), family: new_id(), tenant: new_id() }
    }
    fn token(&self) -> String {
        self.tokens.sign(&Subject { user: &self.user, family: &self.family, tenant: &self.tenant }, NOW).unwrap()
    }
    fn claims(&self) -> Value {
        let iat = NOW.0 / 1_000_000;
        json!({"iss": "https://app.example", "aud": "tenon", "sub": self.user, "sid": self.family, "tenant": self.tenant, "iat": iat, "exp": iat + 900})
    }
    fn claims_with(&self, key: &str, value: Value) -> String {
        let mut claims = self.claims();
        claims[key] = value;
        claims.to_string()
    }
    fn claims_without(&self, key: &str) -> String {
        let mut claims = self.claims();
        claims.as_object_mut().unwrap().remove(key);
        claims.to_string()
    }
    /// Signed with the real key, whatever header and payload say.
    fn signed(&self, header: &str, payload: &str) -> String {
        let body = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.tokens.key.sign(body.as_bytes());
        format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
    fn refused(&self, why: &str, token: &str) {
        assert_eq!(self.tokens.verify(token, NOW).unwrap_err().name(), "anonymous", "{why}: {token}");
    }
}

#[test]
fn a_token_is_good_until_it_expires_and_tells_only_its_credential() {
    let bench = Bench::new();
    let token = bench.token();
    for _ in 0..2 {
        let verified = bench.tokens.verify(&token, NOW).unwrap();
        assert_eq!(verified, Verified { sid: bench.family.clone(), expires: NOW.plus_seconds(900) });
    }
    assert!(bench.tokens.verify(&token, NOW.plus_seconds(899)).is_ok());
    assert!(bench.tokens.verify(&token, NOW.plus_seconds(900)).is_err(), "also when it is in the cache");
    assert_eq!(bench.signed(HEADER, &bench.claims().to_string()), token);
}

#[test]
fn forged_tokens_are_refused() {
    let bench = Bench::new();
    let good = bench.claims().to_string();
    let parts: Vec<String> = bench.token().split('.').map(str::to_owned).collect();
    let (h, p, s) = (&parts[0], &parts[1], &parts[2]);
    let b64 = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let iat = NOW.0 / 1_000_000;

    // The header is anything but the constant one, though the signature is real.
    for header in [
        r#"{"alg":"none","typ":"at+jwt"}"#,
        r#"{"alg":"None","typ":"at+jwt"}"#,
        r#"{"alg":"","typ":"at+jwt"}"#,
        r#"{"typ":"at+jwt"}"#,
        r#"{"alg":"HS256","typ":"at+jwt"}"#,
        r#"{"alg":"RS256","typ":"at+jwt"}"#,
        r#"{"alg":"ES256","typ":"at+jwt"}"#,
        r#"{"alg":"eddsa","typ":"at+jwt"}"#,
        r#"{"alg":"Ed448","typ":"at+jwt"}"#,
        r#"{"alg":["EdDSA"],"typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA"}"#,
        r#"{"alg":"EdDSA","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","typ":"rt+jwt"}"#,
        r#"{"alg":"EdDSA","typ":"AT+JWT"}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","kid":"../../../../dev/null"}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","kid":"' OR 1=1 --"}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","jku":"https://evil.example/keys"}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","x5u":"https://evil.example/cert"}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","x5c":["MIIB"]}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","jwk":{"kty":"OKP","crv":"Ed25519","x":"AAAA"}}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","crit":["b64"],"b64":false}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","zip":"DEF"}"#,
        r#"{"alg":"none","alg":"EdDSA","typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","alg":"none","typ":"at+jwt"}"#,
        r#"{"typ":"at+jwt","alg":"EdDSA"}"#,
        r#" {"alg":"EdDSA","typ":"at+jwt"}"#,
        r#"{}"#,
        "null",
        "",
    ] {
        bench.refused("header", &bench.signed(header, &good));
    }

    // The claims are wrong, though the signature is real.
    for claims in [
        bench.claims_without("exp"),
        bench.claims_without("iat"),
        bench.claims_without("iss"),
        bench.claims_without("aud"),
        bench.claims_without("sub"),
        bench.claims_without("sid"),
        bench.claims_without("tenant"),
        bench.claims_with("aud", json!("other")),
        bench.claims_with("aud", json!(["tenon", "other"])),
        bench.claims_with("aud", json!("")),
        bench.claims_with("iss", json!("https://evil.example")),
        bench.claims_with("iss", json!("https://app.example/")),
        bench.claims_with("exp", json!(iat)),
        bench.claims_with("exp", json!(iat - 1)),
        bench.claims_with("exp", json!(iat + 901)),
        bench.claims_with("exp", json!(i64::MAX)),
        bench.claims_with("exp", json!("9999999999")),
        bench.claims_with("exp", json!(9.9e12)),
        bench.claims_with("exp", json!(null)),
        bench.claims_with("iat", json!(i64::MIN)),
        bench.claims_with("iat", json!(iat + 60)),
        bench.claims_with("sub", json!("admin")),
        bench.claims_with("sid", json!(bench.family.to_uppercase())),
        bench.claims_with("sid", json!("' OR 1=1 --")),
        bench.claims_with("tenant", json!("hub")),
        bench.claims_with("roles", json!(["owner"])),
        good.replacen('{', &format!("{{\"sid\":\"{}\",", new_id()), 1),
        format!("[{good}]"),
        format!("{good}{good}"),
        "{}".into(),
        String::new(),
    ] {
        bench.refused("claims", &bench.signed(HEADER, &claims));
    }

    // The signature is not one over this text by this key.
    let foreign = Tokens::new(&RootKey::random().unwrap(), "https://app.example", 900).unwrap();
    bench.refused("another key", &foreign.sign(&Subject { user: &bench.user, family: &bench.family, tenant: &bench.tenant }, NOW).unwrap());
    let zero = URL_SAFE_NO_PAD.encode([0; 64]);
    let identity = URL_SAFE_NO_PAD.encode([&[1][..], &[0; 63]].concat());
    let other = bench.claims_with("sub", json!(new_id()));
    for token in [
        format!("{h}.{p}."),
        format!("{h}.{p}"),
        format!("{h}.{p}.{zero}"),
        format!("{h}.{p}.{identity}"),
        format!("{h}.{}.{s}", b64(&other)),
        format!("{}.{p}.{s}", b64(r#"{"alg":"none"}"#)),
        format!("{}.{p}.", b64(r#"{"alg":"none","typ":"at+jwt"}"#)),
        format!("{h}.{p}.{s}.{s}"),
        format!("{h}..{s}"),
        format!(".{p}.{s}"),
        format!("{h}.{p}.{s}="),
        format!("{h}=.{p}.{s}"),
        format!("Bearer {h}.{p}.{s}"),
        "..".into(),
        String::new(),
        bench.signed(HEADER, &bench.claims_with("sub", json!("x".repeat(5000)))),
        "a".repeat(1_000_000),
    ] {
        bench.refused("signature", &token);
    }
}

#[test]
fn no_prefix_suffix_or_other_spelling_of_a_token_counts() {
    let bench = Bench::new();
    let token = bench.token();
    bench.tokens.verify(&token, NOW).unwrap();
    for at in 0..token.len() {
        bench.refused("prefix", &token[..at]);
        bench.refused("suffix", &token[at + 1..]);
        let c = token.as_bytes()[at] as char;
        let swapped = if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
        for put in [swapped.to_string(), "А".into(), "ａ".into(), format!("{c} "), format!("{c}\u{200b}"), format!("{c}.")] {
            let changed = format!("{}{put}{}", &token[..at], &token[at + 1..]);
            if changed != token {
                bench.refused("spelling", &changed);
            }
        }
    }
    for changed in [token.to_uppercase(), token.to_lowercase(), format!("{token} "), format!(" {token}"), format!("{token}\n"), format!("{token}A")] {
        bench.refused("spelling", &changed);
    }
}

#[test]
fn fuzz_large_tokens_are_refused_soon() {
    let bench = Bench::new();
    for text in crate::fuzz::large() {
        assert_eq!(crate::fuzz::soon(&text, || bench.tokens.verify(&text, NOW)).unwrap_err().code(), base::Code::Anonymous);
    }
}

proptest::proptest! {
    #[test]
    fn fuzz_no_text_is_a_token(text in crate::fuzz::texts("eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl")) {
        let bench = Bench::new();
        proptest::prop_assert_eq!(bench.tokens.verify(&text, NOW).unwrap_err().code(), base::Code::Anonymous);
    }

    #[test]
    fn fuzz_whatever_is_signed_is_judged(payload in crate::fuzz::texts(r#"{"iss":"https://app.example","aud":"tenon","sub":"x","sid":"y","tenant":"z","iat":1800000000,"exp":1800000900}"#)) {
        let bench = Bench::new();
        let token = bench.signed(HEADER, &payload);
        proptest::prop_assert_eq!(bench.tokens.verify(&token, NOW).unwrap_err().code(), base::Code::Anonymous);
    }

    #[test]
    fn fuzz_a_token_says_who_it_is_for(at in 1_000_000_000i64..10_000_000_000) {
        let bench = Bench::new();
        let now = Time(at * 1_000_000);
        let subject = Subject { user: &bench.user, family: &bench.family, tenant: &bench.tenant };
        let verified = bench.tokens.verify(&bench.tokens.sign(&subject, now).unwrap(), now).unwrap();
        proptest::prop_assert_eq!((verified.sid, verified.expires), (bench.family.clone(), Time((at + 900) * 1_000_000)));
    }
}
