//! Who is asked for what, and what must come back.

use super::{Actor, DELETED, Id, ONES_OWN, PUBLIC, REFUSED, Side, World, place, send, told};
use crate::{door::Answer, verify::Progress};
use base::Result;
use kernel::{Operation, access::Access};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What was asked, and what was answered otherwise than it must be.
#[derive(Debug, Default, Serialize)]
pub struct Swept {
    pub operations: usize,
    pub requests: u64,
    pub deviations: Vec<Deviation>,
}

/// One answer that is not what it must be.
#[derive(Debug, Serialize)]
pub struct Deviation {
    pub operation: String,
    pub actor: Actor,
    pub id: Option<Id>,
    pub wanted: String,
    pub got: String,
}

/// An operation, with ids of things that are not the caller's own.
pub struct Prepared {
    pub operation: Arc<Operation>,
    ids: Vec<(Id, String)>,
}

/// Who asks with which kind of id.
#[derive(Clone, Copy)]
struct By(Actor, Option<Id>);

impl Swept {
    async fn ask(&mut self, world: &World, operation: &Operation, token: Option<&str>, id: Option<&str>, body: &Value) -> Result<Answer> {
        self.requests += 1;
        send(world, operation, token, id, body).await
    }
    fn judge(&mut self, operation: &Operation, by: By, good: bool, wanted: impl Into<String>, got: impl Into<String>) {
        if !good {
            let By(actor, id) = by;
            self.deviations.push(Deviation { operation: operation.name.clone(), actor, id, wanted: wanted.into(), got: got.into() });
        }
    }
    fn status(&mut self, operation: &Operation, by: By, wanted: u16, answer: &Answer) {
        self.judge(operation, by, answer.status == wanted, wanted.to_string(), short(answer));
    }
}

fn short(answer: &Answer) -> String {
    let text: String = answer.text().chars().take(300).collect();
    format!("{} {text}", answer.status.as_u16())
}

/// Operations that need no permission and are not on the lists of those.
pub fn open_to_more(world: &World, swept: &mut Swept) {
    let operations = world.operations();
    swept.operations = operations.len();
    for operation in &operations {
        let (actor, listed) = match &operation.access {
            Access::Public => (Actor::Nobody, PUBLIC.contains(&operation.name.as_str())),
            Access::SignedIn => (Actor::Stranger, ONES_OWN.contains(&operation.name.as_str())),
            // A permission that an operation needs is one that the roles page shows.
            Access::Needs(permission) => (Actor::Admin, world.app.catalogue().permission(permission.as_str()).is_some()),
        };
        let wanted = "a declared permission, or a place on the lists of what is open (authz/mod.rs)";
        swept.judge(operation, By(actor, None), listed, wanted, format!("{:?}", operation.access));
    }
}

/// Makes everything that is asked for later: first of all, so that the other company's contents can be compared.
pub async fn prepare(side: &Side<'_>, progress: &Progress) -> Result<Vec<Prepared>> {
    let mut prepared = Vec::new();
    for operation in side.world.operations() {
        progress.say(format_args!("authz: {:?} prepares {}", side.who, operation.name));
        let mut ids = Vec::new();
        for kind in [Id::Foreign, Id::Nonexistent, Id::Deleted] {
            if let Some(id) = side.id(&operation, kind).await? {
                ids.push((kind, id));
            }
        }
        prepared.push(Prepared { operation, ids });
    }
    Ok(prepared)
}

/// Calls everything from one side, as everybody.
pub async fn call(side: &Side<'_>, prepared: &[Prepared], swept: &mut Swept, progress: &Progress) -> Result<()> {
    for Prepared { operation, ids } in prepared {
        if operation.access == Access::Public {
            continue;
        }
        progress.say(format_args!("authz: {} requests, {:?} calls {}", swept.requests, side.who, operation.name));
        nobody_and_stranger(side, operation, ids, swept).await?;
        everybody(side, operation, ids, swept).await?;
        if side.who == Actor::Admin {
            colleagues(side, operation, swept).await?;
        }
    }
    Ok(())
}

