//! Existing or not must not show in how long an answer takes. Medians of interleaved tries; run by hand on a quiet machine:
//! `cargo test -p account --test stories timing -- --ignored --nocapture`.

use crate::support::PASSWORD;
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::TestApp;

const ROUNDS: usize = 60;

#[tokio::test]
#[ignore = "measures time: the result means something on a quiet machine only"]
async fn existing_and_unknown_accounts_take_as_long() {
    let app = TestApp::with(vec![]).await;
    for path in ["/api/v1/auth/sign-in", "/api/v1/auth/token", "/api/v1/auth/forgot", "/api/v1/auth/resend", "/api/v1/auth/register"] {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for n in 0..ROUNDS * 2 {
            let email = if n % 2 == 0 { "admin@acme.test" } else { "nobody@acme.test" };
            let body = match path.rsplit('/').next() {
                Some("sign-in" | "token") => json!({"email": email, "password": "wrong horse battery staple"}),
                Some("register") => json!({"company": "X", "name": "Y", "email": email, "password": PASSWORD}),
                _ => json!({"email": email}),
            };
            let start = Instant::now();
            app.post_as(None, path, body).await;
            if n % 2 == 0 { &mut known } else { &mut unknown }.push(start.elapsed());
            crate::support::settled(&app).await;
        }
        let (known, unknown) = (median(known), median(unknown));
        let apart = known.abs_diff(unknown).as_secs_f64() / known.max(unknown).as_secs_f64();
        println!("{path}: known {known:?}, unknown {unknown:?}, {:.1} % apart", apart * 100.0);
        assert!(apart < 0.05, "{path}");
    }
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}
