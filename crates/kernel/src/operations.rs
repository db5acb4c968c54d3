//! Operations as data: everything that can be done, with its permission, its shapes and where it runs. Every door
//! (HTTP, bulk, import, jobs, the command line) goes through [`Registry::call`]; there is no second way in.

mod call;
mod registry;

pub use call::{Body, Call, Content, Door, IfMatch, Reply};
pub use registry::{Found, Registry};

use crate::{
    access::{Access, Permission},
    ctx::Ctx,
    records::Plan,
    tx::Tx,
};
use base::{Error, Result};
use futures_util::future::BoxFuture;
use http::{Method, StatusCode};
use schemars::JsonSchema;
use std::sync::Arc;

type InTx = Arc<dyn Fn(&mut Tx<'_, '_>, &Call) -> Result<Reply> + Send + Sync>;
type Alone = Arc<dyn Fn(Ctx, Call) -> BoxFuture<'static, Result<Reply>> + Send + Sync>;

/// Where an operation runs; says at a glance what it may cost.
#[derive(Clone)]
pub enum Run {
    /// One record by id: inline on the worker.
    Read(InTx),
    /// The same of the resource that it is about, by one statement where nothing but the record has to be looked at.
    Record(InTx),
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
    /// The resource that it is about, where it is about one.
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
    /// Says which resource it is about.
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
    pub(crate) fn record(mut self, run: impl Fn(&mut Tx<'_, '_>, &Call) -> Result<Reply> + Send + Sync + 'static) -> Operation {
        self.run = Run::Record(Arc::new(run));
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
