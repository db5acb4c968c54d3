//! How an app comes to be: what must fit together is held together, the hub is opened, and nothing is done that grows with the number
//! of companies.

use super::{App, Inner, Parts};
use crate::{
    access,
    behind::Behind,
    catalogue::Catalogue,
    config::Config,
    credentials,
    http::Bodies,
    jobs::Dispatch,
    limits::Limits,
    mail::{Letters, Mailer},
    module::Module,
    operations::Registry,
    passwords::Passwords,
    platform::{self, AtOpen, Seal, Sweep},
    pressure::Pressure,
    room::Room,
    schema,
    secrets::RootKey,
    stalls::Stalls,
    stop::Stop,
    tokens::Tokens,
    waiting::Waiting,
};
use base::{Error, Result, TenantId};
use silo::Silos;
use std::sync::{Arc, OnceLock, atomic::AtomicBool};

impl App {
    /// Opens the hub and checks everything that must fit together. Does nothing that grows with the number of tenants.
    pub async fn start(parts: Parts) -> Result<App> {
        let Parts { config, modules, assets, demo } = parts;
        let key_file = Some(config.storage.root_key_file.as_path()).filter(|p| !p.as_os_str().is_empty());
        let (root, fresh) = RootKey::load(&config.data, key_file)?;
        let modules: Vec<Arc<Module>> = modules.into_iter().chain([platform::module()?]).map(Arc::new).collect();
        check_together(&modules)?;
        let registry = Registry::new(&modules)?;
        let job_kinds = modules.iter().flat_map(|m| &m.jobs).map(|kind| (kind.name.clone(), kind.clone())).collect();
        let catalogue = Arc::new(Catalogue::new(modules)?);
        let seal = Seal::new(&root)?;
        let behind = Arc::<Behind>::default();
        let at_open = AtOpen { catalogue: catalogue.clone(), seal: seal.clone(), root: root.clone(), behind: behind.clone() };
        let silos = Silos::start(silo_options(&config, at_open)).await?;
        first_of_its_kind(&silos, &root, fresh, config.storage.shared).await?;
        let root = if fresh { keep_root_key(&config, root)? } else { root };
        let origin = TenantId::HUB;
        let (always, sealing) = (catalogue.clone(), seal.clone());
        let first = move |sql: &mut silo::Tx<'_>| platform::first_rows(sql, &always, &sealing, origin, "EUR", "UTC");
        let hub = silos.create(TenantId::HUB, &schema::HUB, first).await?;
        std::fs::create_dir_all(config.data.join("spool"))?;
        let lifetime = config.tokens.access.0;
        let inner = Inner {
            tokens: Tokens::new(&root, &config.server.public_url, i64::from(lifetime))?,
            passwords: Passwords::start()?,
            mailer: Mailer::new(&config)?,
            letters: Letters::new(&config),
            limits: Limits::new(&config.limits),
            rights: access::Cache::new(50_000),
            credentials: credentials::Memory::new(50_000),
            dispatch: Dispatch::default(),
            node: base::new_id(),
            openapi: OnceLock::new(),
            changes: tokio::sync::broadcast::channel(1024).0,
            waiting: Waiting::default(),
            room: Room::new(&config),
            pressure: Pressure::new(config.limits.enabled),
            bodies: Bodies::default(),
            behind,
            sweep: Sweep::default(),
            stalls: Stalls::default(),
            draining: AtomicBool::new(false),
            stop: Stop::default(),
            config,
            silos,
            hub,
            catalogue,
            registry,
            root,
            seal,
            job_kinds,
            assets,
            demo,
        };
        Ok(App(Arc::new(inner)))
    }
}

/// Another root key is another installation. Refuses to begin one beside what is there already, unless that is meant; and to begin a hub
/// where only the hub's own file has gone.
async fn first_of_its_kind(silos: &Silos, root: &RootKey, fresh: bool, shared: bool) -> Result<()> {
    if silos.exists(TenantId::HUB).await? {
        return if fresh { Err(missing_key()) } else { Ok(()) };
    }
    if silos.any().await? {
        return Err(Error::malformed(
            "hub-missing",
            "The database of the hub is not there, but those of companies are. Put it back; nothing was changed.",
        ));
    }
    match silos.others().await?.as_slice() {
        _ if shared => Ok(()),
        [] => Ok(()),
        _ if fresh => Err(missing_key()),
        others => Err(Error::malformed(
            "root-key",
            format!(
                "This database was sealed with the root key {}, and the one at hand is {}. Put the right key in place, or set storage.shared = true to begin another installation in it; nothing was changed.",
                others.join(" or "),
                root.id()
            ),
        )),
    }
}

/// Only an installation that begins may get a new key.
fn missing_key() -> Error {
    Error::malformed(
        "root-key",
        "The root key is missing, and there is data that was sealed with it. Put root.key back from its backup, or name its file by TENON_ROOT_KEY_FILE; nothing was changed.",
    )
}

fn keep_root_key(config: &Config, root: RootKey) -> Result<RootKey> {
    let path = config.data.join("root.key");
    root.keep(&path)?;
    tracing::warn!(path = %path.display(), "a root key was made: back it up, without it nothing sealed can be read again");
    Ok(root)
}

fn silo_options(config: &Config, at_open: AtOpen) -> silo::Options {
    let engine = if config.storage.silos.is_empty() {
        silo::Engine::Sqlite { dir: config.data.join("silos") }
    } else {
        silo::Engine::Postgres { url: config.storage.silos.clone(), pool: 16 }
    };
    let max_open = Some(config.server.max_open_silos).filter(|n| *n > 0);
    silo::Options { engine, installation: at_open.root.id(), max_open, at_open: Arc::new(move |_, sql| at_open.run(sql)) }
}

/// What no module can check alone.
fn check_together(modules: &[Arc<Module>]) -> Result<()> {
    let manifests: Vec<_> = modules.iter().map(|module| &module.manifest).collect();
    crate::manifest::check_together(&manifests).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Error::malformed("manifest", lines.join("\n"))
    })
}
