//! The context of one request or job: who acts, for which tenant, under which request id. A [`Ctx`] holds exactly one silo.
//!
//! It is made here and nowhere else, in exactly four ways: from a verified credential, from a claimed job, as
//! `system:<module>`, and as the operator's command line. There is no `Default` and no public constructor that takes a tenant
//! from a request: the tenant is fixed when a credential is issued.

use crate::{
    access::{Access, Subject},
    app::App,
    idempotency::Key,
    operations::{Call, Operation, Reply},
    tx::Tx,
};
use base::{Error, Result, TenantId};
use silo::Silo;
use std::{net::IpAddr, sync::Arc};

/// Who acts, where, and why. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    inner: Arc<Inner>,
    operation: Option<Arc<Operation>>,
}

struct Inner {
    app: App,
    silo: Silo,
    who: Arc<Identity>,
    trace: Trace,
}

/// Who acts: as a credential, a job or the platform itself says. Does not change while it is used, so requests share it.
#[derive(Debug)]
pub(crate) struct Identity {
    pub subject: Subject,
    /// As it stands in the log: `member:<id>`, `key:<id>`, `system:<module>`, `operator:<id>`, `anonymous`.
    pub actor: String,
    pub on_behalf_of: Option<String>,
    pub person: Option<Person>,
    pub tenant: Tenant,
    /// What a key was made for; a session has no such bound.
    pub scopes: Option<Vec<String>>,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Person {
    pub user: String,
    pub email: String,
    pub name: String,
    /// The session, refresh family or key by which this person came.
    pub credential: String,
}

/// The tenant's names, for display and for `tenant.slug` in expressions.
#[derive(Debug, Clone, Default)]
pub struct Tenant {
    pub slug: String,
    pub name: String,
}

/// What ties log lines, events and answers together.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    pub request_id: String,
    /// The id of the event or job that led to this.
    pub cause: Option<String>,
    pub ip: Option<IpAddr>,
    pub agent: Option<String>,
    /// Came from our own page in a browser, so that a cookie may be set.
    pub browser: bool,
    /// What the browser brought along from an earlier sign-in, if it did, where somebody proves who they are.
    pub device: Option<String>,
}

/// A credential that has been proved, on its way to becoming a `Ctx`. Only `credentials` makes one.
#[derive(Clone)]
pub(crate) struct Proved {
    /// The company it was issued for, if its owner is a member there.
    pub tenant: Option<TenantId>,
    pub who: Arc<Identity>,
    /// Whether the company is locked at the moment.
    pub suspended: bool,
}

impl Ctx {
    fn new(app: &App, silo: Silo, who: Arc<Identity>, trace: Trace) -> Ctx {
        Ctx { inner: Arc::new(Inner { app: app.clone(), silo, who, trace }), operation: None }
    }

    /// First way: from a verified credential. Somebody without any company stands in the hub with no rights at all.
    /// So does somebody who is `leaving` a company whose database is out of service.
    pub(crate) async fn of_credential(app: &App, proved: Proved, trace: Trace, leaving: bool) -> Result<Ctx> {
        let opened = match proved.tenant {
            Some(tenant) => app.silo(tenant).await,
            None => Ok(app.hub().clone()),
        };
        match opened {
            Err(error) if leaving && error.name() == Error::QUARANTINED => {
                let person = proved.who.person.clone();
                let who = Identity {
                    subject: Subject::Nobody,
                    actor: "anonymous".into(),
                    on_behalf_of: None,
                    person,
                    tenant: Tenant::default(),
                    scopes: proved.who.scopes.clone(),
                };
                Ok(Ctx::new(app, app.hub().clone(), Arc::new(who), trace))
            }
            opened => Ok(Ctx::new(app, opened?, proved.who, trace)),
        }
    }

    /// Second way: from a claimed job, for the member it was enqueued for (rights are read anew), or for the system.
    pub(crate) fn of_job(app: &App, silo: Silo, job: &crate::jobs::Claimed, tenant: Tenant) -> Ctx {
        let subject = match &job.member {
            Some(member) => Subject::Member(member.clone()),
            None => Subject::System(job.kind.split('.').next().unwrap_or_default().to_owned()),
        };
        let trace = Trace { request_id: job.request_id.clone().unwrap_or_default(), cause: Some(job.id.clone()), ..Trace::default() };
        let who = Identity { subject, actor: job.actor.clone(), on_behalf_of: None, person: None, tenant, scopes: job.scopes.clone() };
        Ctx::new(app, silo, Arc::new(who), trace)
    }

