//! The one door: every operation of this binary, found by name or path, and called.

use super::{Call, InTx, Operation, Reply, Run};
use crate::{
    app::App,
    ctx::Ctx,
    idempotency::{self, Key},
    module::Module,
    tx,
    waiting::Who,
};
use base::{Code, Error, Fault, Result};
use http::Method;
use std::{collections::HashMap, sync::Arc};

/// Every operation of every module in this binary, found by one hash lookup per path shape.
pub struct Registry {
    operations: Vec<Arc<Operation>>,
    paths: HashMap<String, Vec<(Method, usize)>>,
    names: HashMap<String, usize>,
}

/// What a method and a path lead to.
pub enum Found<'r> {
    Operation(&'r Arc<Operation>, Option<String>),
    /// The path exists, with these methods.
    Other(String),
    Nothing,
}

impl Registry {
    pub fn new(modules: &[Arc<Module>]) -> Result<Registry> {
        let mut registry = Registry { operations: Vec::new(), paths: HashMap::new(), names: HashMap::new() };
        for operation in modules.iter().flat_map(|module| &module.operations) {
            let at = registry.operations.len();
            let entry = registry.paths.entry(operation.path.clone()).or_default();
            if entry.iter().any(|(method, _)| *method == operation.method) || registry.names.insert(operation.name.clone(), at).is_some() {
                return Err(Error::internal(format!("{} {} is declared twice", operation.method, operation.path)));
            }
            entry.push((operation.method.clone(), at));
            registry.operations.push(Arc::new(operation.clone()));
        }
        Ok(registry)
    }

    pub fn operations(&self) -> &[Arc<Operation>] {
        &self.operations
    }

    /// An operation by its name, for the doors that have no path.
    pub fn named(&self, name: &str) -> Option<&Arc<Operation>> {
        self.names.get(name).and_then(|at| self.operations.get(*at))
    }

    /// Finds what a path below `/api/v1/` means: as it stands, then with `{id}` in the place of its third or its second part.
    pub fn find(&self, method: &Method, path: &str) -> Found<'_> {
        if let Some(entry) = self.paths.get(path) {
            return self.pick(method, entry, None);
        }
        let mut cuts = [0usize; 5];
        let mut count = 0;
        for (at, _) in path.match_indices('/') {
            let Some(slot) = cuts.get_mut(count) else { return Found::Nothing };
            *slot = at;
            count += 1;
        }
        // `a/{id}`, `a/{id}/verb`, `a/b/{id}`, `a/b/{id}/verb`: the id is the second or the third part.
        for part in [2, 1] {
            let Some(from) = cuts.get(part - 1).filter(|_| count >= part).map(|at| at + 1) else { continue };
            let to = if count > part { cuts.get(part).copied().unwrap_or(path.len()) } else { path.len() };
            let (Some(before), Some(id), Some(after)) = (path.get(..from), path.get(from..to), path.get(to..)) else { continue };
            let mut key = String::with_capacity(path.len());
            key.push_str(before);
            key.push_str("{id}");
            key.push_str(after);
            if let Some(entry) = self.paths.get(&key).filter(|_| !id.is_empty()) {
                return self.pick(method, entry, Some(id));
            }
        }
        Found::Nothing
    }

    fn pick<'r>(&'r self, method: &Method, entry: &'r [(Method, usize)], id: Option<&str>) -> Found<'r> {
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        match entry.iter().find(|(m, _)| m == wanted).and_then(|(_, at)| self.operations.get(*at)) {
            Some(operation) => Found::Operation(operation, id.map(str::to_owned)),
            None => Found::Other(entry.iter().map(|(m, _)| m.as_str()).collect::<Vec<_>>().join(", ")),
        }
    }

    /// The one door. Everything that is done is done here: the right is checked in the same transaction in which the work happens.
    pub async fn call(&self, cx: &Ctx, operation: &Arc<Operation>, call: Call) -> Result<Reply> {
        cx.app().room().admit_operation(operation)?;
        let outcome = run(&cx.entering(operation), operation, call).await;
        if outcome.as_ref().is_err_and(|error| error.code() == Code::Denied) && cx.member().is_some() {
            let who = Who::Denied { tenant: cx.tenant_id(), actor: Some(cx.actor().to_owned()) };
            cx.app().waiting().tried(who, &operation.name);
        }
        outcome
    }
}

async fn run(cx: &Ctx, operation: &Operation, call: Call) -> Result<Reply> {
    match &operation.run {
        Run::Read(run) => read(cx, run, call).await,
        Run::Record(run) => {
            let found = match &operation.plan {
                Some(plan) => tx::at_once(cx, plan, &call).await,
                None => None,
            };
            match found {
                Some(reply) => Ok(reply),
                None => read(cx, run, call).await,
            }
        }
        Run::Scan(run) => {
            let run = run.clone();
            cx.scan(move |tx| run(tx, &call)).await
        }
        Run::Write(run) => {
            let run = run.clone();
            cx.finish(call, move |tx, call| run(tx, call)).await
        }
        Run::Async(run) => {
            cx.check().await?;
            let key = Key::of(cx, &call).filter(|_| !operation.proof);
            if let Some(reply) = idempotency::earlier(cx, key.as_ref()).await? {
                return Ok(reply);
            }
            match run(cx.clone(), call).await {
                // Perhaps because the same request was done meanwhile: then its answer is this one's too.
                Err(error) => idempotency::earlier(cx, key.as_ref()).await.ok().flatten().ok_or(error),
                done => done,
            }
        }
    }
}

async fn read(cx: &Ctx, run: &InTx, call: Call) -> Result<Reply> {
    let run = run.clone();
    cx.read(move |tx| run(tx, &call)).await
}

impl App {
    /// Calls an operation by name, for jobs and the command line.
    pub async fn call(&self, cx: &Ctx, name: &str, call: Call) -> Result<Reply> {
        let registry = self.registry();
        let operation =
            registry.named(name).ok_or_else(|| Error::invalid(vec![Fault::new("", "operation", format!("There is no operation {name}."))]))?;
        registry.call(cx, operation, call).await
    }
}
