//! Operations as data: everything that can be done, with its permission, its shapes and where it runs. Every door
//! (HTTP, bulk, import, jobs, the command line) goes through [`Registry::call`]; there is no second way in.

use crate::{
    access::{Access, Permission},
    app::App,
    ctx::Ctx,
    idempotency::{self, Key},
    module::Module,
    records::Plan,
    tx::{self, Tx},
    waiting::Who,
};
use base::{Code, Error, Fault, Result};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderName, Method, StatusCode};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::{collections::HashMap, path::PathBuf, sync::Arc};

/// The ways by which an operation can be reached. The authorization sweep walks all of them: a new one fails it until it is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    Http,
    Bulk,
    Import,
    Job,
    CommandLine,
}

impl Door {
    pub const ALL: [Door; 5] = [Door::Http, Door::Bulk, Door::Import, Door::Job, Door::CommandLine];
}

/// What one caller wants of one operation, already off the wire.
pub struct Call {
    pub door: Door,
    /// The `{id}` of the path. An id spelled in any other way than our own is never asked of the database.
    pub id: Option<String>,
    pub query: Vec<(String, String)>,
    pub body: Body,
    pub if_match: Option<IfMatch>,
    pub if_none_match: Option<i64>,
    pub idempotency_key: Option<String>,
    pub last_event_id: Option<String>,
    /// `Prefer: respond-async` (RFC 7240): do not wait for long work.
    pub respond_async: bool,
    /// SHA-256 of an upload.
    pub file_hash: [u8; 32],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMatch {
    Any,
    Version(i64),
    /// A tag that we never gave out: no record has it.
    Never,
}

/// What came with the request.
pub enum Body {
    Empty,
    Json(Bytes),
    /// A large upload, spooled to a file that goes away with this value.
    File(tempfile::NamedTempFile),
}

impl Call {
    pub fn new(door: Door) -> Call {
        Call {
            door,
            id: None,
            query: Vec::new(),
            body: Body::Empty,
            if_match: None,
            if_none_match: None,
            idempotency_key: None,
            last_event_id: None,
            respond_async: false,
            file_hash: [0; 32],
        }
    }
    pub fn with_id(mut self, id: impl Into<String>) -> Call {
        self.id = Some(id.into());
        self
    }
    pub fn with_json(mut self, body: &impl serde::Serialize) -> Result<Call> {
        self.body = Body::Json(serde_json::to_vec(body).map_err(Error::internal)?.into());
        Ok(self)
    }
    /// The `{id}` of the path; nothing to find where there is none.
    pub fn id(&self) -> Result<&str> {
        self.id.as_deref().ok_or_else(Error::not_found)
    }
    /// The `{id}` where it must be a record's: any other spelling names nothing.
    pub fn record_id(&self) -> Result<&str> {
        self.id().and_then(|id| if base::is_id(id) { Ok(id) } else { Err(Error::not_found()) })
    }
    /// The JSON body as bytes; an absent one reads as `{}`.
    pub fn body(&self) -> &[u8] {
        match &self.body {
            Body::Json(bytes) if !bytes.is_empty() => bytes,
            Body::Json(_) | Body::Empty | Body::File(_) => b"{}",
        }
    }
    /// The body as a typed input. The fault names the field and, for a slip of the pen, the nearest name.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        crate::json::read(self.body())
    }
    /// One query parameter, by name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
    /// Refuses query parameters that the operation does not know.
    pub fn only_query(&self, known: &[&str]) -> Result<()> {
        match self.query.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            Some((key, _)) => Err(Error::fault(key.clone(), "unknown", crate::json::unknown("parameter", key, known.iter().copied()))),
            None => Ok(()),
        }
    }
    /// A query parameter that is true or false.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.query(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Error::fault(name, "boolean", "Write true or false.")),
        }
    }
    /// `limit`, between 1 and 200; 50 where it is absent.
    pub fn limit(&self) -> Result<usize> {
        match self.query("limit").map(str::parse::<usize>) {
            None => Ok(50),
            Some(Ok(n)) if (1..=200).contains(&n) => Ok(n),
            Some(_) => Err(Error::fault("limit", "range", "Write a number from 1 to 200.")),
        }
    }
    pub fn file(&self) -> Result<PathBuf> {
        match &self.body {
            Body::File(file) => Ok(file.path().to_owned()),
            Body::Empty | Body::Json(_) => Err(Error::fault("", "body", "Send a file.")),
        }
    }
}

/// What goes back: bytes that are ready to be sent.
pub struct Reply {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: Content,
    /// The version of the full representation; becomes the `ETag`.
    pub version: Option<i64>,
    pub headers: Vec<(HeaderName, String)>,
}

pub enum Content {
    Bytes(Bytes),
    /// Chunks made while the client reads; an error ends the connection, so that a cut answer never looks whole.
    Stream(tokio::sync::mpsc::Receiver<Result<Bytes>>),
}

