//! How a thing of every kind is made, and how an operation is called: the part that is taught when something new comes.

use super::{Actor, World, sample};
use crate::{
    door::{Answer, Asked, text_at},
    people::{self, Person},
};
use base::{Error, Result};
use futures_util::future::BoxFuture;
use http::Method;
use kernel::{
    Operation,
    operations::Input,
    records::{Kind, Plan},
};
use serde_json::{Value, json};

/// Whose a thing is, or was.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Id {
    Own,
    Foreign,
    Nonexistent,
    Deleted,
}

/// One company and its owner, seen beside the other.
pub struct Side<'a> {
    pub world: &'a World,
    pub who: Actor,
    pub person: &'a Person,
    pub other: &'a Person,
}

/// `crm/deals` of `crm/deals/{id}/win`: where the thing lives that the id names.
pub fn place(operation: &Operation) -> Option<&str> {
    operation.path.split_once("/{id}").map(|(place, _)| place)
}

impl Side<'_> {
    async fn post(&self, person: &Person, place: &str, body: &Value) -> Result<Answer> {
        self.world.door.done(&Asked::post(format!("/api/v1/{place}"), body).by(Some(&person.token))).await
    }

    /// Makes a thing of the kind that lives at `place`, as `person`; returns its id. A place that is not known here fails the sweep: teach
    /// it how such a thing is made.
    pub async fn make(&self, person: &Person, place: &str, operation: &Operation) -> Result<String> {
        if let Some(plan) = &operation.plan {
            return self.record(person, plan, operation.path.rsplit('/').next()).await;
        }
        let tail = tail();
        match place {
            "account/members" => {
                let invited = people::invite(&self.world.door, person, &format!("m{tail}@example.com"), "viewer", &person.password).await?;
                invited.member().map(str::to_owned).ok_or_else(|| Error::internal("whoever was invited is no member"))
            }
            "account/invitations" => self.post(person, place, &json!({ "email": format!("i{tail}@example.com"), "role": "viewer" })).await?.id(),
            "account/roles" => {
                let name = format!("r{tail}");
                self.post(person, place, &json!({ "name": name, "title": "Role", "grants": [] })).await?;
                Ok(name)
            }
            "account/keys" => self.post(person, place, &json!({ "name": "Key", "scopes": ["crm.deals:read"], "expires_in_days": 1 })).await?.id(),
            "account/sessions" => {
                let again = people::sign_in(&self.world.door, &person.email, &person.password).await?;
                let sessions = self.world.door.done(&Asked::get("/api/v1/account/sessions").by(Some(&again.token))).await?;
                let current = sessions.items().iter().find(|session| session["current"] == true).and_then(|session| session["id"].as_str());
                current.map(str::to_owned).ok_or_else(|| Error::internal("a session is not in its own list"))
            }
            "jobs" => {
                let import = Asked::new(Method::POST, "/api/v1/crm/companies:import?dry_run=true").content("text/csv", "name\nx\n".into());
                let accepted = self.world.door.done(&import.header("prefer", "respond-async").by(Some(&person.token))).await?;
                text_at(&accepted.json, "/job/id").map(str::to_owned).ok_or_else(|| Error::internal("a job was accepted without an id"))
            }
            // The same for everybody: whether they are installed is asked of the caller's own silo.
            "modules" => Ok("crm".to_owned()),
            "hub/tenants" => Ok(person.tenant().unwrap_or_default().to_owned()),
            other => Err(Error::internal(format!("the sweep does not know how to make something at {other}: teach it in authz/things.rs"))),
        }
    }

    /// Makes a record with everything in it, in the state from which `step` leads on.
    fn record<'f>(&'f self, person: &'f Person, plan: &'f Plan, step: Option<&'f str>) -> BoxFuture<'f, Result<String>> {
        Box::pin(async move {
            let mut body = self.fitted(person, plan, sample::full(&plan.create_schema())).await?;
            if let Some(states) = &plan.states
                && let Some(from) = states.moves.iter().find(|one| step == Some(&one.name)).and_then(|one| one.from.first())
            {
                put(&mut body, plan.name_of(states.slot), json!(from));
            }
            self.post(person, &format!("{}/{}", plan.module, plan.plural), &body).await?.id()
        })
    }

    /// A body with what no schema can say: references that lead somewhere, and texts that nobody else has.
    async fn fitted(&self, person: &Person, plan: &Plan, mut body: Value) -> Result<Value> {
        for field in plan.fields() {
            let needed = field.required && field.default.is_none();
            match &field.kind {
                Kind::Ref { to, .. } if needed => {
                    let target = self.world.app.catalogue().plan(to).cloned();
                    let target =
                        target.ok_or_else(|| Error::internal(format!("{}.{} refers to {to}, which is not there", plan.resource, field.name)))?;
                    put(&mut body, &field.name, json!(self.record(person, &target, None).await?));
                }
                Kind::User if needed => put(&mut body, &field.name, json!(person.member())),
                Kind::Email if field.unique => put(&mut body, &field.name, json!(format!("u{}@example.com", tail()))),
                Kind::Url if field.unique => put(&mut body, &field.name, json!(format!("https://u{}.example.com", tail()))),
                Kind::Text { max, .. } if field.unique => put(&mut body, &field.name, json!(tail().chars().rev().take(*max).collect::<String>())),
                Kind::Url if body.get(&field.name).is_some() => put(&mut body, &field.name, json!("https://example.com")),
                Kind::Phone if body.get(&field.name).is_some() => put(&mut body, &field.name, json!("+49 30 123456")),
                Kind::Text { min, max } if body.get(&field.name).is_some_and(Value::is_string) => {
                    let text: String = "sample".chars().cycle().take((*min).max(6).min(*max)).collect();
                    put(&mut body, &field.name, json!(text));
                }
                Kind::Text { .. }
                | Kind::Email
                | Kind::Url
                | Kind::Phone
                | Kind::Integer { .. }
                | Kind::Boolean
                | Kind::Date
                | Kind::Datetime
                | Kind::Choice { .. }
                | Kind::Tags { .. }
                | Kind::Ref { .. }
                | Kind::User
                | Kind::Money => {}
            }
        }
        Ok(body)
    }

    async fn delete(&self, place: &str, id: &str) -> Result<()> {
        let gone = Asked::new(Method::DELETE, format!("/api/v1/{place}/{id}")).by(Some(&self.person.token));
        self.world.door.done(&gone).await.map(|_| ())
    }

    /// An id of this kind for this operation. `None`: there is no such thing.
    pub async fn id(&self, operation: &Operation, kind: Id) -> Result<Option<String>> {
        let Some(place) = place(operation) else { return Ok(None) };
        match kind {
            Id::Own => self.make(self.person, place, operation).await.map(Some),
            Id::Foreign if place == "modules" => Ok(None),
            Id::Foreign => self.make(self.other, place, operation).await.map(Some),
            Id::Nonexistent => Ok(Some(match place {
                "account/roles" | "modules" => "nowhere".to_owned(),
                "account/keys" => "abcdefghij".to_owned(),
                _ => base::new_id(),
            })),
            Id::Deleted if matches!(place, "modules" | "jobs" | "hub/tenants") => Ok(None),
            Id::Deleted => {
                let id = self.make(self.person, place, operation).await?;
                self.delete(place, &id).await?;
                Ok(Some(id))
            }
        }
    }

    /// A body that the operation takes: the smallest one of its schema, or one by hand where the schema cannot say enough.
    pub async fn body(&self, operation: &Operation, id: Option<&str>) -> Result<Value> {
        let tail = tail();
        let verb = operation.name.rsplit('.').next().unwrap_or_default();
        Ok(match (operation.name.as_str(), verb) {
            ("account.roles.create", _) => json!({ "name": format!("s{tail}"), "title": "Role", "grants": [] }),
            ("account.keys.create", _) => json!({ "name": "Key", "scopes": ["crm.deals:read"], "expires_in_days": 1 }),
            ("account.invitations.create", _) => json!({ "email": format!("s{tail}@example.com"), "role": "viewer" }),
            ("account.members.update", _) => json!({ "roles": ["member"] }),
            ("account.password.update", _) => json!({ "current": self.person.password, "password": self.person.password }),
            ("auth.switch", _) => json!({ "tenant": self.person.slug() }),
            ("hub.tenants.delete", _) => json!({ "confirm": self.person.slug(), "current": self.person.password }),
            ("modules.purge", _) => json!({ "confirm": "crm" }),
            (_, "bulk") => json!({ "ids": [], "do": "update", "patch": {} }),
            (_, "revert") => {
                // The last entry of its history: for whoever may see it.
                let path = format!("/api/v1/{}/{}/history", place(operation).unwrap_or_default(), id.unwrap_or_default());
                let history = self.world.door.send(&Asked::get(path).by(Some(&self.person.token))).await?;
                json!({ "seq": history.items().last().map_or(json!(1), |event| event["seq"].clone()) })
            }
            _ => match (&operation.input, &operation.plan) {
                (Input::Json(schema), Some(plan)) if verb == "create" => self.fitted(self.person, plan, sample::minimal(schema)).await?,
                (Input::Json(schema), _) => sample::minimal(schema),
                (Input::None | Input::File(_), _) => json!({}),
            },
        })
    }
}

