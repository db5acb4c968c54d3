//! More than one company may ask for, more than all together may, and work that is due.

use super::company;
use base::{TenantId, Time};
use kernel::{Ctx, config::Rate, jobs::Job};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use testkit::{ADMIN, Answer, TestApp, Who};

const LIST: &str = "/api/v1/crm/companies?limit=1";

async fn limited(per_company: &str, at_once: u32) -> TestApp {
    let rate: Rate = per_company.parse().unwrap();
    TestApp::configured(vec![testkit::crm()], move |config| {
        config.limits.enabled = true;
        config.limits.per_company = rate;
        config.limits.at_once_per_company = at_once;
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_asks_too_often_is_told_when_to_come_back_and_no_other_is() {
    let app = limited("40/5s", 128).await;
    // The window of the sign-up must be over, so that this one is whole.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let ours = futures_util::future::join_all((0..64).map(|_| app.get(ADMIN, LIST)));
    let theirs = futures_util::future::join_all((0..20).map(|_| app.get(Who::OtherTenant, LIST)));
    let (ours, theirs) = tokio::join!(ours, theirs);
    let (good, refused): (Vec<&Answer>, Vec<&Answer>) = ours.iter().partition(|answer| answer.status == 200);
    assert_eq!((good.len(), refused.len()), (40, 24));
    assert!(refused.iter().all(|answer| answer.status == 429 && answer.code() == "limited" && matches!(answer.header("retry-after"), "4" | "5")));
    assert!(theirs.iter().all(|answer| answer.status == 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_one_company_only_so_many_requests_are_under_way_at_once() {
    let app = limited("100000/1s", 4).await;
    let create = |who: Who, n: usize| {
        let app = &app;
        async move { app.post(who, "/api/v1/crm/companies", json!({ "name": format!("Company {n}") })).await }
    };
    let ours = futures_util::future::join_all((0..64).map(|n| create(ADMIN, n)));
    let theirs = futures_util::future::join_all((0..4).map(|n| create(Who::OtherTenant, n)));
    let (ours, theirs) = tokio::join!(ours, theirs);
    assert_eq!(ours.iter().filter(|answer| answer.status == 201).count(), 4, "all 64 are begun before the first is on the disk");
    assert!(ours.iter().filter(|answer| answer.status != 201).all(|answer| answer.status == 429 && answer.header("retry-after") == "1"));
    assert!(theirs.iter().all(|answer| answer.status == 201));
    create(ADMIN, 64).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_too_much_to_do_refuses_part_of_it_early_and_recovers() {
    let app = limited("100000/1s", 128).await;
    let busy = Arc::new(AtomicBool::new(true));
    for _ in 0..4 {
        let busy = busy.clone();
        tokio::spawn(async move {
            while busy.load(SeqCst) {
                std::thread::sleep(Duration::from_millis(40));
                tokio::task::yield_now().await;
            }
        });
    }
    let (mut answered, mut refused) = (0, 0_u64);
    let end = Instant::now() + Duration::from_secs(20);
    while refused < 10 {
        assert!(Instant::now() < end, "nothing was refused of {answered}");
        let answer = app.get(ADMIN, LIST).await;
        if answer.status == 503 {
            assert_eq!((answer.code(), answer.header("retry-after")), ("overloaded", "1"));
            refused += 1;
        } else {
            answer.expect(200);
            answered += 1;
        }
        app.get_as(None, "/health").await.expect(200);
    }
    // Who cannot sign in cannot do anything about it.
    let proof = json!({ "email": app.admin.email, "password": app.admin.password });
    app.post_as(None, "/api/v1/auth/token", proof).await.expect(200);
    busy.store(false, SeqCst);
    tokio::time::sleep(Duration::from_secs(4)).await;
    for _ in 0..20 {
        app.get(ADMIN, LIST).await.expect(200);
    }
    account::operators::create(&app.app, "op@tenon.test", "Olga", "a long sentence for operators").await.unwrap();
    let proof = json!({ "email": "op@tenon.test", "password": "a long sentence for operators", "tenant": "hub" });
    let token = app.post_as(None, "/api/v1/auth/token", proof).await.expect(200)["access_token"].as_str().unwrap().to_owned();
    let figures = app.get_as(Some(&token), "/api/v1/hub/figures").await.expect(200);
    assert!(figures["shed"].as_u64().unwrap() >= refused, "{}", figures.text());
    assert!(figures["longest_stall_ms"].as_u64().unwrap() >= 20, "{}", figures.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_starts_when_it_is_due_and_not_when_somebody_happens_to_look() {
    let app = super::app().await;
    let id = company(&app, "3M").await;
    let tenant = app.tenant(&app.admin);
    let mut late = Vec::new();
    for round in 0..5_i64 {
        let due = Time(Time::now().0 + 300_000 + round * 17_000);
        later(&app, tenant, &id, due).await;
        late.push(ended(&app, tenant).await.0 - due.0);
    }
    late.sort_unstable();
    assert!(late.iter().all(|late| *late >= 0), "never early: {late:?}");
    // The median: a machine may have something else to do for a moment.
    assert!(late[2] < 200_000, "{late:?} microseconds late");
}

/// A job of the CRM that is to begin at `due`.
async fn later(app: &TestApp, tenant: TenantId, record: &str, due: Time) {
    let cx = Ctx::of_command_line(&app.app, tenant, app.app.tenant_names(tenant).await.unwrap()).await.unwrap();
    cx.work_is_coming().await.unwrap();
    let args = json!({ "ids": [record], "do": "update", "dry_run": false, "filter": null, "patch": { "country": "Sweden" } });
    let job = Job { run_at: due, ..Job::new("crm.companies.bulk", args) };
    cx.write(|tx| tx.enqueue(job)).await.unwrap();
}

/// When the last job ended.
async fn ended(app: &TestApp, tenant: TenantId) -> Time {
    let silo = app.app.silos().open(tenant).await.unwrap();
    for _ in 0..1000 {
        let last = r#"SELECT "status", "finished_at" FROM "jobs" ORDER BY "id" DESC LIMIT 1"#;
        let found = silo.read(move |sql| sql.row(last, &[], |row| Ok((row.text(0)?.to_owned(), row.opt_int(1)?)))).await.unwrap().unwrap();
        if let ("done" | "dead", Some(at)) = (found.0.as_str(), found.1) {
            return Time(at);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the job did not end");
}
