//! What a person can do, told over HTTP and at the command line, from the sign-up to the backup.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on ends here")]

#[path = "../binary/cli.rs"]
mod cli;
mod damage;
mod files;
mod full_disk;
mod lists;
mod log;
mod modules;
mod operator;
mod overload;
mod people;
mod records;
mod sign_in;

use serde_json::{Value, json};
use testkit::{ADMIN, Answer, Person, TestApp};

async fn app() -> TestApp {
    TestApp::with(vec![testkit::crm()]).await
}

fn items(answer: &Answer) -> &Vec<Value> {
    answer["items"].as_array().unwrap_or_else(|| panic!("no items in {}", answer.text()))
}

fn items_of(answer: &Answer, name: &str) -> usize {
    answer[name].as_array().map_or(0, Vec::len)
}

/// A text as it stands in a URL.
fn encoded(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

async fn company(app: &TestApp, name: &str) -> String {
    app.post(ADMIN, "/api/v1/crm/companies", json!({ "name": name })).await.expect(201).id()
}

async fn deal(app: &TestApp, body: Value) -> String {
    app.post(ADMIN, "/api/v1/crm/deals", body).await.expect(201).id()
}

fn member_of(person: &Person) -> String {
    person.me["user"]["member"].as_str().unwrap().to_owned()
}

/// Waits for a job to end and returns what `GET /jobs/{id}` shows.
async fn ended(app: &TestApp, id: &str) -> Answer {
    for _ in 0..6000 {
        let job = app.get(ADMIN, &format!("/api/v1/jobs/{id}")).await.expect(200);
        if matches!(job["status"].as_str(), Some("done" | "dead" | "cancelled")) {
            return job;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("job {id} did not end");
}

/// Imports a file, and waits where it takes so long that it became a job.
async fn imported(app: &TestApp, path: &str, csv: &str) -> Value {
    let answer = app.import(ADMIN, path, csv).await;
    if answer.status != 202 {
        return answer.expect(200).json;
    }
    let job = ended(app, answer["job"]["id"].as_str().unwrap()).await;
    assert_eq!(job["status"], "done", "{}", job.text());
    job["result"].clone()
}

async fn wait_for_subject(app: &TestApp, to: &str, subject: &str) {
    for _ in 0..6000 {
        let mails = app.app.mailer().list().await.unwrap();
        if mails.iter().any(|sent| sent.mail.to == to && sent.mail.subject == subject) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{to} got no mail with the subject {subject:?}");
}
