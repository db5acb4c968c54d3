//! The running application: everything that requests and jobs share. Cheap to clone.

mod start;

use crate::{
    access,
    background::keep_running,
    behind::Behind,
    catalogue::Catalogue,
    config::Config,
    credentials,
    ctx::Tenant,
    http::Bodies,
    jobs::Dispatch,
    limits::Limits,
    mail::{Letters, Mailer},
    module::{JobKind, Module},
    operations::Registry,
    passwords::Passwords,
    platform::{
        self, Seal, Sweep,
        migrations::{Pace, Progress},
    },
    pressure::{self, Pressure},
    room::{self, Room},
    secrets::RootKey,
    stalls::Stalls,
    stop::Stop,
    tokens::Tokens,
    waiting::{Waiting, Who},
};
use base::{Code, Error, Result, TenantId};
use silo::{Silo, Silos};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, OnceLock, atomic::AtomicBool},
};

#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    config: Config,
    silos: Silos,
    hub: Silo,
    catalogue: Arc<Catalogue>,
    registry: Registry,
    rights: access::Cache,
    credentials: credentials::Memory,
    root: RootKey,
    seal: Seal,
    tokens: Tokens,
    passwords: Passwords,
    mailer: Mailer,
    letters: Letters,
    limits: Limits,
    dispatch: Dispatch,
    job_kinds: HashMap<String, JobKind>,
    node: String,
    assets: Assets,
    demo: Option<Demo>,
    openapi: OnceLock<bytes::Bytes>,
    /// Which silos have new events, for streams of this node.
    changes: tokio::sync::broadcast::Sender<TenantId>,
    waiting: Waiting,
    room: Room,
    pressure: Pressure,
    bodies: Bodies,
    behind: Arc<Behind>,
    sweep: Sweep,
    stalls: Stalls,
    draining: AtomicBool,
    stop: Stop,
}

/// A file of the console: content type and bytes.
pub type Asset = (&'static str, std::borrow::Cow<'static, [u8]>);
/// Gives a file of the console by its path.
pub type Assets = fn(&str) -> Option<Asset>;

/// Makes a sample company through ordinary operations and says how to sign in.
pub type Demo = fn(App) -> futures_util::future::BoxFuture<'static, Result<serde_json::Value>>;

/// What an app is made of.
pub struct Parts {
    pub config: Config,
    pub modules: Vec<Module>,
    pub assets: Assets,
    pub demo: Option<Demo>,
}

impl App {
    /// Starts what runs beside requests: jobs, checkpoints of the logs, what waits in memory to be written, the look at the disk, and
    /// the migration of silos that nobody opens.
    pub fn start_background(&self) {
        let background = |what: &'static str, app: App, run: fn(App) -> futures_util::future::BoxFuture<'static, ()>| {
            tokio::spawn(keep_running(what, self.0.stop.clone(), move || run(app.clone())));
        };
        background("jobs", self.clone(), |app| Box::pin(crate::jobs::dispatch(app)));
        background("upkeep", self.clone(), |app| Box::pin(platform::keep_up(app)));
        background("room", self.clone(), |app| Box::pin(room::keep(app)));
        background("pressure", self.clone(), |app| Box::pin(pressure::keep(app)));
        background("migrations", self.clone(), |app| Box::pin(platform::keep_migrating(app)));
        background("scrub", self.clone(), |app| Box::pin(platform::keep_scrubbing(app)));
    }

    /// Brings every silo to this version now, and says how far the installation is then. `tell` hears of the progress about once a second.
    pub async fn migrate_all(&self, tell: impl Fn(&Progress)) -> Result<Progress> {
        platform::sweep(self, Pace::AtOnce, tell).await
    }

    /// Reads every silo from end to end and says how many that were: within a week it happens by itself. What is damaged is closed.
    pub async fn scrub(&self) -> Result<u64> {
        platform::scrub(self).await
    }

    /// Tries once more what could not be migrated and is due: a few times a minute it happens by itself.
    pub async fn migrate_again(&self) -> Result<()> {
        platform::try_again(self).await
    }

