//! The mail server is gone for a day, in every way there is, and the server that has mails for it is killed.

use crate::serving::{Place, this_binary};
use serde_json::json;
use server::door::Asked;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use testkit::{Mood, PASSWORD, Proxy, Received, Sink, TestApp, Wire, silo_file, soak, within};

const HOUR: i64 = 3_600_000_000;

fn head(mail: &Received, name: &str) -> String {
    let found = mail.text.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    found.unwrap_or_else(|| panic!("no {name} in {}", mail.text)).to_owned()
}

/// Whoever gets a mail twice can tell: of each address all mails have one Message-ID, and no other address has it.
fn each_is_one_mail(mails: &[Received]) -> BTreeMap<String, usize> {
    let (mut ids, mut count) = (BTreeMap::<String, BTreeSet<String>>::new(), BTreeMap::new());
    for mail in mails {
        ids.entry(mail.to.clone()).or_default().insert(head(mail, "Message-ID"));
        *count.entry(mail.to.clone()).or_default() += 1;
    }
    assert!(ids.values().all(|ids| ids.len() == 1), "{ids:#?}");
    let all: BTreeSet<&String> = ids.values().flatten().collect();
    assert_eq!(all.len(), ids.len(), "two mails have one Message-ID");
    count
}

fn token(mail: &Received) -> String {
    let text = mail.text.replace("=\n", "").replace("=3D", "=");
    text.split("#token=").nth(1).unwrap().chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
}

async fn sql(app: &TestApp, statement: &'static str, value: i64) {
    app.app.hub().write(move |tx| tx.run(statement, &[value.into()])).await.unwrap();
}

/// What the jobs with mails are at, as `status attempt`.
async fn jobs(app: &TestApp) -> Vec<(String, i64)> {
    let find = r#"SELECT "status", "attempt" FROM "jobs" WHERE "kind" = 'account.mails.send' ORDER BY "id""#;
    app.app.hub().scan(move |tx| tx.rows(find, &[], |row| Ok((row.text(0)?.to_owned(), row.int(1)?)))).await.unwrap()
}

async fn register(app: &TestApp, email: &str) {
    let body = json!({ "company": "New", "name": "Nora", "email": email, "password": PASSWORD });
    app.post_as(None, "/api/v1/auth/register", body).await.expect(202);
}

