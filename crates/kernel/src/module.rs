//! A module: a product, or a part of the platform. A manifest with its resources, and, where it is more than data, operations and jobs in Rust.

use crate::{ctx::Ctx, jobs::Running, manifest::Manifest, operations::Operation, records::Plan, verbs};
use base::{Error, Result};
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// Does the work of one kind of job. Safe to run twice: a worker may die between the work and the note that it is done.
pub type Work = Arc<dyn Fn(Ctx, Running) -> BoxFuture<'static, Result<serde_json::Value>> + Send + Sync>;

/// A kind of job that a module knows how to do.
#[derive(Clone)]
pub struct JobKind {
    /// `module.resources.verb`.
    pub name: String,
    pub patience: Patience,
    pub work: Work,
}

/// How long work is tried again before it is put aside as dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    Tries(i64),
    /// Since it was enqueued.
    Seconds(i64),
}

pub struct Module {
    pub manifest: Manifest,
    pub plans: Vec<Arc<Plan>>,
    pub operations: Vec<Operation>,
    pub jobs: Vec<JobKind>,
    /// Part of the platform: in every silo without being installed.
    pub always: bool,
    /// Permissions that exist in the operator's silo only.
    pub hub_only: Vec<String>,
    shape: String,
}

impl Module {
    pub fn new(manifest: Manifest) -> Module {
        let plans = manifest.resources.clone();
        let declared = |name: &str| manifest.permissions.iter().any(|permission| permission.name == name);
        let operations = plans.iter().flat_map(|plan| verbs::operations(plan, &declared)).collect();
        let jobs = plans.iter().flat_map(verbs::jobs).collect();
        let shape = crate::install::shape(&manifest);
        Module { manifest, plans, operations, jobs, always: false, hub_only: Vec::new(), shape }
    }
    /// Reads `manifest.json` and the files `resources/<plural>.json`, each as (plural, text). `origin` names the folder in faults.
    pub fn parse(origin: &str, manifest: &str, resources: &[(&str, &str)]) -> Result<Module> {
        Manifest::read(manifest, resources).map(Module::new).map_err(|faults| {
            let lines: Vec<String> = faults.iter().map(|fault| format!("{origin}/{fault}")).collect();
            Error::malformed("manifest", lines.join("\n"))
        })
    }
    /// What its tables look like, as kept in each silo that has them.
    pub(crate) fn shape(&self) -> &str {
        &self.shape
    }
    /// Of its permissions, those that exist in the operator's silo only.
    pub fn hub_only(mut self, names: &[&str]) -> Module {
        self.hub_only = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }
    pub fn always(mut self) -> Module {
        self.always = true;
        self
    }
    pub fn operation(mut self, operation: Operation) -> Module {
        self.operations.push(operation);
        self
    }
    pub fn operations(mut self, operations: impl IntoIterator<Item = Operation>) -> Module {
        self.operations.extend(operations);
        self
    }
    pub fn job<F: Future<Output = Result<serde_json::Value>> + Send + 'static>(
        self,
        name: &str,
        attempts: i64,
        work: impl Fn(Ctx, Running) -> F + Send + Sync + 'static,
    ) -> Module {
        self.job_for(name, Patience::Tries(attempts), work)
    }
    pub fn job_for<F: Future<Output = Result<serde_json::Value>> + Send + 'static>(
        mut self,
        name: &str,
        patience: Patience,
        work: impl Fn(Ctx, Running) -> F + Send + Sync + 'static,
    ) -> Module {
        self.jobs.push(JobKind { name: name.into(), patience, work: Arc::new(move |cx, job| Box::pin(work(cx, job))) });
        self
    }
}
