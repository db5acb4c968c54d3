//! Over HTTP: every operation, by everybody, with every kind of id.

use super::{DELETED, Id, REFUSED, Side, operations, place, send, sides, told};
use kernel::{Operation, access::Access, operations::Input};
use serde_json::json;
use testkit::{ADMIN, NOBODY, STRANGER, TestApp};

pub async fn sweep(app: &TestApp) {
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
            if side.who == ADMIN {
                colleagues(&side, operation).await;
            }
        }
        before.expect_unchanged(&app.contents(theirs).await, &format!("{:?} calling everything", side.who));
        hub_before.expect_unchanged(&app.hub_rows(theirs).await, &format!("{:?} calling everything", side.who));
        assert!(app.contents(ours).await != before, "the caller's own company did change");
    }
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

/// What is a colleague's own is nothing for somebody in the same company, whatever right that colleague has.
async fn colleagues(side: &Side<'_>, operation: &Operation) {
    let (Access::SignedIn, Some(place)) = (&operation.access, place(operation)) else { return };
    let id = side.make(side.person, place, operation).await;
    let mut answers = Vec::new();
    for id in [id, base::new_id()] {
        let answer = send(side.app, operation, side.app.token(STRANGER), Some(&id), &json!({})).await;
        assert_eq!(answer.status, 404, "STRANGER calls {}: {}", operation.name, answer.text());
        answers.push(told(&answer));
    }
    assert_eq!(answers[0], answers[1], "{} tells a colleague's id apart", operation.name);
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
