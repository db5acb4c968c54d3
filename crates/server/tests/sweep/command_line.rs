//! The command line is the operator's alone: whoever can read the data folder. It works in one tenant at a time, and in that one it
//! finds no more of another than anybody else does.

use super::{tenant, world};
use base::Code;
use kernel::{
    Call, Ctx, Door,
    operations::{Input, Output},
};
use server::verify::authz::{DELETED, Id, place};
use testkit::TestApp;

pub async fn sweep(app: &TestApp) {
    let world = world(app);
    for side in world.sides() {
        let (ours, theirs) = (tenant(side.person), tenant(side.other));
        let cx = Ctx::of_command_line(&app.app, ours, app.app.tenant_names(ours).await.unwrap()).await.unwrap();
        let mut prepared = Vec::new();
        for operation in world.operations().into_iter().filter(|op| op.plan.is_some() || op.name == "events.list") {
            let mut ids = Vec::new();
            for kind in [Id::Own, Id::Foreign, Id::Nonexistent, Id::Deleted] {
                ids.extend(side.id(&operation, kind).await.unwrap().map(|id| (kind, id)));
            }
            prepared.push((operation, ids));
        }
        let before = app.contents(theirs).await;
        let canary = side.other.me["user"]["member"].as_str().unwrap();
        for (operation, ids) in &prepared {
            let verb = operation.name.rsplit('.').next().unwrap_or_default();
            for (kind, id) in ids {
                let mut call = Call::new(Door::CommandLine).with_id(id.clone());
                call = call.with_json(&side.body(operation, Some(id)).await.unwrap()).unwrap();
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
