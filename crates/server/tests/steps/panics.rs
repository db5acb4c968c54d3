//! A panic ends the request, the try of a job or the round of a loop that it happens in, and nothing else.

use crate::{
    points::Action,
    serving::{Place, this_binary},
    turn,
};
use base::Result;
use kernel::{Call, Ctx, Module, Operation, Reply, Tx, jobs::Job, manifest::Manifest};
use serde_json::{Value, json};
use server::{door::Asked, verify::socket::Connection};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use testkit::{ADMIN, OTHER_TENANT, PASSWORD, TestApp, catch_logs, soak};

/// What a panic says may be what somebody typed.
pub const WORDS: &str = "the secret plans of Firm X";

fn falls_over(_: &mut Tx<'_, '_>, _: &Call) -> Result<Reply> {
    std::panic::panic_any(WORDS)
}

/// A module whose every handler panics, one for each place in which handlers run. Its job does the first time.
fn broken() -> Module {
    let operation = |verb: &str| Operation::post(&format!("broken.{verb}"), &format!("broken/{verb}"), "Panics.");
    static TRIES: AtomicU32 = AtomicU32::new(0);
    Module::new(Manifest::of_platform("broken", "Broken", "Panics.", Vec::new(), &[]))
        .operation(operation("read").read(falls_over))
        .operation(operation("scan").scan(falls_over))
        .operation(operation("write").write(falls_over))
        .operation(operation("async").run(async |_: Ctx, _: Call| std::panic::panic_any(WORDS)))
        .operation(operation("job").run(async |cx: Ctx, call: Call| {
            cx.work_is_coming().await?;
            cx.finish(call, |tx, _| tx.enqueue(Job::new("broken.job", json!({}))).and_then(|id| Reply::json(&json!({ "id": id })))).await
        }))
        .job("broken.job", 3, async |_, _| if TRIES.fetch_add(1, SeqCst).is_multiple_of(2) { std::panic::panic_any(WORDS) } else { Ok(Value::Null) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_25_a_panic_in_any_handler_ends_its_own_request_and_no_other() {
    let _turn = turn().await;
    let logs = catch_logs("debug");
    let app = Arc::new(TestApp::with(vec![testkit::crm(), broken()]).await);
    let over = Arc::new(AtomicBool::new(false));
    let others: Vec<_> = [ADMIN, ADMIN, OTHER_TENANT, OTHER_TENANT]
        .into_iter()
        .map(|who| {
            let (app, over) = (app.clone(), over.clone());
            tokio::spawn(async move {
                let mut done = 0;
                while !over.load(SeqCst) {
                    let made = app.post(who, "/api/v1/crm/companies", json!({ "name": format!("Firm {done}") })).await.expect(201);
                    app.get(who, &format!("/api/v1/crm/companies/{}", made.id())).await.expect(200);
                    app.get(who, "/api/v1/crm/companies?limit=5").await.expect(200);
                    done += 3;
                }
                done
            })
        })
        .collect();
    let rounds = soak(25, 500);
    for _ in 0..rounds {
        for verb in ["read", "scan", "write", "async"] {
            let answer = app.post(ADMIN, &format!("/api/v1/broken/{verb}"), json!({})).await.expect(500);
            assert_eq!((answer.code(), answer.header("content-type")), ("internal", "application/problem+json"));
            assert!(!answer.text().contains("secret plans"), "{}", answer.text());
        }
    }
    let job = app.post(ADMIN, "/api/v1/broken/job", json!({})).await.expect(200).id();
    let begun = Instant::now();
    while app.get(ADMIN, &format!("/api/v1/jobs/{job}")).await.expect(200)["status"] != "done" {
        assert!(begun.elapsed() < Duration::from_secs(20), "the job is tried again and done");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    over.store(true, SeqCst);
    for other in others {
        assert!(other.await.unwrap() > 10, "the others had answers all the time");
    }
    let logs = String::from_utf8_lossy(&logs.lock()).into_owned();
    assert!(logs.contains("status=500") && logs.contains("a panic"), "what happened is in the log");
    assert!(!logs.contains("secret plans"), "the words of a panic are not");
}

/// The real binary: the place of a panic is in the log, and the server goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_25_of_a_panic_the_log_holds_its_place_and_no_word() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder.path().join("data"), &[("FAILPOINTS", &format!("sign-up.announced={}", Action::Panic.text()))]);
    let life = place.serve(this_binary()).await;
    let mut connection = Connection::open(place.at).await.unwrap();
    let form = json!({ "company": "Firm", "name": "Pat", "email": "pat@firm.test", "password": PASSWORD });
    let statuses = [
        connection.send(&Asked::post("/api/v1/auth/register", &form)).await.unwrap().status.as_u16(),
        connection.send(&Asked::post("/api/v1/auth/register", &form)).await.unwrap().status.as_u16(),
    ];
    life.kill();
    assert_eq!(statuses, [500, 202], "the second on the same connection");
    let log = std::fs::read_to_string(place.log()).unwrap();
    assert!(log.contains("a panic was caught") && log.contains("step.rs:"), "{log}");
    assert!(!log.contains("on purpose"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_25_a_loop_in_the_background_that_panics_is_started_again() {
    let _turn = turn().await;
    let (app, _folder) = TestApp::bare(vec![]).await;
    let app = TestApp::around(app, _folder);
    let seen = base::reached("background.jobs");
    base::arm("background.jobs", "3*return(panic)").unwrap();
    let begun = Instant::now();
    // Nobody gets a mail without the loop.
    let form = json!({ "company": "Firm", "name": "Pat", "email": "pat@firm.test", "password": PASSWORD });
    app.post_as(None, "/api/v1/auth/register", form).await.expect(202);
    app.token_from_mail("pat@firm.test").await;
    base::disarm("background.jobs");
    assert_eq!(base::reached("background.jobs") - seen, 3);
    assert!(begun.elapsed() > Duration::from_millis(600), "it rested longer each time: {:?}", begun.elapsed());
}
