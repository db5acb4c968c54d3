//! The authorization sweep: every operation of the registry, through every door, by everybody, with every kind of id. It is written once
//! and grows by itself: a new operation, resource or door is either answered as formats.md section 2 says, or fails here.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on ends here")]

use base::{Code, TenantId};
use http::{Method, header};
use kernel::{
    Call, Ctx, Door, Operation,
    access::Access,
    operations::{Input, Output},
};
use serde_json::{Value, json};
use std::sync::Arc;
use testkit::{ADMIN, Answer, NOBODY, OTHER_TENANT, PASSWORD, Person, STRANGER, TestApp, Who};

/// Open to everybody, signed in or not. The list only shrinks.
const PUBLIC: [&str; 11] = [
    "auth.register",
    "auth.resend",
    "auth.verify",
    "auth.sign_in",
    "auth.sign_out",
    "auth.token",
    "auth.forgot",
    "auth.reset",
    "auth.accept_invitation",
    "setup.get",
    "openapi.get",
];

/// About oneself: whoever is signed in may call it, and reaches with it nothing but what is theirs. The list only shrinks.
const ONES_OWN: [&str; 15] = [
    "account.me.get",
    "account.profile.update",
    "account.password.update",
    "account.sessions.list",
    "account.sessions.delete",
    "account.companies.create",
    "account.leave",
    "auth.switch",
    "modules.list",
    "jobs.list",
    "jobs.get",
    "jobs.cancel",
    "search.find",
    "meta.get",
    "access.explain",
];

/// What somebody with every right is refused for another reason than a right: (operation, status).
const REFUSED: [(&str, u16); 6] = [
    ("account.leave", 409),    // the last owner stays
    ("auth.switch", 403),      // an app takes a token for the other company instead
    ("hub.tenants.list", 403), // the operator's, and nobody's in a company
    ("hub.tenants.get", 403),
    ("hub.tenants.suspend", 403),
    ("hub.tenants.activate", 403),
];

/// What a deleted thing still answers to: its history and the way back; what was revoked or cancelled stays in its list.
const DELETED: [(&str, u16); 4] = [("history", 200), ("revert", 200), ("account.keys.delete", 204), ("account.invitations.delete", 204)];

/// Whose a thing is, or was.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Id {
    Own,
    Foreign,
    Nonexistent,
    Deleted,
}

/// The same for every member of a company, told from one side.
struct Side<'a> {
    app: &'a TestApp,
    who: Who,
    person: &'a Person,
    other: &'a Person,
}

fn sides(app: &TestApp) -> [Side<'_>; 2] {
    [Side { app, who: ADMIN, person: &app.admin, other: &app.other }, Side { app, who: OTHER_TENANT, person: &app.other, other: &app.admin }]
}

/// `crm/deals` of `crm/deals/{id}/win`: where the thing lives that the id names.
fn place(operation: &Operation) -> Option<&str> {
    operation.path.split_once("/{id}").map(|(place, _)| place)
}