impl Reply {
    pub fn bytes(status: StatusCode, body: impl Into<Bytes>) -> Reply {
        Reply { status, content_type: "application/json", body: Content::Bytes(body.into()), version: None, headers: Vec::new() }
    }
    pub fn json(value: &impl serde::Serialize) -> Result<Reply> {
        Reply::json_as(StatusCode::OK, value)
    }
    pub fn json_as(status: StatusCode, value: &impl serde::Serialize) -> Result<Reply> {
        serde_json::to_vec(value).map(|body| Reply::bytes(status, body)).map_err(Error::internal)
    }
    pub fn empty() -> Reply {
        Reply::bytes(StatusCode::NO_CONTENT, Bytes::new())
    }
    pub fn stream(content_type: &'static str, chunks: tokio::sync::mpsc::Receiver<Result<Bytes>>) -> Reply {
        Reply { status: StatusCode::OK, content_type, body: Content::Stream(chunks), version: None, headers: Vec::new() }
    }
    pub fn with_version(mut self, version: i64) -> Reply {
        self.version = Some(version);
        self
    }
    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }
    /// Whether this is the kept answer to an earlier request with the same `Idempotency-Key`.
    pub fn is_replay(&self) -> bool {
        self.headers.iter().any(|(name, _)| name == "idempotency-replayed")
    }
    /// The body as one piece, for callers inside the house. A stream has none.
    pub fn into_bytes(self) -> Bytes {
        match self.body {
            Content::Bytes(bytes) => bytes,
            Content::Stream(_) => Bytes::new(),
        }
    }
}

type InTx = Arc<dyn Fn(&mut Tx<'_, '_>, &Call) -> Result<Reply> + Send + Sync>;
type Alone = Arc<dyn Fn(Ctx, Call) -> BoxFuture<'static, Result<Reply>> + Send + Sync>;

/// Where an operation runs; says at a glance what it may cost.
#[derive(Clone)]
pub enum Run {
    /// One record by id: inline on the worker.
    Read(InTx),
    /// The same of a resource, by one statement where nothing but the record has to be looked at.
    Record(Arc<Plan>, InTx),
    /// Lists, counts, searches: blocking pool, own connection, time limit.
    Scan(InTx),
    /// One unit of work on the silo's writer, together with its idempotency row.
    Write(InTx),
    /// Several steps, or something slow beside the database. Its last step is `cx.finish`.
    Async(Alone),
}

