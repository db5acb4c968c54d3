//! How a thing of every kind is made, and how an operation is called: the part that is taught when something new comes.

use ::http::{Method, header};
use kernel::{
    Operation,
    operations::{Input, Output},
};
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, OTHER_TENANT, PASSWORD, Person, TestApp, Who};

/// Whose a thing is, or was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Id {
    Own,
    Foreign,
    Nonexistent,
    Deleted,
}

/// The same for every member of a company, told from one side.
pub struct Side<'a> {
    pub app: &'a TestApp,
    pub who: Who,
    pub person: &'a Person,
    pub other: &'a Person,
}

pub fn sides(app: &TestApp) -> [Side<'_>; 2] {
    [Side { app, who: ADMIN, person: &app.admin, other: &app.other }, Side { app, who: OTHER_TENANT, person: &app.other, other: &app.admin }]
}

/// `crm/deals` of `crm/deals/{id}/win`: where the thing lives that the id names.
pub fn place(operation: &Operation) -> Option<&str> {
    operation.path.split_once("/{id}").map(|(place, _)| place)
}

impl Side<'_> {
    async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.app.post_as(Some(token), path, body).await
    }

    /// Makes a thing of the kind that lives at `place`, as `person`; returns its id. A place that is not known here fails the sweep: teach
    /// it how such a thing is made.
    pub async fn make(&self, person: &Person, place: &str, operation: &Operation) -> String {
        let unique = base::new_id();
        let tail = unique.replace('-', "").chars().skip(16).collect::<String>();
        let token = &person.token;
        if let Some(plan) = &operation.plan {
            let mut body = testkit::full(&plan.create_schema());
            if let Some(states) = &plan.states {
                let step = states.moves.iter().find(|step| operation.path.ends_with(&format!("/{}", step.name)));
                body[plan.name_of(states.slot)] = json!(step.map_or("lead", |step| step.from[0].as_str()));
            }
            return self.post(token, &format!("/api/v1/{place}"), body).await.expect(201).id();
        }
        match place {
            "account/members" => {
                let email = format!("m{tail}@example.com");
                self.app.invite(person, &email, "viewer").await.me["user"]["member"].as_str().unwrap().to_owned()
            }
            "account/invitations" => {
                let body = json!({ "email": format!("i{tail}@example.com"), "role": "viewer" });
                self.post(token, "/api/v1/account/invitations", body).await.expect(201).id()
            }
            "account/roles" => {
                let name = format!("r{tail}");
                self.post(token, "/api/v1/account/roles", json!({ "name": name, "title": "Role", "grants": [] })).await.expect(201);
                name
            }
            "account/keys" => {
                let body = json!({ "name": "Key", "scopes": ["crm.deals:read"], "expires_in_days": 1 });
                self.post(token, "/api/v1/account/keys", body).await.expect(201).id()
            }
            "account/sessions" => {
                let again = self.app.sign_in(&person.email).await;
                let sessions = self.app.get_as(Some(&again.token), "/api/v1/account/sessions").await.expect(200);
                let current = sessions["items"].as_array().unwrap().iter().find(|s| s["current"] == true).unwrap().clone();
                current["id"].as_str().unwrap().to_owned()
            }
            "jobs" => {
                let request = self.app.request(Method::POST, "/api/v1/crm/companies:import?dry_run=true", Some(token));
                let request = request.header(header::CONTENT_TYPE, "text/csv").header("prefer", "respond-async");
                let accepted = self.app.send(request, "name\nx\n").await.expect(202);
                accepted["job"]["id"].as_str().unwrap().to_owned()
            }
            // The same for everybody: whether they are installed is asked of the caller's own silo.
            "modules" => "crm".to_owned(),
            "hub/tenants" => person.me["tenant"]["id"].as_str().unwrap().to_owned(),
            other => panic!("the sweep does not know how to make something at {other}: teach it in sweep.rs"),
        }
    }

    async fn delete(&self, place: &str, id: &str) {
        self.app.send(self.app.request(Method::DELETE, &format!("/api/v1/{place}/{id}"), Some(&self.person.token)), "").await.expect(204);
    }

    /// An id of this kind for this operation. `None`: there is no such thing.
    pub async fn id(&self, operation: &Operation, kind: Id) -> Option<String> {
        let place = place(operation)?;
        match kind {
            Id::Own => Some(self.make(self.person, place, operation).await),
            Id::Foreign if place == "modules" => None,
            Id::Foreign => Some(self.make(self.other, place, operation).await),
            Id::Nonexistent => Some(match place {
                "account/roles" | "modules" => "nowhere".to_owned(),
                "account/keys" => "abcdefghij".to_owned(),
                _ => base::new_id(),
            }),
            Id::Deleted if matches!(place, "modules" | "jobs" | "hub/tenants") => None,
            Id::Deleted => {
                let id = self.make(self.person, place, operation).await;
                self.delete(place, &id).await;
                Some(id)
            }
        }
    }

    /// A body that the operation takes: the smallest one of its schema, or one by hand where the schema cannot say enough.
    pub async fn body(&self, operation: &Operation, id: Option<&str>) -> Value {
        let tail = base::new_id().replace('-', "").chars().skip(16).collect::<String>();
        let verb = operation.name.rsplit('.').next().unwrap_or_default();
        match (operation.name.as_str(), verb) {
            ("account.roles.create", _) => json!({ "name": format!("s{tail}"), "title": "Role", "grants": [] }),
            ("account.keys.create", _) => json!({ "name": "Key", "scopes": ["crm.deals:read"], "expires_in_days": 1 }),
            ("account.invitations.create", _) => json!({ "email": format!("s{tail}@example.com"), "role": "viewer" }),
            ("account.members.update", _) => json!({ "roles": ["member"] }),
            ("account.password.update", _) => json!({ "current": PASSWORD, "password": PASSWORD }),
            ("auth.switch", _) => json!({ "tenant": self.person.me["tenant"]["slug"] }),
            ("modules.purge", _) => json!({ "confirm": "crm" }),
            (_, "bulk") => json!({ "ids": [], "do": "update", "patch": {} }),
            (_, "revert") => {
                // The last entry of its history: for whoever may see it.
                let path = format!("/api/v1/{}/{}/history", place(operation).unwrap_or_default(), id.unwrap_or_default());
                let history = self.app.get_as(Some(&self.person.token), &path).await;
                json!({ "seq": history["items"].as_array().and_then(|all| all.last()).map_or(json!(1), |event| event["seq"].clone()) })
            }
            _ => match &operation.input {
                Input::Json(schema) => testkit::minimal(schema),
                Input::None | Input::File(_) => json!({}),
            },
        }
    }
}