    /// Third way: a module acting for itself. Public operations run like this in the hub, and say `anonymous` in the log. `person` is
    /// whoever happens to be signed in while calling one.
    pub(crate) fn of_system(app: &App, module: &str, person: Option<Person>, trace: Trace) -> Ctx {
        Ctx::acting_as(app, app.hub().clone(), module, "anonymous".to_owned(), person, trace)
    }

    /// The same for what is told of somebody after the fact: the log names them, or nobody, as the one who acted.
    pub(crate) fn of_hindsight(app: &App, silo: Silo, actor: Option<&str>) -> Ctx {
        Ctx::acting_as(app, silo, "account", actor.unwrap_or("anonymous").to_owned(), None, Trace::default())
    }

    fn acting_as(app: &App, silo: Silo, module: &str, actor: String, person: Option<Person>, trace: Trace) -> Ctx {
        let subject = Subject::System(module.to_owned());
        let who = Identity { subject, actor, on_behalf_of: None, person, tenant: Tenant::default(), scopes: None };
        Ctx::new(app, silo, Arc::new(who), trace)
    }

    /// Fourth way: the operator's command line, beside the data.
    pub async fn of_command_line(app: &App, tenant: TenantId, names: Tenant) -> Result<Ctx> {
        let who =
            Identity { subject: Subject::Operator, actor: "operator:cli".into(), on_behalf_of: None, person: None, tenant: names, scopes: None };
        let trace = Trace { request_id: base::new_id(), ..Trace::default() };
        Ok(Ctx::new(app, app.silo(tenant).await?, Arc::new(who), trace))
    }

    /// The same actor in another silo, as the system of a platform module: how a new company gets its first rows. Only the platform's
    /// own crates have a silo to name.
    pub fn system_in(&self, silo: Silo, module: &str) -> Ctx {
        let who = &self.inner.who;
        Ctx::acting_as(self.app(), silo, module, who.actor.clone(), who.person.clone(), self.inner.trace.clone())
    }

    /// The same actor in the hub.
    pub fn in_hub(&self, module: &str) -> Ctx {
        self.system_in(self.app().hub().clone(), module)
    }

    /// The same actor in another tenant's silo: how somebody enters a company whose member they are only about to become.
    pub async fn in_silo(&self, tenant: TenantId, module: &str) -> Result<Ctx> {
        Ok(self.system_in(self.app().silo(tenant).await?, module))
    }

