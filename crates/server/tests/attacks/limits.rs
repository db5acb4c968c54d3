//! Attempts to get round what is limited, and to make more of a body than it is.

use super::{app, deal};
use http::{Method, header};
use serde_json::json;
use testkit::{ADMIN, NOBODY, PASSWORD, TestApp};

#[tokio::test]
async fn s_40_whoever_says_to_be_somebody_else_is_still_counted() {
    // Few enough to be reached here, after what the test's own people needed.
    let app = TestApp::configured(vec![], |config| {
        config.limits.enabled = true;
        config.limits.auth_per_ip = "60/15m".parse().unwrap();
    })
    .await;
    let mut answers = Vec::new();
    for n in 0..100_u8 {
        let request = app.request(Method::POST, "/api/v1/auth/token", None).header(header::CONTENT_TYPE, "application/json");
        let request = request
            .header("x-forwarded-for", format!("203.0.113.{n}"))
            .header("forwarded", format!("for=203.0.113.{n}"))
            .header("x-real-ip", format!("203.0.113.{n}"))
            .header("cf-connecting-ip", format!("203.0.113.{n}"));
        let body = json!({ "email": format!("n{n}@acme.test"), "password": "wrong" });
        answers.push(app.send(request, body.to_string()).await.status.as_u16());
    }
    let (tried, limited) = (answers.iter().filter(|status| **status == 401).count(), answers.iter().filter(|status| **status == 429).count());
    assert!(tried <= 60 && limited >= 40 && tried + limited == 100, "{tried} tried, {limited} limited");
}

#[tokio::test]
async fn s_42_a_name_cannot_add_a_line_to_a_mail_or_an_answer() {
    let app = app().await;
    for name in ["Ada\r\nBcc: all@acme.test", "Ada\nSubject: x", "Ada\u{2028}x", "Ada\u{85}x", "Ada\0"] {
        let body = json!({ "company": name, "name": "Ada", "email": "mail@new.test", "password": PASSWORD });
        app.post(NOBODY, "/api/v1/auth/register", body).await.expect(400);
        let body = json!({ "company": "New", "name": name, "email": "mail@new.test", "password": PASSWORD });
        app.post(NOBODY, "/api/v1/auth/register", body).await.expect(400);
        app.post(ADMIN, "/api/v1/account/companies", json!({ "name": name })).await.expect(400);
    }
    for address in ["a@b.test\r\nBcc: c@d.test", "a@b.test,c@d.test", "<a@b.test>", "a@b.test c@d.test", "\"a\r\n\"@b.test"] {
        app.post(ADMIN, "/api/v1/account/invitations", json!({ "email": address, "role": "viewer" })).await.expect(400);
    }
    let mails = app.app.mailer().list().await.unwrap();
    assert!(mails.iter().all(|sent| sent.mail.to != "mail@new.test" && !sent.mail.subject.contains(['\r', '\n'])));
}

#[tokio::test]
async fn s_50_a_packed_body_is_refused_unopened() {
    let app = app().await;
    let id = deal(&app, "as it was").await;
    // What ten gigabytes of zeros look like at their beginning.
    let packed = [0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 2, 3, 0xec, 0xc1, 0x01, 0x01].repeat(100);
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, gzip", "GZIP", "x-gzip"] {
        let request = app.request(Method::PATCH, &format!("/api/v1/crm/deals/{id}"), app.token(ADMIN));
        let request = request.header(header::CONTENT_TYPE, "application/json").header(header::CONTENT_ENCODING, encoding);
        let answer = app.send(request, packed.clone()).await.expect(415);
        assert_eq!(answer.header("accept-encoding"), "identity", "{encoding}");
        let request = app.request(Method::POST, "/api/v1/crm/companies:import", app.token(ADMIN));
        let request = request.header(header::CONTENT_TYPE, "text/csv").header(header::CONTENT_ENCODING, encoding);
        app.send(request, packed.clone()).await.expect(415);
    }
    let request = app.request(Method::PATCH, &format!("/api/v1/crm/deals/{id}"), app.token(ADMIN));
    let request = request.header(header::CONTENT_TYPE, "application/json").header(header::CONTENT_ENCODING, "identity");
    app.send(request, json!({ "name": "changed" }).to_string()).await.expect(200);
}