impl Side<'_> {
    async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.app.post_as(Some(token), path, body).await
    }

    /// Makes a thing of the kind that lives at `place`, as `person`; returns its id. A place that is not known here fails the sweep: teach
    /// it how such a thing is made.
    async fn make(&self, person: &Person, place: &str, operation: &Operation) -> String {
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
    async fn id(&self, operation: &Operation, kind: Id) -> Option<String> {
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
    async fn body(&self, operation: &Operation, id: Option<&str>) -> Value {
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
async fn send(app: &TestApp, operation: &Operation, token: Option<&str>, id: Option<&str>, body: &Value) -> Answer {
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
fn told(answer: &Answer) -> String {
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

/// What ends the caller's own credential, or takes the module away from under the rest, comes last.
fn order(operation: &Operation) -> u8 {
    match operation.name.as_str() {
        "modules.uninstall" => 1,
        "modules.purge" => 2,
        "modules.install" => 3,
        "account.password.update" => 4,
        _ => 0,
    }
}

fn operations(app: &TestApp) -> Vec<Arc<Operation>> {
    let mut all: Vec<Arc<Operation>> = app.app.registry().operations().to_vec();
    all.sort_by_key(|operation| order(operation));
    all
}

#[tokio::test]
async fn what_is_open_without_a_permission_is_a_short_list() {
    let app = TestApp::with(vec![testkit::crm()]).await;
    let named = |access: Access| operations(&app).into_iter().filter(|op| op.access == access).map(|op| op.name.clone()).collect::<Vec<_>>();
    for name in named(Access::Public) {
        assert!(PUBLIC.contains(&name.as_str()), "{name} is open to everybody: if that is meant, say so in sweep.rs");
    }
    for name in named(Access::SignedIn) {
        assert!(ONES_OWN.contains(&name.as_str()), "{name} needs no permission: if that is meant, say so in sweep.rs");
    }
    // Every permission that an operation needs is one that the roles page shows.
    for operation in operations(&app) {
        if let Access::Needs(permission) = &operation.access {
            assert!(app.app.catalogue().permission(permission.as_str()).is_some(), "{} needs {permission:?}, which nobody declares", operation.name);
        }
    }
}

#[tokio::test]
async fn every_operation_answers_everybody_as_it_must_through_every_door() {
    for door in Door::ALL {
        let app = TestApp::with(vec![testkit::crm()]).await;
        match door {
            Door::Http => over_http(&app).await,
            Door::Bulk => in_bulk(&app).await,
            Door::Import => by_import(&app).await,
            Door::Job => as_jobs(&app).await,
            Door::CommandLine => at_the_command_line(&app).await,
        }
    }
}

async fn over_http(app: &TestApp) {
    for side in sides(app) {
        let ours = app.tenant(side.person);
        let theirs = app.tenant(side.other);
        // Everything of the other company is made before its contents are looked at.
        let mut prepared = Vec::new();
        for operation in operations(app) {
            let mut ids = Vec::new();
            for kind in [Id::Foreign, Id::Nonexistent, Id::Deleted] {
                if let Some(id) = side.id(&operation, kind).await {
                    ids.push((kind, id));
                }
            }
            prepared.push((operation, ids));
        }
        settled(app).await;
        let (before, hub_before) = (app.contents(theirs).await, app.hub_rows(theirs).await);
        for (operation, ids) in &prepared {
            nobody_and_stranger(&side, operation, ids).await;
            everybody(&side, operation, ids).await;
        }
        before.expect_unchanged(&app.contents(theirs).await, &format!("{:?} calling everything", side.who));
        hub_before.expect_unchanged(&app.hub_rows(theirs).await, &format!("{:?} calling everything", side.who));
        assert!(app.contents(ours).await != before, "the caller's own company did change");
    }
}

/// Jobs that were enqueued on the way have ended, so that they change nothing later.
async fn settled(app: &TestApp) {
    for _ in 0..500 {
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

/// Who is not signed in gets 401 and who lacks the permission 403, for every id alike: it is decided before the row is asked for.
async fn nobody_and_stranger(side: &Side<'_>, operation: &Operation, ids: &[(Id, String)]) {
    let (app, name) = (side.app, operation.name.as_str());
    if operation.access == Access::Public {
        return;
    }
    let own = match (place(operation), operation.plan.is_some()) {
        (Some(place), true) => Some(side.make(side.person, place, operation).await),
        _ => None,
    };
    let ids: Vec<Option<&str>> = match place(operation) {
        None => vec![None],
        Some(_) => ids.iter().map(|(_, id)| Some(id.as_str())).chain(own.as_deref().map(Some)).collect(),
    };
    let mut seen: [Vec<String>; 2] = Default::default();
    for id in ids {
        let body = side.body(operation, id).await;
        let nobody = send(app, operation, app.token(NOBODY), id, &body).await;
        assert_eq!(nobody.status, 401, "nobody calls {name} with {id:?}: {}", nobody.text());
        seen[0].push(told(&nobody));
        if side.who == ADMIN && matches!(operation.access, Access::Needs(_)) {
            let stranger = send(app, operation, app.token(STRANGER), id, &body).await;
            assert_eq!((stranger.status.as_u16(), stranger.code()), (403, "denied"), "STRANGER calls {name} with {id:?}: {}", stranger.text());
            seen[1].push(told(&stranger));
        }
    }
    for answers in &mut seen {
        answers.dedup();
        assert!(answers.len() <= 1, "{name} tells ids apart to whoever may not see them: {answers:#?}");
    }
}

/// With every right: one's own things can be reached, and all others are the same nothing.
async fn everybody(side: &Side<'_>, operation: &Operation, ids: &[(Id, String)]) {
    let (app, name) = (side.app, operation.name.as_str());
    if operation.access == Access::Public {
        return;
    }
    // A fresh token each time: what is swept may end the one it came with.
    let token = Some(side.person.token.as_str());
    let mut nothing: Vec<(Id, String)> = Vec::new();
    for (kind, id) in ids {
        let body = side.body(operation, Some(id)).await;
        let answer = send(app, operation, token, Some(id), &body).await;
        let verb = name.rsplit('.').next().unwrap_or_default();
        let listed = DELETED.iter().find(|(listed, _)| *listed == name || (*listed == verb && operation.plan.is_some()));
        match (kind, listed, refused(name)) {
            (_, _, Some(status)) => assert_eq!(answer.status, status, "{name} {kind:?}: {}", answer.text()),
            (Id::Deleted, Some((_, status)), None) => assert_eq!(answer.status, *status, "{name} {kind:?}: {}", answer.text()),
            // A cancelled invitation is still in the list, so it says why it cannot be sent again.
            (Id::Deleted, None, None) if name == "account.invitations.resend" => assert_eq!(answer.status, 409, "{}", answer.text()),
            (Id::Own | Id::Foreign | Id::Nonexistent | Id::Deleted, _, None) => {
                assert_eq!(answer.status, 404, "{:?} calls {name} with a {kind:?} id: {}", side.who, answer.text());
                nothing.push((*kind, told(&answer)));
            }
        }
    }
    for (kind, answer) in &nothing {
        assert_eq!(*answer, nothing[0].1, "{name}: a {kind:?} id must be told like one that never was");
    }
    let own = match place(operation) {
        Some(_) => side.id(operation, Id::Own).await,
        None => None,
    };
    let body = side.body(operation, own.as_deref()).await;
    let answer = send(app, operation, token, own.as_deref(), &body).await;
    match refused(name) {
        Some(status) => assert_eq!(answer.status, status, "{name}: {}", answer.text()),
        None => assert!(answer.status.is_success(), "{:?} calls {name} with an own id: {}", side.who, answer.text()),
    }
    if let Some(id) = own {
        let again = told(&send(app, operation, token, Some(&base::new_id()), &body).await);
        if let Some((_, first)) = nothing.first() {
            assert_eq!(again, *first, "{name} with a random id, and the body that suits {id}");
        }
    }
}

fn refused(name: &str) -> Option<u16> {
    REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, status)| *status)
}

/// A module that is not installed is not there, whatever somebody may do.
#[tokio::test]
async fn a_module_that_is_not_installed_is_not_there_for_anybody() {
    let app = TestApp::with(vec![testkit::crm()]).await;
    let owner = app.sign_up("Bare", "admin@bare.test").await;
    let billing = app.invite(&owner, "billing@bare.test", "billing").await;
    let mut seen = Vec::new();
    for operation in operations(&app).iter().filter(|op| op.module == "crm") {
        for person in [&owner, &billing] {
            let body = match &operation.input {
                Input::Json(schema) => testkit::minimal(schema),
                Input::None | Input::File(_) => json!({}),
            };
            let answer = send(&app, operation, Some(&person.token), Some(&base::new_id()), &body).await;
            assert_eq!(answer.status, 404, "{}: {}", operation.name, answer.text());
            seen.push(told(&answer));
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

/// The resources that have a bulk, with a body that each of their verbs takes.
fn verbs(app: &TestApp) -> Vec<(Arc<Operation>, String)> {
    let mut all = Vec::new();
    for operation in operations(app).into_iter().filter(|op| op.name.ends_with(".bulk")) {
        let plan = operation.plan.clone().unwrap();
        let moves = plan.states.iter().flat_map(|states| &states.moves).map(|step| step.name.clone());
        for verb in ["update".to_owned(), "delete".to_owned()].into_iter().chain(moves) {
            all.push((operation.clone(), verb));
        }
    }
    all
}

/// The operation that does to one record what `verb` does to many: it says in which state the record must be.
fn single(app: &TestApp, bulk: &Operation, verb: &str) -> Arc<Operation> {
    let name = format!("{}.{verb}", bulk.name.trim_end_matches(".bulk"));
    app.app.registry().named(&name).unwrap().clone()
}

async fn in_bulk(app: &TestApp) {
    for side in sides(app) {
        let theirs = app.tenant(side.other);
        let mut prepared = Vec::new();
        for (operation, verb) in verbs(app) {
            let one = single(app, &operation, &verb);
            let mut ids = Vec::new();
            for kind in [Id::Own, Id::Foreign, Id::Nonexistent, Id::Deleted] {
                ids.push(side.id(&one, kind).await.unwrap());
            }
            prepared.push((operation, verb, ids));
        }
        let before = app.contents(theirs).await;
        for (operation, verb, ids) in prepared {
            let mut body = json!({ "ids": ids, "do": verb });
            if verb == "update" {
                body["patch"] = patch(&operation);
            }
            let name = format!("{} {verb}", operation.name);
            let mut expected = vec![(app.token(NOBODY), 401)];
            if side.who == ADMIN {
                expected.push((app.token(STRANGER), 403));
            }
            for (token, status) in expected {
                let answer = send(app, &operation, token, None, &body).await;
                assert_eq!(answer.status, status, "{name}: {}", answer.text());
            }
            let done = send(app, &operation, Some(&side.person.token), None, &body).await.expect(200);
            only_the_own_one(&done.json, &ids, &name);
        }
        before.expect_unchanged(&app.contents(theirs).await, &format!("{:?} working in bulk", side.who));
    }
}

/// A change that every record of the resource takes.
fn patch(operation: &Operation) -> Value {
    let plan = operation.plan.as_ref().unwrap();
    let field = plan.fields().iter().find(|field| field.kind.name() == "text").unwrap();
    json!({ (field.name.as_str()): "changed" })
}

/// Of four ids the first is one's own; the others are refused in the same words.
fn only_the_own_one(done: &Value, ids: &[String], name: &str) {
    assert_eq!((done["matched"].as_u64(), done["changed"].as_u64()), (Some(4), Some(1)), "{name}: {done}");
    let rejected = done["rejected"].as_array().unwrap();
    let mut refused: Vec<&str> = rejected.iter().map(|row| row["id"].as_str().unwrap()).collect();
    let mut others: Vec<&str> = ids[1..].iter().map(String::as_str).collect();
    refused.sort_unstable();
    others.sort_unstable();
    assert_eq!(refused, others, "{name}: {done}");
    for row in rejected {
        assert_eq!(row["problem"], rejected[0]["problem"], "{name}: {done}");
    }
}

async fn by_import(app: &TestApp) {
    for side in sides(app) {
        let theirs = app.tenant(side.other);
        let imports: Vec<Arc<Operation>> = operations(app).into_iter().filter(|op| matches!(op.input, Input::File(_))).collect();
        assert!(!imports.is_empty());
        let mut prepared = Vec::new();
        for operation in imports {
            let plan = operation.plan.clone().unwrap_or_else(|| panic!("{} takes a file and is about no resource: teach the sweep", operation.name));
            let mut files = Vec::new();
            for field in plan.fields().iter().filter(|field| field.kind.name() == "ref") {
                let kernel::records::Kind::Ref { to, .. } = &field.kind else { continue };
                let target = app.app.registry().named(&format!("{to}.get")).unwrap().clone();
                let mut ids = Vec::new();
                for kind in [Id::Own, Id::Foreign, Id::Nonexistent, Id::Deleted] {
                    ids.push(side.id(&target, kind).await.unwrap());
                }
                files.push((field.name.clone(), ids));
            }
            prepared.push((operation, files));
        }
        let before = app.contents(theirs).await;
        for (operation, files) in prepared {
            let plan = operation.plan.as_ref().unwrap();
            let answer = send(app, &operation, app.token(NOBODY), None, &Value::Null).await;
            assert_eq!(answer.status, 401, "{}", operation.name);
            if side.who == ADMIN {
                let answer = send(app, &operation, app.token(STRANGER), None, &Value::Null).await;
                assert_eq!(answer.status, 403, "{}: {}", operation.name, answer.text());
            }
            let minimal = testkit::minimal(&plan.create_schema());
            let required: Vec<(&String, &Value)> = minimal.as_object().unwrap().iter().collect();
            let column = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            for (field, ids) in files {
                let mut csv = required.iter().map(|(name, _)| name.as_str()).chain([field.as_str()]).collect::<Vec<_>>().join(",");
                for id in &ids {
                    let cells = required.iter().map(|(_, value)| column(value)).chain([id.clone()]).collect::<Vec<_>>();
                    csv.push_str(&format!("\n{}", cells.join(",")));
                }
                let request = app.request(Method::POST, &format!("/api/v1/{}", operation.path), Some(&side.person.token));
                let done = app.send(request.header(header::CONTENT_TYPE, "text/csv"), csv).await.expect(200);
                let rows: Vec<u64> = done["rejected"].as_array().unwrap().iter().map(|row| row["row"].as_u64().unwrap()).collect();
                assert_eq!((done["created"].as_u64(), rows), (Some(1), vec![3, 4, 5]), "{} {field}: {}", operation.name, done.text());
                for row in done["rejected"].as_array().unwrap() {
                    assert_eq!((&row["field"], &row["problem"]), (&json!(field), &done["rejected"][0]["problem"]), "{}", done.text());
                }
            }
        }
        before.expect_unchanged(&app.contents(theirs).await, &format!("{:?} importing", side.who));
    }
}

async fn as_jobs(app: &TestApp) {
    for side in sides(app) {
        let (ours, theirs) = (app.tenant(side.person), app.tenant(side.other));
        let mut prepared = Vec::new();
        for (operation, verb) in verbs(app) {
            let one = single(app, &operation, &verb);
            let mut ids = Vec::new();
            for kind in [Id::Own, Id::Foreign, Id::Nonexistent, Id::Deleted] {
                ids.push(side.id(&one, kind).await.unwrap());
            }
            prepared.push((operation, verb, ids));
        }
        let before = app.contents(theirs).await;
        let args = |operation: &Operation, verb: &str, ids: &[String]| {
            let patch = if verb == "update" { patch(operation) } else { Value::Null };
            json!({ "ids": ids, "do": verb, "dry_run": false, "filter": null, "patch": patch })
        };
        // In the name of whoever may not: a member without the right, a member of the other company, and a module for itself.
        let stranger = app.stranger.me["user"]["member"].as_str().filter(|_| side.who == ADMIN);
        let forged = side.other.me["user"]["member"].as_str();
        let unchanged = app.contents(ours).await.without("jobs");
        let mut jobs = Vec::new();
        for (operation, verb, ids) in &prepared {
            for member in [stranger, forged, None] {
                let job = enqueued(app, ours, &operation.name, &args(operation, verb, ids), member).await;
                jobs.push((format!("{} {verb} for {member:?}", operation.name), job));
            }
        }
        for (name, job) in jobs {
            let (status, result) = ended(app, ours, &job).await;
            assert!(status == "dead" || result["changed"] == 0, "{name}: {status} {result}");
        }
        unchanged.expect_unchanged(&app.contents(ours).await.without("jobs"), "jobs of those who may not");
        let mut jobs = Vec::new();
        for (operation, verb, ids) in &prepared {
            let job = enqueued(app, ours, &operation.name, &args(operation, verb, ids), side.person.me["user"]["member"].as_str()).await;
            jobs.push((format!("{} {verb} as a job", operation.name), job, ids));
        }
        for (name, job, ids) in jobs {
            let (status, result) = ended(app, ours, &job).await;
            assert_eq!(status, "done", "{name}: {result}");
            only_the_own_one(&result, ids, &name);
            // Whose job it is not sees nothing of it.
            for (token, status) in [(app.token(NOBODY), 401), (Some(side.other.token.as_str()), 404)] {
                assert_eq!(app.get_as(token, &format!("/api/v1/jobs/{job}")).await.status, status);
                assert_eq!(app.post_as(token, &format!("/api/v1/jobs/{job}/cancel"), json!({})).await.status, status);
            }
        }
        before.expect_unchanged(&app.contents(theirs).await, &format!("{:?}'s jobs", side.who));
    }
}

/// A job as a request enqueues it, for whoever the test says.
async fn enqueued(app: &TestApp, tenant: TenantId, kind: &str, args: &Value, member: Option<&str>) -> String {
    let names = app.app.tenant_names(tenant).await.unwrap();
    let cx = Ctx::of_command_line(&app.app, tenant, names).await.unwrap();
    cx.work_is_coming().await.unwrap();
    let (id, kind, args, member) = (base::new_id(), kind.to_owned(), args.to_string(), member.map(str::to_owned));
    let job = id.clone();
    let actor = member.as_deref().map_or("system:crm".to_owned(), |member| format!("member:{member}"));
    cx.write(move |tx| {
        tx.sql().run(
            r#"INSERT INTO "jobs" ("id", "kind", "priority", "args", "status", "run_at", "attempt", "progress", "member", "actor", "cancel", "created_at")
VALUES (?1, ?2, 0, ?3, 'ready', ?4, 0, 0, ?5, ?6, ?7, ?4)"#,
            &[(&job).into(), (&kind).into(), (&args).into(), base::Time::now().into(), member.as_deref().into(), (&actor).into(), false.into()],
        )
    })
    .await
    .unwrap();
    cx.work_is_coming().await.unwrap();
    id
}

async fn ended(app: &TestApp, tenant: TenantId, job: &str) -> (String, Value) {
    let silo = app.app.silos().open(tenant).await.unwrap();
    for _ in 0..1000 {
        let id = job.to_owned();
        let found = silo
            .read(move |sql| {
                sql.row(r#"SELECT "status", "result" FROM "jobs" WHERE "id" = ?1"#, &[(&id).into()], |row| {
                    Ok((row.text(0)?.to_owned(), row.opt_text(1)?.map_or(Value::Null, |text| serde_json::from_str(text).unwrap())))
                })
            })
            .await
            .unwrap()
            .unwrap();
        if matches!(found.0.as_str(), "done" | "dead" | "cancelled") {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("job {job} did not end");
}

/// The command line is the operator's alone: whoever can read the data folder. It works in one tenant at a time, and in that one it
/// finds no more of another than anybody else does.
async fn at_the_command_line(app: &TestApp) {
    for side in sides(app) {
        let (ours, theirs) = (app.tenant(side.person), app.tenant(side.other));
        let cx = Ctx::of_command_line(&app.app, ours, app.app.tenant_names(ours).await.unwrap()).await.unwrap();
        let mut prepared = Vec::new();
        for operation in operations(app).into_iter().filter(|op| op.plan.is_some() || op.name == "events.list") {
            let mut ids = Vec::new();
            for kind in [Id::Own, Id::Foreign, Id::Nonexistent, Id::Deleted] {
                ids.extend(side.id(&operation, kind).await.map(|id| (kind, id)));
            }
            prepared.push((operation, ids));
        }
        let before = app.contents(theirs).await;
        let canary = side.other.me["user"]["member"].as_str().unwrap();
        for (operation, ids) in &prepared {
            let verb = operation.name.rsplit('.').next().unwrap_or_default();
            for (kind, id) in ids {
                let mut call = Call::new(Door::CommandLine).with_id(id.clone());
                call = call.with_json(&side.body(operation, Some(id)).await).unwrap();
                let outcome = app.app.call(&cx, &operation.name, call).await;
                let found = match kind {
                    Id::Own => true,
                    Id::Deleted => DELETED.iter().any(|(listed, _)| *listed == verb),
                    Id::Foreign | Id::Nonexistent => false,
                };
                match (found, outcome) {
                    (true, outcome) => drop(outcome.unwrap_or_else(|error| panic!("{} {kind:?}: {error:?}", operation.name))),
                    (false, outcome) => assert_eq!(outcome.err().map(|e| e.code()), Some(Code::NotFound), "{} {kind:?}", operation.name),
                }
            }
            if place(operation).is_none() && matches!(operation.input, Input::None) && matches!(operation.output, Output::Json(_)) {
                let page = app.app.call(&cx, &operation.name, Call::new(Door::CommandLine)).await.unwrap().into_bytes();
                assert!(!String::from_utf8_lossy(&page).contains(canary), "{} shows the other company", operation.name);
            }
        }
        let mut exported = Vec::new();
        hub::backup::export(&app.app, ours, &mut exported).await.unwrap();
        let exported = String::from_utf8(exported).unwrap();
        assert!(exported.contains(side.person.me["user"]["member"].as_str().unwrap()) && !exported.contains(canary));
        before.expect_unchanged(&app.contents(theirs).await, "the command line");
    }
}

#[tokio::test]
async fn s_02_one_permission_opens_exactly_the_operations_that_name_it() {
    let app = TestApp::with(vec![testkit::crm()]).await;
    app.post(ADMIN, "/api/v1/account/roles", json!({ "name": "solo", "title": "Solo", "grants": [] })).await.expect(201);
    let solo = app.invite(&app.admin, "solo@acme.test", "solo").await;
    let modules: Vec<String> = app.app.catalogue().modules().iter().map(|m| m.manifest.name.clone()).collect();
    let permissions: Vec<String> = app.app.catalogue().permissions(&modules, false).map(|p| p.name.as_str().to_owned()).collect();
    assert!(permissions.len() > 35, "{permissions:?}");
    let side = Side { app: &app, who: ADMIN, person: &app.admin, other: &app.other };
    let mut opened = 0;
    for held in &permissions {
        app.patch(ADMIN, "/api/v1/account/roles/solo", json!({ "grants": [{ "permission": held }] })).await.expect(200);
        for operation in operations(&app) {
            let Access::Needs(needed) = &operation.access else { continue };
            let id = place(&operation).map(|place| if place == "modules" { "nowhere".to_owned() } else { base::new_id() });
            let body = side.body(&operation, id.as_deref()).await;
            let answer = send(&app, &operation, Some(&solo.token), id.as_deref(), &body).await;
            let closed = answer.status == 403 && answer["detail"] == format!("This needs the permission {}.", needed.as_str());
            assert_eq!(closed, needed.as_str() != held, "holding only {held}, {} answers {}", operation.name, answer.text());
            assert!(!answer.status.is_server_error(), "{} answers {}", operation.name, answer.text());
            opened += usize::from(!closed);
        }
    }
    let named = operations(&app).iter().filter(|op| matches!(&op.access, Access::Needs(p) if permissions.iter().any(|q| q == p.as_str()))).count();
    assert_eq!(opened, named, "every operation is opened by one permission");
}