    /// Makes the silo of a new tenant; `init` writes its first rows in the same commit. Where it is already there, nothing happens.
    pub async fn new_silo(
        &self,
        tenant: TenantId,
        currency: &'static str,
        time_zone: &'static str,
        init: impl FnOnce(&mut Tx<'_, '_>) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        self.app().room().admit()?;
        self.app().may_be_made(tenant).await?;
        let cx = self.in_hub("account");
        let first = move |sql: &mut silo::Tx<'_>| {
            crate::platform::first_rows(sql, cx.app().catalogue(), cx.app().seal(), tenant, currency, time_zone)?;
            init(&mut Tx::begin(&cx, sql)?)
        };
        self.app().silos().create(tenant, &crate::schema::SILO, first).await.map(drop)
    }

    pub(crate) fn entering(&self, operation: &Arc<Operation>) -> Ctx {
        Ctx { inner: self.inner.clone(), operation: Some(operation.clone()) }
    }

    pub fn app(&self) -> &App {
        &self.inner.app
    }
    pub fn tenant_id(&self) -> TenantId {
        self.inner.silo.id()
    }
    pub fn tenant(&self) -> &Tenant {
        &self.inner.who.tenant
    }
    pub fn trace(&self) -> &Trace {
        &self.inner.trace
    }
    /// As the log names whoever acts.
    pub fn actor(&self) -> &str {
        &self.inner.who.actor
    }
    pub(crate) fn on_behalf_of(&self) -> Option<&str> {
        self.inner.who.on_behalf_of.as_deref()
    }
    pub(crate) fn subject(&self) -> &Subject {
        &self.inner.who.subject
    }
    pub(crate) fn scopes(&self) -> Option<&[String]> {
        self.inner.who.scopes.as_deref()
    }
    pub fn operation(&self) -> Option<&Arc<Operation>> {
        self.operation.as_ref()
    }
    /// The member of this silo who acts, if it is one.
    pub fn member(&self) -> Option<&str> {
        match &self.inner.who.subject {
            Subject::Member(member) => Some(member),
            Subject::System(_) | Subject::Operator | Subject::Nobody => None,
        }
    }
    pub fn person(&self) -> Option<&Person> {
        self.inner.who.person.as_ref()
    }
    /// Whoever is signed in, or 401.
    pub fn signed_in(&self) -> Result<&Person> {
        self.inner.who.person.as_ref().ok_or_else(Error::anonymous)
    }

    pub(crate) fn silo(&self) -> &Silo {
        &self.inner.silo
    }

    /// Whether the operation at hand may be called at all: for work that begins outside a transaction.
    pub async fn check(&self) -> Result<()> {
        self.read(|_| Ok(())).await
    }

    /// Reads one record by id.
    pub async fn read<T: Send + 'static>(&self, f: impl FnOnce(&mut Tx<'_, '_>) -> Result<T> + Send + 'static) -> Result<T> {
        let cx = self.clone();
        self.inner.silo.read(move |sql| f(&mut Tx::begin(&cx, sql)?)).await
    }

    /// Reads many: on the blocking pool, with a time limit.
    pub async fn scan<T: Send + 'static>(&self, f: impl FnOnce(&mut Tx<'_, '_>) -> Result<T> + Send + 'static) -> Result<T> {
        let cx = self.clone();
        self.inner.silo.scan(move |sql| f(&mut Tx::begin(&cx, sql)?)).await
    }

    /// One unit of work: all of it, durably, or none of it.
    pub async fn write<T: Send + 'static>(&self, f: impl FnOnce(&mut Tx<'_, '_>) -> Result<T> + Send + 'static) -> Result<T> {
        let cx = self.clone();
        self.inner.silo.write(move |sql| f(&mut Tx::begin(&cx, sql)?)).await
    }

    /// The last unit of work of an operation. Its answer is kept in the same commit under the caller's `Idempotency-Key`, so that
    /// the same request sent again gets the same answer and does nothing.
    pub async fn finish(&self, call: Call, f: impl FnOnce(&mut Tx<'_, '_>, &Call) -> Result<Reply> + Send + 'static) -> Result<Reply> {
        self.once(Key::of(self, &call), move |tx| f(tx, &call)).await
    }

    /// The first unit of an operation that goes on as a job: its answer is kept the same way, until [`Ctx::conclude`] replaces it. Whoever
    /// asks again is told of the job and begins no other.
    pub(crate) async fn begin(&self, call: &Call, f: impl FnOnce(&mut Tx<'_, '_>) -> Result<Reply> + Send + 'static) -> Result<Reply> {
        self.once(Key::of(self, call), f).await
    }

    /// The answer itself, where [`Ctx::begin`] has kept that there will be one.
    pub(crate) async fn conclude(&self, call: &Call, reply: Reply) -> Result<Reply> {
        match Key::of(self, call) {
            None => Ok(reply),
            Some(key) => self.write(move |tx| key.keep(tx, &reply).map(|()| reply)).await,
        }
    }

    async fn once(&self, key: Option<Key>, f: impl FnOnce(&mut Tx<'_, '_>) -> Result<Reply> + Send + 'static) -> Result<Reply> {
        self.write(move |tx| {
            if let Some(reply) = key.as_ref().map(|key| key.earlier(tx)).transpose()?.flatten() {
                return Ok(reply);
            }
            let reply = f(tx)?;
            if let Some(key) = &key {
                key.keep(tx, &reply)?;
            }
            Ok(reply)
        })
        .await
    }

    /// What all tries of one request under an `Idempotency-Key` share, and no other request has: for work in several steps, that finds
    /// by it how far an earlier try came. Nothing where the caller sent no key.
    pub fn request_mark(&self, call: &Call) -> Option<[u8; 32]> {
        Key::of(self, call).map(|key| key.mark())
    }

    /// Whether the operation at hand is open to everybody.
    pub fn is_public(&self) -> bool {
        self.operation.as_ref().is_some_and(|op| op.access == Access::Public)
    }

    /// Whether the credential that made this context still counts: for what outlives its request.
    pub(crate) async fn still_good(&self) -> Result<()> {
        match &self.inner.who.person {
            Some(person) => crate::credentials::still_good(self.app(), &person.credential).await,
            None => Ok(()),
        }
    }
}