/// Who is not signed in gets 401 and who lacks the permission 403, for every id alike: it is decided before the row is asked for.
async fn nobody_and_stranger(side: &Side<'_>, operation: &Operation, ids: &[(Id, String)], swept: &mut Swept) -> Result<()> {
    let own = match (place(operation), operation.plan.is_some()) {
        (Some(place), true) => Some((Id::Own, side.make(side.person, place, operation).await?)),
        _ => None,
    };
    let ids: Vec<Option<&(Id, String)>> = match place(operation) {
        None => vec![None],
        Some(_) => ids.iter().chain(own.as_ref()).map(Some).collect(),
    };
    for (actor, status) in [(Actor::Nobody, 401), (Actor::Stranger, 403)] {
        if actor == Actor::Stranger && !(side.who == Actor::Admin && matches!(operation.access, Access::Needs(_))) {
            continue;
        }
        let mut first: Option<String> = None;
        for named in &ids {
            let (kind, id) = (named.map(|(kind, _)| *kind), named.map(|(_, id)| id.as_str()));
            let body = side.body(operation, id).await?;
            let answer = swept.ask(side.world, operation, side.world.token(actor), id, &body).await?;
            swept.status(operation, By(actor, kind), status, &answer);
            let told = told(&answer);
            let same = first.as_ref().is_none_or(|first| *first == told);
            swept.judge(operation, By(actor, kind), same, "the same bytes for every id", &told);
            first.get_or_insert(told);
        }
    }
    Ok(())
}

/// What is a colleague's own is nothing for somebody in the same company, whatever right that colleague has.
async fn colleagues(side: &Side<'_>, operation: &Operation, swept: &mut Swept) -> Result<()> {
    let (Access::SignedIn, Some(place)) = (&operation.access, place(operation)) else { return Ok(()) };
    let id = side.make(side.person, place, operation).await?;
    let mut answers = Vec::new();
    for (kind, id) in [(Id::Own, id), (Id::Nonexistent, base::new_id())] {
        let answer = swept.ask(side.world, operation, side.world.token(Actor::Stranger), Some(&id), &json!({})).await?;
        swept.status(operation, By(Actor::Stranger, Some(kind)), 404, &answer);
        answers.push(told(&answer));
    }
    answers.dedup();
    swept.judge(operation, By(Actor::Stranger, Some(Id::Own)), answers.len() == 1, "the same bytes as for an id that never was", answers.concat());
    Ok(())
}

/// With every right: one's own things can be reached, and all others are the same nothing.
async fn everybody(side: &Side<'_>, operation: &Operation, ids: &[(Id, String)], swept: &mut Swept) -> Result<()> {
    let name = operation.name.as_str();
    let verb = name.rsplit('.').next().unwrap_or_default();
    let refused = REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, status)| *status);
    let deleted = DELETED.iter().find(|(listed, _)| *listed == name || (*listed == verb && operation.plan.is_some())).map(|(_, status)| *status);
    let token = Some(side.person.token.as_str());
    let mut nothing: Option<String> = None;
    for (kind, id) in ids {
        let by = By(side.who, Some(*kind));
        let body = side.body(operation, Some(id)).await?;
        let answer = swept.ask(side.world, operation, token, Some(id), &body).await?;
        match (kind, deleted, refused) {
            (_, _, Some(status)) | (Id::Deleted, Some(status), None) => swept.status(operation, by, status, &answer),
            (Id::Own | Id::Foreign | Id::Nonexistent | Id::Deleted, _, None) => {
                swept.status(operation, by, 404, &answer);
                same_nothing(operation, by, &answer, &mut nothing, swept);
            }
        }
    }
    let own = side.id(operation, Id::Own).await?;
    let body = side.body(operation, own.as_deref()).await?;
    let answer = swept.ask(side.world, operation, token, own.as_deref(), &body).await?;
    let by = By(side.who, own.as_ref().map(|_| Id::Own));
    match refused {
        Some(status) => swept.status(operation, by, status, &answer),
        None => {
            // A move that is guarded by a condition may be refused to a sample, but not hidden.
            let good = answer.status.is_success() || (answer.status == 409 && guarded(operation, verb));
            swept.judge(operation, by, good, "success", short(&answer));
        }
    }
    if own.is_some() && nothing.is_some() {
        let answer = swept.ask(side.world, operation, token, Some(&base::new_id()), &body).await?;
        same_nothing(operation, By(side.who, Some(Id::Nonexistent)), &answer, &mut nothing, swept);
    }
    Ok(())
}

fn same_nothing(operation: &Operation, by: By, answer: &Answer, nothing: &mut Option<String>, swept: &mut Swept) {
    let told = told(answer);
    let first = nothing.get_or_insert_with(|| told.clone());
    swept.judge(operation, by, *first == told, "the same bytes as for every other id that is not there", told);
}

fn guarded(operation: &Operation, verb: &str) -> bool {
    let states = operation.plan.as_ref().and_then(|plan| plan.states.as_ref());
    states.is_some_and(|states| states.moves.iter().any(|step| step.name == verb && step.when.is_some()))
}
