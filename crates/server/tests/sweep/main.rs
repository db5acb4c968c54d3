//! The authorization sweep: every operation of the registry, through every door, by everybody, with every kind of id. It is written once
//! and grows by itself: a new operation, resource or door is either answered as formats.md section 2 says, or fails here.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on ends here")]

mod bulk;
mod command_line;
mod http;
mod import;
mod jobs;
mod permissions;

use base::TenantId;
use kernel::Door;
use server::{
    people::Person,
    verify::authz::{Actor, Side, Swept, World, open_to_more},
};
use testkit::{Answer, TestApp};

/// The people of a test app, as the proof knows them.
fn world(app: &TestApp) -> World {
    let [admin, stranger, other] = [&app.admin, &app.stranger, &app.other].map(person);
    World { app: app.app.clone(), door: server::door::Door::Inside(app.app.clone()), admin, stranger, other }
}

fn person(of: &testkit::Person) -> Person {
    Person { email: of.email.clone(), password: of.password.clone(), token: of.token.clone(), me: of.me.clone() }
}

fn tenant(person: &Person) -> TenantId {
    person.tenant().unwrap().parse().unwrap()
}

/// Sends one operation over HTTP, with the comforts of a test.
async fn send(world: &World, operation: &kernel::Operation, token: Option<&str>, id: Option<&str>, body: &serde_json::Value) -> Answer {
    let sent = server::verify::authz::send(world, operation, token, id, body).await.unwrap();
    Answer { status: sent.status, headers: sent.headers, body: sent.body, json: sent.json }
}

#[tokio::test]
async fn what_is_open_without_a_permission_is_a_short_list() {
    let app = TestApp::with(vec![testkit::crm()]).await;
    let mut swept = Swept::default();
    open_to_more(&world(&app), &mut swept);
    assert!(swept.operations > 80 && swept.deviations.is_empty(), "{swept:#?}");
}

#[tokio::test]
async fn every_operation_answers_everybody_as_it_must_through_every_door() {
    for door in Door::ALL {
        let app = TestApp::with(vec![testkit::crm()]).await;
        match door {
            Door::Http => http::sweep(&app).await,
            Door::Bulk => bulk::sweep(&app).await,
            Door::Import => import::sweep(&app).await,
            Door::Job => jobs::sweep(&app).await,
            Door::CommandLine => command_line::sweep(&app).await,
        }
    }
}
