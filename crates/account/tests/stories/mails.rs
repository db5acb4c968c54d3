//! Mails over a real wire: what a mail server gets, and what happens when it does not take it.

use crate::support::{PASSWORD, settled};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use testkit::{Received, Sink, TestApp};

const FROM: &str = "Tenon <no-reply@tenon.example>";
const COMPANY: &str = "Smørrebrød & Søn 株式会社";

async fn app(url: String) -> TestApp {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::start_as(vec![], folder.path(), |config| {
        config.mail.smtp_url = url;
        config.mail.from = FROM.into();
        config.server.public_url = "https://app.example.com".into();
    });
    TestApp::around(app.await, folder)
}

async fn register(app: &TestApp) {
    let body = json!({"company": COMPANY, "name": "Nora", "email": "nora@new.test", "password": PASSWORD});
    app.post_as(None, "/api/v1/auth/register", body).await.expect(202);
}

/// A field of the head, unfolded (RFC 5322) and in plain letters (RFC 2047).
fn head(mail: &Received, name: &str) -> String {
    let head = mail.text.split("\n\n").next().unwrap().replace("\n ", " ");
    let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap_or_else(|| panic!("no {name} in {head}"));
    // White space between two encoded words is none.
    let line = line.replace("?= =?", "?==?");
    let mut rest = line.as_str();
    let mut out = String::new();
    while let Some((before, encoded)) = rest.split_once("=?utf-8?b?") {
        let (word, after) = encoded.split_once("?=").unwrap();
        out.push_str(before);
        out.push_str(&String::from_utf8(STANDARD.decode(word).unwrap()).unwrap());
        rest = after;
    }
    out + rest
}

/// The part of this type, in plain letters.
fn part(mail: &Received, kind: &str) -> String {
    let boundary = head(mail, "Content-Type").split("boundary=").nth(1).unwrap().trim_matches('"').to_owned();
    let found = mail.text.split(&format!("--{boundary}")).find(|part| part.contains(&format!("Content-Type: {kind}; charset=utf-8")));
    let (head, body) = found.unwrap_or_else(|| panic!("no {kind} in {}", mail.text)).split_once("\n\n").unwrap();
    if head.contains("quoted-printable") {
        plain(body)
    } else if head.contains("base64") {
        String::from_utf8(STANDARD.decode(body.replace('\n', "")).unwrap()).unwrap()
    } else {
        assert!(head.contains("7bit"), "{head}");
        body.to_owned()
    }
}

/// Quoted-printable (RFC 2045, section 6.7).
fn plain(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let mut pieces = joined.split('=');
    let mut out = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        out.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        out.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(out).unwrap()
}

fn token(mail: &Received) -> String {
    let text = part(mail, "text/plain");
    let link = text.lines().find(|line| line.starts_with("https://app.example.com/verify#token=")).unwrap_or_else(|| panic!("no link in {text}"));
    let token = link.split('=').nth(1).unwrap().to_owned();
    assert!(part(mail, "text/html").contains(&format!("<a href=\"{link}\">")), "the same link in both");
    token
}

async fn verify(app: &TestApp, token: &str) {
    app.post_as(None, "/api/v1/auth/verify", json!({"token": token})).await.expect(200);
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let sink = Sink::start().await;
    let app = app(sink.url()).await;
    register(&app).await;
    let mail = sink.wait("nora@new.test", 1).await.remove(0);
    assert_eq!((mail.from.as_str(), head(&mail, "From").as_str()), ("no-reply@tenon.example", FROM));
    assert_eq!((head(&mail, "To").as_str(), head(&mail, "Subject").as_str()), ("nora@new.test", "Confirm your mail address"));
    assert!(
        head(&mail, "Content-Type").starts_with("multipart/alternative") && head(&mail, "MIME-Version") == "1.0" && !head(&mail, "Date").is_empty()
    );
    let text = part(&mail, "text/plain");
    assert!(text.starts_with("Somebody, hopefully you, signed up") && !text.contains("Smør"), "what a stranger typed is not repeated: {text}");
    verify(&app, &token(&mail)).await;
    let mail = sink.wait("nora@new.test", 2).await.remove(1);
    assert_eq!(head(&mail, "Subject"), format!("Welcome: {COMPANY} is ready"));
    assert!(mail.text.is_ascii(), "on the wire it is plain ASCII");
    assert!(part(&mail, "text/plain").contains(&format!("{COMPANY} has its own database now.")));
    assert!(part(&mail, "text/html").contains("Smørrebrød &amp; Søn 株式会社 has its own database now."));
    settled(&app).await;
    assert_eq!(sink.mails("nora@new.test").await.len(), 2);
}

#[tokio::test]
async fn a_mail_that_was_turned_away_arrives_later_and_once() {
    let sink = Sink::start().await;
    sink.refuse(1).await;
    let app = app(sink.url()).await;
    register(&app).await;
    let mail = sink.wait("nora@new.test", 1).await.remove(0);
    assert_eq!(sink.refused().await, 1);
    verify(&app, &token(&mail)).await;
    sink.wait("nora@new.test", 2).await;
    settled(&app).await;
    assert_eq!(sink.mails("nora@new.test").await.len(), 2, "one to confirm, one to welcome");
}

#[tokio::test]
async fn signing_up_does_not_wait_for_a_mail_server_that_is_down() {
    let down = Sink::start().await;
    let (address, url) = (down.address(), down.url());
    drop(down);
    let app = app(url).await;
    let begun = std::time::Instant::now();
    register(&app).await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    let failed = || async {
        let find = r#"SELECT COUNT(*) FROM "jobs" WHERE "kind" = 'account.mails.send' AND "status" = 'ready' AND "attempt" > 0"#;
        app.app.hub().scan(move |sql| sql.row(find, &[], |row| row.int(0))).await.unwrap().unwrap()
    };
    for _ in 0..1000 {
        if failed().await == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(failed().await, 1, "it waits for another try");
    let sink = Sink::start_at(address).await;
    let mail = sink.wait("nora@new.test", 1).await.remove(0);
    verify(&app, &token(&mail)).await;
    sink.wait("nora@new.test", 2).await;
}