/// Lets the pause before the next try pass at once, and waits until all of them were tried.
async fn next_try(app: &TestApp, story: &str) {
    let before = jobs(app).await;
    sql(app, r#"UPDATE "jobs" SET "run_at" = ?1 WHERE "kind" = 'account.mails.send' AND "status" = 'ready'"#, 0).await;
    sql(app, r#"UPDATE "due" SET "at" = ?1"#, 0).await;
    let tried = |now: &[(String, i64)]| now.iter().zip(&before).all(|(now, old)| now.0 != "running" && (now.1 > old.1 || old.0 != "ready"));
    within(Duration::from_secs(30), story, async || tried(&jobs(app).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_10_a_mail_server_that_was_gone_for_a_day_gets_every_mail_and_nobody_waited() {
    let sink = Sink::start().await;
    let proxy = Proxy::before(sink.address()).await;
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::start_as(vec![], folder.path(), |config| {
        config.mail.smtp_url = format!("smtp://{}", proxy.address());
        config.mail.timeout = "1s".parse().unwrap();
    });
    let app = TestApp::around(app.await, folder);
    register(&app, "first@new.test").await;
    let first = sink.wait("first@new.test", 1).await.remove(0);
    app.post_as(None, "/api/v1/auth/verify", json!({ "token": token(&first) })).await.expect(200);
    sink.wait("first@new.test", 2).await;
    within(Duration::from_secs(5), "nothing waits", async || jobs(&app).await.iter().all(|job| job.0 == "done")).await;

    sink.set(Mood::Later).await;
    for n in 0..3 {
        register(&app, &format!("{n}@new.test")).await;
    }
    within(Duration::from_secs(10), "the first try", async || jobs(&app).await.iter().filter(|job| job.0 == "ready" && job.1 > 0).count() == 3).await;
    let troubles = [
        (Mood::Silent, Wire::Good),
        (Mood::Gone, Wire::Good),
        (Mood::Well, Wire::Refused),
        (Mood::Well, Wire::HalfOpen),
        (Mood::Failed, Wire::Good),
        (Mood::Well, Wire::Reset),
        (Mood::Well, Wire::Stalled),
        (Mood::Well, Wire::Trickle),
        (Mood::Later, Wire::Good),
    ];
    for (mood, wire) in troubles.into_iter().take(soak(4, 9)) {
        // The wire first when it breaks, and last when it is mended: nothing gets through in between.
        if wire != Wire::Good {
            proxy.set(wire);
        }
        sink.set(mood).await;
        let begun = Instant::now();
        next_try(&app, &format!("{mood:?} {wire:?}")).await;
        println!("evidence: {mood:?}, {wire:?}: three mails were tried in vain within {:?}", begun.elapsed());
        // Who has an account signs in as ever.
        let begun = Instant::now();
        app.sign_in("first@new.test").await;
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        sink.set(Mood::Later).await;
        proxy.set(Wire::Good);
    }
    assert!(jobs(&app).await.iter().all(|job| job.0 != "dead"), "so many tries are no reason to give up");
    // 23 hours later, when what was mailed at first would long be good for nothing.
    sql(&app, r#"UPDATE "jobs" SET "created_at" = "created_at" - ?1"#, 23 * HOUR).await;
    sql(&app, r#"UPDATE "links" SET "expires_at" = ?1 WHERE "status" = 'pending'"#, 1).await;
    next_try(&app, "still tried").await;
    sink.set(Mood::Well).await;
    next_try(&app, "the mail server is back").await;
    let came: Vec<Received> = sink.all().await.into_iter().filter(|mail| mail.to != "first@new.test").collect();
    let count = each_is_one_mail(&came);
    println!("evidence: mails by address: {count:?}");
    assert_eq!(count.len(), 3, "none is lost");
    for n in 0..3 {
        let mails = sink.mails(&format!("{n}@new.test")).await;
        let tokens: BTreeSet<String> = mails.iter().map(token).collect();
        assert_eq!(tokens.len(), 1, "whichever of them somebody opens");
        let token = tokens.first().unwrap();
        app.post_as(None, "/api/v1/auth/verify", json!({ "token": token })).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_10_a_mail_that_nobody_takes_is_put_aside_after_a_day_and_one_without_a_mailbox_at_once() {
    let sink = Sink::start().await;
    sink.set(Mood::Later).await;
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::start_as(vec![], folder.path(), |config| config.mail.smtp_url = sink.url());
    let app = TestApp::around(app.await, folder);
    register(&app, "a@new.test").await;
    within(Duration::from_secs(10), "the first try", async || jobs(&app).await.iter().any(|job| job.1 > 0 && job.0 == "ready")).await;
    sql(&app, r#"UPDATE "jobs" SET "created_at" = "created_at" - ?1"#, 25 * HOUR).await;
    next_try(&app, "the last").await;
    assert_eq!(jobs(&app).await[0].0, "dead");
    sink.set(Mood::Never).await;
    register(&app, "b@new.test").await;
    within(Duration::from_secs(10), "put aside", async || jobs(&app).await.get(1).is_some_and(|job| job.0 != "ready" && job.0 != "running")).await;
    assert_eq!(jobs(&app).await[1], ("dead".to_owned(), 1));
}

/// On files only: the leases that end after half a minute are ended in the file. What is proved does not know the engine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_10_a_server_that_is_killed_while_a_mail_leaves_sends_it_again_as_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let sink = Sink::start().await;
    let place = Place::new(&data, &[("TENON_SMTP_URL", &sink.url()), ("TENON_LIMITS__ENABLED", "false"), ("TENON_SILOS", "")]);
    let half_a_minute_passes = || {
        let hub = rusqlite::Connection::open(silo_file(&data, base::TenantId::HUB)).unwrap();
        hub.execute_batch(r#"UPDATE "jobs" SET "lease_until" = 1, "run_at" = 1; UPDATE "due" SET "lease_until" = NULL, "at" = 1"#).unwrap();
    };
    sink.set(Mood::Silent).await;
    let life = place.serve(this_binary()).await;
    for n in 0..4 {
        let body = json!({ "company": "New", "name": "Nora", "email": format!("{n}@new.test"), "password": PASSWORD });
        place.door().done(&Asked::post("/api/v1/auth/register", &body)).await.unwrap();
    }
    within(Duration::from_secs(20), "a mail was handed over", async || sink.refused().await > 0).await;
    life.kill();

    // It is kept, and the server dies before it is told.
    sink.set(Mood::Gone).await;
    half_a_minute_passes();
    let life = place.serve(this_binary()).await;
    within(Duration::from_secs(20), "a mail was kept", async || !sink.all().await.is_empty()).await;
    life.kill();

    sink.set(Mood::Well).await;
    half_a_minute_passes();
    let life = place.serve(this_binary()).await;
    for n in 0..4 {
        sink.wait(&format!("{n}@new.test"), 1).await;
    }
    life.kill();
    let count = each_is_one_mail(&sink.all().await);
    println!("evidence: mails by address: {count:?}");
    assert!(count.values().any(|times| *times > 1), "one came twice, and says so");
}