/// Sends one operation over HTTP and returns status, headers and body; of a stream only the head.
pub async fn send(app: &TestApp, operation: &Operation, token: Option<&str>, id: Option<&str>, body: &Value) -> Answer {
    let path = operation.path.replace("{id}", id.unwrap_or("{id}"));
    let query = match operation.name.as_str() {
        "access.explain" => "?permission=crm.deals%3Aread",
        "search.find" => "?q=sample",
        _ => "",
    };
    let mut request = app.request(operation.method.clone(), &format!("/api/v1/{path}{query}"), token);
    let reads = !matches!(operation.method, Method::GET | Method::DELETE);
    let body = match &operation.input {
        Input::File(content_type) => {
            request = request.header(header::CONTENT_TYPE, *content_type);
            "name,subject,resource,query\nsample,sample,crm.deals,x\n".to_owned()
        }
        Input::Json(_) | Input::None if reads => {
            request = request.header(header::CONTENT_TYPE, "application/json");
            body.to_string()
        }
        Input::Json(_) | Input::None => String::new(),
    };
    if matches!(operation.output, Output::Stream("text/event-stream")) {
        let frames = app.open(request, body).await;
        if frames.status != 200 {
            return frames.whole().await;
        }
        return Answer { status: frames.status, headers: frames.headers, body: Default::default(), json: Value::Null };
    }
    app.send(request, body).await
}

/// An answer as somebody who compares answers sees it: all of it but the request's own id and clock.
pub fn told(answer: &Answer) -> String {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "x-request-id" | "ratelimit"))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    let request_id = answer.json["request_id"].as_str().unwrap_or("no request id");
    format!("{}\n{}\n{}", answer.status, headers.join("\n"), answer.text().replace(request_id, "-"))
}
