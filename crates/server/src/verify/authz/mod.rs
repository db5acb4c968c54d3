//! The authorization sweep over HTTP: every operation of the registry, by everybody, with every kind of id. It is written once and grows
//! by itself: a new operation or resource is either answered as it must be, or it is a deviation.
//!
//! The rules: nobody gets 401 and whoever lacks the permission 403, for every id alike and before the row is asked for. With the
//! permission, an id that is foreign, deleted or made up gets the same 404, byte for byte but the request's own id; one's own succeeds.

pub mod sample;
mod sweep;
mod things;

pub use sweep::{Deviation, Prepared, Swept, call, open_to_more, prepare};
pub use things::{Id, Side, place, send, told};

use crate::{
    door::{Asked, Door},
    people::{self, Person},
    verify::{Progress, Scratch},
};
use base::Result;
use kernel::{
    App, Operation,
    app::Parts,
    config::{Config, Sources},
};
use serde_json::json;
use std::{path::Path, sync::Arc};

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
const REFUSED: [(&str, u16); 9] = [
    ("account.leave", 409),    // the last owner stays
    ("auth.switch", 403),      // an app takes a token for the other company instead
    ("hub.tenants.list", 403), // the operator's, and nobody's in a company
    ("hub.tenants.get", 403),
    ("hub.tenants.suspend", 403),
    ("hub.tenants.activate", 403),
    ("hub.tenants.delete", 403),
    ("hub.migrations.get", 403),
    ("hub.figures.get", 403),
];

/// What a deleted thing still answers to: its history and the way back; what was revoked or cancelled stays in its list, and a cancelled
/// invitation says why it cannot be sent again.
pub const DELETED: [(&str, u16); 5] =
    [("history", 200), ("revert", 200), ("account.keys.delete", 204), ("account.invitations.delete", 204), ("account.invitations.resend", 409)];

/// The four who stand ready: the owner of a company, a member of it who may do nothing, the owner of another company, and nobody at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    Admin,
    Stranger,
    OtherTenant,
    Nobody,
}

/// An app with two companies, and people in them.
pub struct World {
    pub app: App,
    pub door: Door,
    pub admin: Person,
    pub stranger: Person,
    pub other: Person,
}

impl World {
    /// Signs two companies up, installs every module in both, and invites a member who may do nothing.
    pub async fn found(app: &App) -> Result<World> {
        let door = Door::Inside(app.clone());
        let password = people::password()?;
        let admin = people::sign_up(&door, "Acme", "Ada Admin", "admin@acme.test", &password).await?;
        let other = people::sign_up(&door, "Other", "Otto Other", "admin@other.test", &password).await?;
        let stranger = people::invite(&door, &admin, "stranger@acme.test", "billing", &password).await?;
        for owner in [&admin, &other] {
            let list = door.done(&Asked::get("/api/v1/modules").by(Some(&owner.token))).await?;
            for module in list.items().iter().filter_map(|module| module["name"].as_str()) {
                door.done(&Asked::post(format!("/api/v1/modules/{module}/install"), &json!({})).by(Some(&owner.token))).await?;
            }
        }
        Ok(World { app: app.clone(), door, admin, stranger, other })
    }

    /// The same for every member of a company, told from either side.
    pub fn sides(&self) -> [Side<'_>; 2] {
        [
            Side { world: self, who: Actor::Admin, person: &self.admin, other: &self.other },
            Side { world: self, who: Actor::OtherTenant, person: &self.other, other: &self.admin },
        ]
    }

    pub fn token(&self, who: Actor) -> Option<&str> {
        match who {
            Actor::Admin => Some(&self.admin.token),
            Actor::Stranger => Some(&self.stranger.token),
            Actor::OtherTenant => Some(&self.other.token),
            Actor::Nobody => None,
        }
    }

    /// Every operation; what ends the caller's own credential, or takes the module away from under the rest, comes last.
    pub fn operations(&self) -> Vec<Arc<Operation>> {
        let mut all: Vec<Arc<Operation>> = self.app.registry().operations().to_vec();
        all.sort_by_key(|operation| match operation.name.as_str() {
            "modules.uninstall" => 1,
            "modules.purge" => 2,
            "modules.install" => 3,
            "account.password.update" => 4,
            _ => 0,
        });
        all
    }
}

/// The whole proof, on an installation of its own inside `data`, with the packs that this installation has.
pub async fn run(data: &Path, progress: &Progress) -> Result<Swept> {
    let scratch = Scratch::within(data)?;
    let modules = crate::modules::all(data)?;
    let env = [("TENON_LIMITS__ENABLED".to_owned(), "false".to_owned())].into();
    let config = Config::load(&Sources { data: Some(scratch.data()), env, ..Sources::default() })?;
    let app = App::start(Parts { modules, config, assets: |_| None, demo: None }).await?;
    app.start_background();
    let swept = both_sides(&app, progress).await;
    app.shutdown().await;
    swept
}

async fn both_sides(app: &App, progress: &Progress) -> Result<Swept> {
    progress.say("authz: two companies sign up");
    let world = World::found(app).await?;
    let mut swept = Swept::default();
    open_to_more(&world, &mut swept);
    for side in world.sides() {
        let prepared = prepare(&side, progress).await?;
        call(&side, &prepared, &mut swept, progress).await?;
    }
    Ok(swept)
}
