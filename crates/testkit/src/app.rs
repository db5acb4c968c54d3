use crate::{Person, Who};
use base::TenantId;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use kernel::{
    App, Module,
    app::Parts,
    config::{self, Config},
};
use serde_json::Value;
use std::ops::Index;

/// An app in memory, with a company `acme` and another company `other`.
pub struct TestApp {
    pub app: App,
    pub admin: Person,
    pub stranger: Person,
    pub other: Person,
    folder: tempfile::TempDir,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub json: Value,
}

impl TestApp {
    /// An app without any company.
    pub async fn bare(modules: Vec<Module>) -> (App, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let app = TestApp::start_in(modules, folder.path()).await;
        (app, folder)
    }

    /// An app over the data in `folder`; twice in the same folder is a restart.
    pub async fn start_in(modules: Vec<Module>, folder: &std::path::Path) -> App {
        TestApp::start_as(modules, folder, |_| {}).await
    }

    /// The same with another configuration: limits are off and there is no ballast unless `change` says so.
    pub async fn start_as(modules: Vec<Module>, folder: &std::path::Path, change: impl FnOnce(&mut Config)) -> App {
        let mut config = Config::for_tests(folder).unwrap();
        config.limits.enabled = false;
        config.storage.ballast = config::Bytes(0);
        if let Ok(url) = std::env::var("TENON_TEST_POSTGRES") {
            config.storage.silos = url;
            config.storage.shared = true;
        }
        change(&mut config);
        let all = modules.into_iter().chain([account::module().unwrap(), hub::module()]).collect();
        let app = App::start(Parts { config, modules: all, assets: |_| None, demo: None }).await.unwrap();
        app.start_background();
        app
    }

    /// An app with two companies and a member who may do nothing. The modules are installed in both.
    pub async fn with(modules: Vec<Module>) -> TestApp {
        TestApp::configured(modules, |_| {}).await
    }

    /// The same with another configuration.
    pub async fn configured(modules: Vec<Module>, change: impl FnOnce(&mut Config)) -> TestApp {
        let names: Vec<String> = modules.iter().map(|module| module.manifest.name.clone()).collect();
        let folder = tempfile::tempdir().unwrap();
        let app = TestApp::start_as(modules, folder.path(), change).await;
        let mut test = TestApp::around(app, folder);
        test.admin = test.sign_up("Acme", "admin@acme.test").await;
        test.other = test.sign_up("Other", "admin@other.test").await;
        test.stranger = test.invite(&test.admin, "stranger@acme.test", "billing").await;
        for name in names {
            for who in [Who::Admin, Who::OtherTenant] {
                test.post(who, &format!("/api/v1/modules/{name}/install"), serde_json::json!({})).await.expect(200);
            }
        }
        test
    }

    /// A test around an app that has no company yet.
    pub fn around(app: App, folder: tempfile::TempDir) -> TestApp {
        let nobody = Person { email: String::new(), password: String::new(), token: String::new(), refresh_token: String::new(), me: Value::Null };
        TestApp { app, admin: nobody.clone(), stranger: nobody.clone(), other: nobody, folder }
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The company that somebody signed in to.
    pub fn tenant(&self, person: &Person) -> TenantId {
        person.me["tenant"]["id"].as_str().unwrap().parse().unwrap()
    }

    pub fn token(&self, who: Who) -> Option<&str> {
        match who {
            Who::Admin => Some(&self.admin.token),
            Who::Stranger => Some(&self.stranger.token),
            Who::OtherTenant => Some(&self.other.token),
            Who::Nobody => None,
        }
    }

    pub async fn get(&self, who: Who, path: &str) -> Answer {
        self.get_as(self.token(who), path).await
    }
    pub async fn post(&self, who: Who, path: &str, body: Value) -> Answer {
        self.post_as(self.token(who), path, body).await
    }
    pub async fn patch(&self, who: Who, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path, self.token(who)).header(header::CONTENT_TYPE, "application/json"), body.to_string()).await
    }
    pub async fn delete(&self, who: Who, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path, self.token(who)), "").await
    }
    pub async fn get_as(&self, token: Option<&str>, path: &str) -> Answer {
        self.send(self.request(Method::GET, path, token), "").await
    }
    pub async fn post_as(&self, token: Option<&str>, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path, token).header(header::CONTENT_TYPE, "application/json"), body.to_string()).await
    }
    /// Sends a CSV file to an import.
    pub async fn import(&self, who: Who, path: &str, csv: &str) -> Answer {
        self.send(self.request(Method::POST, path, self.token(who)).header(header::CONTENT_TYPE, "text/csv"), csv.to_owned()).await
    }

    /// A request to be finished by the test: `Host` and the token are set.
    pub fn request(&self, method: Method, path: &str, token: Option<&str>) -> http::request::Builder {
        let host = self.app.config().server.public_url.split("://").last().unwrap_or_default().to_owned();
        let builder = http::Request::builder().method(method).uri(path).header(header::HOST, host);
        match token {
            Some(token) => builder.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => builder,
        }
    }

    pub async fn send(&self, builder: http::request::Builder, body: impl Into<Bytes>) -> Answer {
        // On the heap: a test awaits many of these, and its own future would nest deeper than the compiler looks.
        Box::pin(self.open(builder, body)).await.whole().await
    }
}

impl Answer {
    /// The same answer, if it has this status; else the test ends here with all that is known.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        self
    }
    /// The stable code of a problem document.
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
    pub fn id(&self) -> String {
        self.json["id"].as_str().unwrap_or_default().to_owned()
    }
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Index<&str> for Answer {
    type Output = Value;
    fn index(&self, name: &str) -> &Value {
        &self.json[name]
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.app.drain();
    }
}
