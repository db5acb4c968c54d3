//! By import: a file that names records of every kind.

use super::{Actor, send, tenant, world};
use ::http::{Method, header};
use kernel::{Operation, operations::Input};
use serde_json::{Value, json};
use server::verify::authz::{Id, sample};
use std::sync::Arc;
use testkit::TestApp;

pub async fn sweep(app: &TestApp) {
    let world = world(app);
    for side in world.sides() {
        let theirs = tenant(side.other);
        let imports: Vec<Arc<Operation>> = world.operations().into_iter().filter(|op| matches!(op.input, Input::File(_))).collect();
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
                    ids.push(side.id(&target, kind).await.unwrap().unwrap());
                }
                files.push((field.name.clone(), ids));
            }
            prepared.push((operation, files));
        }
        let before = app.contents(theirs).await;
        for (operation, files) in prepared {
            let plan = operation.plan.as_ref().unwrap();
            let answer = send(&world, &operation, None, None, &Value::Null).await;
            assert_eq!(answer.status, 401, "{}", operation.name);
            if side.who == Actor::Admin {
                let answer = send(&world, &operation, world.token(Actor::Stranger), None, &Value::Null).await;
                assert_eq!(answer.status, 403, "{}: {}", operation.name, answer.text());
            }
            let minimal = sample::minimal(&plan.create_schema());
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