    /// Stops accepting, lets jobs finish their step, writes down what waits, closes the silos.
    pub async fn shutdown(&self) {
        self.drain();
        self.0.stop.ring();
        let patience = std::time::Duration::from_secs(10);
        if tokio::time::timeout(patience, crate::jobs::drained(self)).await.is_err() {
            tracing::warn!("some jobs were still running; they are taken up again when their lease ends");
        }
        if let Err(error) = self.write_down().await {
            tracing::warn!(%error, "what waited in memory could not be written");
        }
        self.0.silos.shutdown().await;
    }

    /// Writes down what waits in memory: once a minute it happens by itself.
    pub async fn write_down(&self) -> Result<()> {
        platform::write_down(self).await
    }

    /// Takes out of the hub what has been over for long, and says how many rows that were: once an hour it happens by itself.
    pub async fn clean_up(&self) -> Result<u64> {
        platform::clean_up(self).await
    }

    /// Ends what would never end by itself: event streams, and the loops beside requests.
    pub fn close_streams(&self) {
        self.0.stop.ring();
    }

    /// From now on `/ready` says no, so that balancers look elsewhere.
    pub fn drain(&self) {
        self.0.draining.store(true, std::sync::atomic::Ordering::Relaxed);
    }
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(std::sync::atomic::Ordering::Relaxed)
    }

    pub fn config(&self) -> &Config {
        &self.0.config
    }
    pub fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }
    pub fn mailer(&self) -> &Mailer {
        &self.0.mailer
    }
    pub fn letters(&self) -> &Letters {
        &self.0.letters
    }
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }
    pub fn root_key(&self) -> &RootKey {
        &self.0.root
    }
    pub(crate) fn seal(&self) -> &Seal {
        &self.0.seal
    }
    /// All silos. For the platform's own crates: products have their `Ctx`, which holds one.
    pub fn silos(&self) -> &Silos {
        &self.0.silos
    }
    /// The hub's database. For the platform's own crates.
    pub fn hub(&self) -> &Silo {
        &self.0.hub
    }
    pub(crate) fn rights(&self) -> &access::Cache {
        &self.0.rights
    }
    pub(crate) fn credentials(&self) -> &credentials::Memory {
        &self.0.credentials
    }
    pub(crate) fn dispatch(&self) -> &Dispatch {
        &self.0.dispatch
    }
    pub(crate) fn node(&self) -> &str {
        &self.0.node
    }
    pub(crate) fn job_kind(&self, name: &str) -> Option<&JobKind> {
        self.0.job_kinds.get(name)
    }
    pub(crate) fn asset(&self, path: &str) -> Option<Asset> {
        (self.0.assets)(path)
    }
    pub(crate) fn demo(&self) -> Option<Demo> {
        self.0.demo
    }
    pub(crate) fn openapi(&self) -> &OnceLock<bytes::Bytes> {
        &self.0.openapi
    }
    pub(crate) fn changes(&self) -> &tokio::sync::broadcast::Sender<TenantId> {
        &self.0.changes
    }
    pub(crate) fn waiting(&self) -> &Waiting {
        &self.0.waiting
    }
    pub(crate) fn pressure(&self) -> &Pressure {
        &self.0.pressure
    }
    /// Requests that were refused since the start because there was more to do than can be done.
    pub fn shed(&self) -> u32 {
        self.0.pressure.shed()
    }
    pub(crate) fn bodies(&self) -> &Bodies {
        &self.0.bodies
    }
    pub(crate) fn room(&self) -> &Room {
        &self.0.room
    }
    /// How often and for how long nobody could go on.
    pub fn stalls(&self) -> &Stalls {
        &self.0.stalls
    }
    /// Counts a try to sign in that failed, for the hub's log: whose it was, where there is such an account, and what was wrong in one
    /// word. Never what was typed.
    pub fn sign_in_failed(&self, user: Option<&str>, why: &'static str) {
        self.waiting().tried(Who::Failed { user: user.map(str::to_owned) }, why);
    }
    pub(crate) fn stop(&self) -> &Stop {
        &self.0.stop
    }
    /// The engine that keeps the silos, as the hub writes it down: `sqlite` or `postgres`.
    pub fn placement(&self) -> &'static str {
        if self.config().storage.silos.is_empty() { "sqlite" } else { "postgres" }
    }
    pub(crate) fn behind(&self) -> &Behind {
        &self.0.behind
    }
    pub(crate) fn sweep(&self) -> &Sweep {
        &self.0.sweep
    }
    /// Names what this binary declares: see [`Catalogue::stamp`].
    pub fn stamp(&self) -> &str {
        self.0.catalogue.stamp()
    }
    /// What could not be migrated in a silo that this process has opened.
    pub fn not_migrated(&self, tenant: TenantId) -> Option<String> {
        self.0.behind.problem(tenant)
    }
    /// Where all uploads wait.
    pub(crate) fn uploads(&self) -> PathBuf {
        self.0.config.data.join("spool")
    }
    /// Where a company's uploads wait until their job is done.
    pub(crate) fn spool(&self, tenant: TenantId) -> Result<PathBuf> {
        let folder = self.uploads().join(tenant.hex());
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Takes away what there is of a company outside of the hub: its database, its uploads, and what this process remembers. Everybody
    /// must be out already. Safe to run twice.
    pub async fn destroy(&self, tenant: TenantId) -> Result<()> {
        self.silos().destroy(tenant).await?;
        base::step("delete.silo-gone")?;
        self.waiting().forget(tenant);
        match std::fs::remove_dir_all(self.uploads().join(tenant.hex())) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The silo of a tenant that the hub may know. Where it should be there and is not, the answer is not that it never was.
    pub async fn silo(&self, tenant: TenantId) -> Result<Silo> {
        match self.silos().open(tenant).await {
            Err(error) if error.code() == Code::NotFound && self.expects(tenant).await? => {
                Err(self.silos().quarantine(tenant, "its database is not there"))
            }
            opened => opened,
        }
    }

    /// A silo that the hub knows is never made anew in the place of one that went missing.
    pub(crate) async fn may_be_made(&self, tenant: TenantId) -> Result<()> {
        match self.status(tenant).await?.as_deref() {
            Some("deleted") => Err(Error::gone("deleted", "This company was deleted.")),
            Some(_) if !self.silos().exists(tenant).await? => Err(self.silos().quarantine(tenant, "its database is not there")),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether the hub knows this tenant, and does not know it to be deleted.
    async fn expects(&self, tenant: TenantId) -> Result<bool> {
        Ok(self.status(tenant).await?.is_some_and(|status| !matches!(status.as_str(), "deleted" | "restoring")))
    }

    /// Whether work may be done for this tenant: it is neither suspended nor deleted.
    pub(crate) async fn is_open(&self, tenant: TenantId) -> Result<bool> {
        Ok(tenant.is_hub() || self.status(tenant).await?.is_none_or(|status| status == "active"))
    }

    async fn status(&self, tenant: TenantId) -> Result<Option<String>> {
        let (id, find) = (tenant.to_string(), r#"SELECT "status" FROM "hub_tenants" WHERE "id" = ?1"#);
        self.hub().read(move |sql| sql.row(find, &[id.into()], |row| Ok(row.text(0)?.to_owned()))).await
    }

    /// A tenant's slug and name, as the hub knows them.
    pub async fn tenant_names(&self, tenant: TenantId) -> Result<Tenant> {
        if tenant.is_hub() {
            return Ok(Tenant { slug: "hub".into(), name: "Operator".into() });
        }
        let id = tenant.to_string();
        let found = self
            .hub()
            .read(move |sql| {
                sql.row(r#"SELECT "slug", "name" FROM "hub_tenants" WHERE "id" = ?1"#, &[(&id).into()], |row| {
                    Ok(Tenant { slug: row.text(0)?.to_owned(), name: row.text(1)?.to_owned() })
                })
            })
            .await?;
        found.ok_or_else(Error::not_found)
    }
}