fn put(body: &mut Value, name: &str, value: Value) {
    if let Some(members) = body.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// Letters and digits that nobody has used before.
fn tail() -> String {
    base::new_id().replace('-', "").chars().skip(16).collect()
}

/// Sends one operation over HTTP and returns status, headers and body; of a stream only the head.
pub async fn send(world: &World, operation: &Operation, token: Option<&str>, id: Option<&str>, body: &Value) -> Result<Answer> {
    let path = operation.path.replace("{id}", id.unwrap_or("{id}"));
    let query = match operation.name.as_str() {
        "access.explain" => "?permission=crm.deals%3Aread",
        "search.find" => "?q=sample",
        _ => "",
    };
    let asked = Asked::new(operation.method.clone(), format!("/api/v1/{path}{query}")).by(token);
    let reads = operation.method != Method::GET && (operation.method != Method::DELETE || matches!(operation.input, Input::Json(_)));
    let asked = match &operation.input {
        Input::File(content_type) => {
            // Columns of ours, and one that the resource has for sure.
            let field = operation.plan.as_ref().and_then(|plan| plan.fields().first()).map_or("title", |field| field.name.as_str());
            let file = match field {
                "name" | "subject" | "resource" | "query" => "name,subject,resource,query\nsample,sample,crm.deals,x\n".to_owned(),
                other => format!("name,subject,resource,query,{other}\nsample,sample,crm.deals,x,sample\n"),
            };
            asked.content(content_type, file)
        }
        Input::Json(_) | Input::None if reads => asked.json(body),
        Input::Json(_) | Input::None => asked,
    };
    world.door.send(&asked).await
}

/// An answer as somebody who compares answers sees it: all of it but the request's own id and clock.
pub fn told(answer: &Answer) -> String {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "x-request-id" | "ratelimit"))
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    headers.sort();
    let request_id = text_at(&answer.json, "/request_id").unwrap_or("no request id");
    format!("{}\n{}\n{}", answer.status, headers.join("\n"), answer.text().replace(request_id, "-"))
}
