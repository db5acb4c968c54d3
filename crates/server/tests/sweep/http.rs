//! Over HTTP: every operation, by everybody, with every kind of id, as `tenon verify authz` does it; and beside it what only a test can
//! see, that nothing at all changed in the other company.

use super::{Swept, send, tenant, world};
use kernel::operations::Input;
use serde_json::json;
use server::verify::{
    Progress,
    authz::{call, prepare, sample, told},
};
use testkit::{Answer, TestApp};

pub async fn sweep(app: &TestApp) {
    let (world, quiet) = (world(app), Progress::silent());
    let mut swept = Swept::default();
    for side in world.sides() {
        let (ours, theirs) = (tenant(side.person), tenant(side.other));
        // Everything of the other company is made before its contents are looked at.
        let prepared = prepare(&side, &quiet).await.unwrap();
        settled(app).await;
        let (before, hub_before) = (app.contents(theirs).await, app.hub_rows(theirs).await);
        let own_before = app.contents(ours).await;
        call(&side, &prepared, &mut swept, &quiet).await.unwrap();
        before.expect_unchanged(&app.contents(theirs).await, &format!("{:?} calling everything", side.who));
        hub_before.expect_unchanged(&app.hub_rows(theirs).await, &format!("{:?} calling everything", side.who));
        assert!(app.contents(ours).await != own_before, "the caller's own company did change");
    }
    assert!(swept.deviations.is_empty(), "{:#?}", swept.deviations);
    assert!(swept.requests > 700, "{}", swept.requests);
}

/// Jobs that were enqueued on the way have ended, so that they change nothing later.
pub async fn settled(app: &TestApp) {
    for _ in 0..6000 {
        let due = app
            .app
            .hub()
            .scan(|sql| sql.row(r#"SELECT COUNT(*) FROM "due" WHERE "at" <= ?1"#, &[base::Time::now().into()], |row| row.int(0)))
            .await
            .unwrap();
        if due == Some(0) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the jobs did not end");
}

/// A module that is not installed is not there, whatever somebody may do.
#[tokio::test]
async fn a_module_that_is_not_installed_is_not_there_for_anybody() {
    let app = TestApp::with(vec![testkit::crm()]).await;
    let owner = app.sign_up("Bare", "admin@bare.test").await;
    let billing = app.invite(&owner, "billing@bare.test", "billing").await;
    let world = world(&app);
    let mut seen = Vec::new();
    for operation in world.operations().iter().filter(|op| op.module == "crm") {
        for person in [&owner, &billing] {
            let body = match &operation.input {
                Input::Json(schema) => sample::minimal(schema),
                Input::None | Input::File(_) => json!({}),
            };
            let answer = send(&world, operation, Some(&person.token), Some(&base::new_id()), &body).await;
            assert_eq!(answer.status, 404, "{}: {}", operation.name, answer.text());
            seen.push(told(&plain(answer)));
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

fn plain(answer: Answer) -> server::door::Answer {
    server::door::Answer { status: answer.status, headers: answer.headers, body: answer.body, json: answer.json }
}
