use http::{Method, header};
use serde_json::Value;
use testkit::{Answer, TestApp};

pub const PASSWORD: &str = "correct horse battery staple";

/// A browser: it says where it comes from, and keeps the cookie it was given.
pub struct Browser<'a> {
    app: &'a TestApp,
    pub cookie: String,
}

impl<'a> Browser<'a> {
    pub fn new(app: &'a TestApp) -> Browser<'a> {
        Browser { app, cookie: String::new() }
    }
    pub async fn signed_in(app: &'a TestApp, email: &str) -> Browser<'a> {
        let mut browser = Browser::new(app);
        browser.post("/api/v1/auth/sign-in", serde_json::json!({"email": email, "password": PASSWORD})).await.expect(200);
        browser
    }
    /// The same cookie in another window: what one of them is given the other does not see.
    pub fn copy(&self) -> Browser<'a> {
        Browser { app: self.app, cookie: self.cookie.clone() }
    }
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, String::new()).await
    }
    pub async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body.to_string()).await
    }
    pub async fn send(&mut self, method: Method, path: &str, body: String) -> Answer {
        let mut request = self.app.request(method, path, None).header("sec-fetch-site", "same-origin");
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if !self.cookie.is_empty() {
            request = request.header(header::COOKIE, format!("sid={}", self.cookie));
        }
        let answer = self.app.send(request, body).await;
        let given = answer.header("set-cookie").strip_prefix("sid=").and_then(|rest| rest.split(';').next()).map(str::to_owned);
        if let Some(given) = given {
            self.cookie = given;
        }
        answer
    }
}

/// A problem without the one thing that always differs.
pub fn without_request_id(answer: &Answer) -> String {
    let mut json = answer.json.clone();
    if let Some(object) = json.as_object_mut() {
        object.remove("request_id");
    }
    format!("{} {json}", answer.status)
}

/// The types of the events of a silo, oldest first.
pub async fn events(app: &TestApp, token: &str) -> Vec<String> {
    let answer = app.get_as(Some(token), "/api/v1/events?limit=200&after=0").await.expect(200);
    answer["items"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

/// How many mails went to somebody with this subject; waits until no job is left to send one.
pub async fn mails(app: &TestApp, to: &str, subject: &str) -> usize {
    settled(app).await;
    let all = app.app.mailer().list().await.unwrap();
    all.iter().filter(|sent| sent.mail.to == to && sent.mail.subject.contains(subject)).count()
}

/// Waits until the jobs that are due now are done.
pub async fn settled(app: &TestApp) {
    for _ in 0..500 {
        let waiting = app
            .app
            .hub()
            .scan(|sql| {
                let now = base::Time::now();
                sql.row(r#"SELECT COUNT(*) FROM "jobs" WHERE "status" IN ('ready', 'running') AND "run_at" <= ?1"#, &[now.into()], |row| row.int(0))
            })
            .await
            .unwrap();
        if waiting == Some(0) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("jobs are still waiting");
}
