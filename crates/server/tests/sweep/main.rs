//! The authorization sweep: every operation of the registry, through every door, by everybody, with every kind of id. It is written once
//! and grows by itself: a new operation, resource or door is either answered as formats.md section 2 says, or fails here.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on ends here")]

mod bulk;
mod command_line;
mod http;
mod import;
mod jobs;
mod permissions;
mod things;

use kernel::{Door, Operation, access::Access};
use std::sync::Arc;
use testkit::TestApp;
use things::{Id, Side, place, send, sides, told};

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
            Door::Http => http::sweep(&app).await,
            Door::Bulk => bulk::sweep(&app).await,
            Door::Import => import::sweep(&app).await,
            Door::Job => jobs::sweep(&app).await,
            Door::CommandLine => command_line::sweep(&app).await,
        }
    }
}