/// What an operation reads.
#[derive(Clone)]
pub enum Input {
    None,
    Json(serde_json::Value),
    /// A file of this content type.
    File(&'static str),
}

/// What an operation answers.
#[derive(Clone)]
pub enum Output {
    Empty,
    Json(serde_json::Value),
    Stream(&'static str),
}

/// A query parameter, for the OpenAPI document.
#[derive(Clone)]
pub struct Param {
    pub name: &'static str,
    pub about: &'static str,
}

/// One thing that can be done.
#[derive(Clone)]
pub struct Operation {
    /// `module.resources.verb`, such as `crm.deals.win`.
    pub name: String,
    pub about: String,
    pub method: Method,
    /// Below `/api/v1/`, with `{id}` where an id stands.
    pub path: String,
    pub access: Access,
    pub input: Input,
    pub output: Output,
    pub status: StatusCode,
    pub params: Vec<Param>,
    pub plan: Option<Arc<Plan>>,
    /// The first `/`-less part of its name: the module that must be installed; the platform's own are always there.
    pub module: String,
    /// Whether the answer shows a secret once: it is then stored sealed.
    pub secret: bool,
    /// Proves who somebody is: the narrow limits of the sign-in family apply.
    pub credential: bool,
    /// Its answer sets the session cookie of a browser, so it is refused to other sites' pages.
    pub cookie: bool,
    /// Its body proves who asks, each time anew: a kept answer is for those who have proved it again.
    pub proof: bool,
    pub run: Run,
}

impl Operation {
    fn new(method: Method, name: &str, path: &str, about: &str) -> Operation {
        Operation {
            name: name.into(),
            about: about.into(),
            method,
            path: path.into(),
            access: Access::SignedIn,
            input: Input::None,
            output: Output::Empty,
            status: StatusCode::OK,
            params: Vec::new(),
            plan: None,
            module: name.split('.').next().unwrap_or_default().into(),
            secret: false,
            credential: false,
            cookie: false,
            proof: false,
            run: Run::Scan(Arc::new(|_, _| Err(Error::internal("an operation without a handler")))),
        }
    }
    pub fn get(name: &str, path: &str, about: &str) -> Operation {
        Operation::new(Method::GET, name, path, about)
    }
    pub fn post(name: &str, path: &str, about: &str) -> Operation {
        Operation::new(Method::POST, name, path, about)
    }
    pub fn patch(name: &str, path: &str, about: &str) -> Operation {
        Operation::new(Method::PATCH, name, path, about)
    }
    pub fn delete(name: &str, path: &str, about: &str) -> Operation {
        Operation::new(Method::DELETE, name, path, about)
    }
    /// Anybody may call it; it runs as `system:<module>` in the hub silo.
    pub fn public(mut self) -> Operation {
        self.access = Access::Public;
        self
    }
    /// Only who holds this permission may call it.
    pub fn needs(mut self, permission: &str) -> Operation {
        self.access = Access::Needs(Permission::named(permission));
        self
    }
    pub fn reads<T: JsonSchema>(mut self) -> Operation {
        self.input = Input::Json(schema_of::<T>());
        self
    }
    pub fn reads_json(mut self, schema: serde_json::Value) -> Operation {
        self.input = Input::Json(schema);
        self
    }
    pub fn reads_file(mut self, content_type: &'static str) -> Operation {
        self.input = Input::File(content_type);
        self
    }
    pub fn answers<T: JsonSchema>(mut self, status: StatusCode) -> Operation {
        self.output = Output::Json(schema_of::<T>());
        self.status = status;
        self
    }
    pub fn answers_json(mut self, status: StatusCode, schema: serde_json::Value) -> Operation {
        self.output = Output::Json(schema);
        self.status = status;
        self
    }
    pub fn answers_stream(mut self, content_type: &'static str) -> Operation {
        self.output = Output::Stream(content_type);
        self
    }
    pub fn answers_empty(mut self) -> Operation {
        self.output = Output::Empty;
        self.status = StatusCode::NO_CONTENT;
        self
    }
    pub fn param(mut self, name: &'static str, about: &'static str) -> Operation {
        self.params.push(Param { name, about });
        self
    }
    pub fn of(mut self, plan: &Arc<Plan>) -> Operation {
        self.plan = Some(plan.clone());
        self
    }
    /// The answer holds a secret that is shown once; should it be kept for a retry, it is kept sealed.
    pub fn shows_secret(mut self) -> Operation {
        self.secret = true;
        self
    }
    /// Takes or makes credentials: the narrow limits of the sign-in family apply.
    pub fn takes_credential(mut self) -> Operation {
        self.credential = true;
        self
    }
    /// Signs a browser in or out.
    pub fn sets_cookie(mut self) -> Operation {
        self.cookie = true;
        self
    }
    /// Proves in its body who asks, such as by a password. Its kept answer, cookie included, is given by its own last step only, so to
    /// nobody who cannot prove it any more.
    pub fn proves_each_time(mut self) -> Operation {
        self.proof = true;
        self
    }
    pub fn read(mut self, run: impl Fn(&mut Tx<'_, '_>, &Call) -> Result<Reply> + Send + Sync + 'static) -> Operation {
        self.run = Run::Read(Arc::new(run));
        self
    }
    pub(crate) fn record(mut self, plan: &Arc<Plan>, run: impl Fn(&mut Tx<'_, '_>, &Call) -> Result<Reply> + Send + Sync + 'static) -> Operation {
        self.run = Run::Record(plan.clone(), Arc::new(run));
        self
    }
    pub fn scan(mut self, run: impl Fn(&mut Tx<'_, '_>, &Call) -> Result<Reply> + Send + Sync + 'static) -> Operation {
        self.run = Run::Scan(Arc::new(run));
        self
    }
    pub fn write(mut self, run: impl Fn(&mut Tx<'_, '_>, &Call) -> Result<Reply> + Send + Sync + 'static) -> Operation {
        self.run = Run::Write(Arc::new(run));
        self
    }
    pub fn run<F: Future<Output = Result<Reply>> + Send + 'static>(mut self, run: impl Fn(Ctx, Call) -> F + Send + Sync + 'static) -> Operation {
        self.run = Run::Async(Arc::new(move |cx, call| Box::pin(run(cx, call))));
        self
    }
}

/// The JSON Schema of a Rust type, as it stands in the OpenAPI document.
pub fn schema_of<T: JsonSchema>() -> serde_json::Value {
    let mut generator = schemars::generate::SchemaSettings::draft2020_12().with(|s| {
        s.meta_schema = None;
        s.inline_subschemas = true;
    });
    generator.contract = schemars::generate::Contract::Deserialize;
    generator.into_generator().into_root_schema_for::<T>().to_value()
}

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

    /// Finds what a path below `/api/v1/` means: as it stands, then with `{id}` in the place of its third, second or last part.
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
        Run::Read(run) => {
            let run = run.clone();
            cx.read(move |tx| run(tx, &call)).await
        }
        Run::Record(plan, run) => match tx::at_once(cx, plan, &call).await {
            Some(reply) => Ok(reply),
            None => {
                let run = run.clone();
                cx.read(move |tx| run(tx, &call)).await
            }
        },
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

impl App {
    /// Calls an operation by name, for jobs and the command line.
    pub async fn call(&self, cx: &Ctx, name: &str, call: Call) -> Result<Reply> {
        let registry = self.registry();
        let operation =
            registry.named(name).ok_or_else(|| Error::invalid(vec![Fault::new("", "operation", format!("There is no operation {name}."))]))?;
        registry.call(cx, operation, call).await
    }
}
