//! In bulk: what is done to one record is done to many, each judged on its own.

use super::{Actor, send, tenant, world};
use kernel::Operation;
use serde_json::{Value, json};
use server::verify::authz::Id;
use std::sync::Arc;
use testkit::TestApp;

/// The resources that have a bulk, with a body that each of their verbs takes.
pub fn verbs(app: &TestApp) -> Vec<(Arc<Operation>, String)> {
    let mut all = Vec::new();
    for operation in world(app).operations().into_iter().filter(|op| op.name.ends_with(".bulk")) {
        let plan = operation.plan.clone().unwrap();
        let moves = plan.states.iter().flat_map(|states| &states.moves).map(|step| step.name.clone());
        for verb in ["update".to_owned(), "delete".to_owned()].into_iter().chain(moves) {
            all.push((operation.clone(), verb));
        }
    }
    all
}

/// The operation that does to one record what `verb` does to many: it says in which state the record must be.
pub fn single(app: &TestApp, bulk: &Operation, verb: &str) -> Arc<Operation> {
    let name = format!("{}.{verb}", bulk.name.trim_end_matches(".bulk"));
    app.app.registry().named(&name).unwrap().clone()
}

pub async fn sweep(app: &TestApp) {
    let world = world(app);
    for side in world.sides() {
        let theirs = tenant(side.other);
        let mut prepared = Vec::new();
        for (operation, verb) in verbs(app) {
            let one = single(app, &operation, &verb);
            let mut ids = Vec::new();
            for kind in [Id::Own, Id::Foreign, Id::Nonexistent, Id::Deleted] {
                ids.push(side.id(&one, kind).await.unwrap().unwrap());
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
            let mut expected = vec![(None, 401)];
            if side.who == Actor::Admin {
                expected.push((world.token(Actor::Stranger), 403));
            }
            for (token, status) in expected {
                let answer = send(&world, &operation, token, None, &body).await;
                assert_eq!(answer.status, status, "{name}: {}", answer.text());
            }
            let done = send(&world, &operation, Some(&side.person.token), None, &body).await.expect(200);
            only_the_own_one(&done.json, &ids, &name);
        }
        before.expect_unchanged(&app.contents(theirs).await, &format!("{:?} working in bulk", side.who));
    }
}

/// A change that every record of the resource takes.
pub fn patch(operation: &Operation) -> Value {
    let plan = operation.plan.as_ref().unwrap();
    let field = plan.fields().iter().find(|field| field.kind.name() == "text").unwrap();
    json!({ (field.name.as_str()): "changed" })
}

/// Of four ids the first is one's own; the others are refused in the same words.
pub fn only_the_own_one(done: &Value, ids: &[String], name: &str) {
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
