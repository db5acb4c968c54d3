//! The `tenon` binary: the command line, the list of modules, and the embedded console.

mod assets;
mod commands;
mod demo;
mod listen;
mod logs;

use base::{Error, Result};
use clap::{Args, Parser, Subcommand};
use commands::verify::Verify;
use kernel::{
    App,
    app::Parts,
    config::{self, Config, Sources},
};
use listen::End;
use std::{path::PathBuf, process::ExitCode};

/// Password hashes take 19 MiB each and let them go again; this allocator gives such memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `EX_IOERR` of sysexits.h: the disk failed the hub's database. Whatever keeps the server running starts it again.
const DISK_FAILED: u8 = 74;

/// Tenon: the half of a B2B product that every team builds again, done once.
#[derive(Parser)]
#[command(name = "tenon", version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args, Clone)]
struct Common {
    /// Folder of the data: root key, mails of the dev mailbox and, with SQLite, the databases [default: data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Configuration file [default: tenon.toml beside the data folder, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server
    Serve {
        /// Address and port to listen on [default: 127.0.0.1:7070]
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<String>,
        /// Development: mails at /dev/mail, wide limits
        #[arg(long)]
        dev: bool,
    },
    /// Make a sample company with people and deals, and say how to sign in
    Demo,
    /// Operators: who run this installation
    #[command(subcommand)]
    Operator(commands::people::Operator),
    /// People with an account
    #[command(subcommand)]
    User(commands::people::User),
    /// Tenants: companies, each with a database of its own
    #[command(subcommand)]
    Tenant(commands::tenant::Tenant),
    /// Bring every silo to this version now, instead of when it is next opened
    Migrate {
        /// Only say how many there are at this version, and which could not be brought there
        #[arg(long)]
        status: bool,
    },
    /// Prove that something is as it should be
    #[command(subcommand)]
    Verify(Verify),
    /// Print the OpenAPI document
    Openapi,
    /// The configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look for what is wrong with this installation, and say how to mend it (exit code 1: something is; 2: it cannot even start)
    Doctor {
        /// Only see whether each database opens; do not read them from end to end
        #[arg(long)]
        quick: bool,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Print the commented default configuration: the manual
    Default,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.common.json;
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            if json {
                eprintln!("{}", kernel::http::problem::value(&error));
            } else {
                eprintln!("tenon: {}", error.detail());
                for fault in error.faults() {
                    eprintln!("  {}: {}", fault.field, fault.message);
                }
                if let Some(cause) = error.cause() {
                    eprintln!("  because: {cause}");
                }
            }
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    if let Command::Config(ConfigCommand::Default) = cli.command {
        print!("{}", config::DEFAULT);
        return Ok(ExitCode::SUCCESS);
    }
    let (listen, dev) = match &cli.command {
        Command::Serve { listen, dev } => (listen.clone(), *dev),
        _ => (None, false),
    };
    let env = std::env::vars().filter(|(name, _)| name.starts_with("TENON_")).collect();
    let config = Config::load(&Sources { data: cli.common.data.clone(), file: cli.common.config.clone(), listen, dev, env })?;
    let level = match &cli.command {
        Command::Serve { .. } => config.log.level.as_str(),
        // The installation that a proof makes and takes away has nobody to be warned.
        Command::Verify(Verify::Proof(_)) => "error",
        _ => "warn",
    };
    logs::start(&config, level);
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(base::STACK).enable_all().build()?;
    runtime.block_on(dispatch(cli, config))
}

async fn start(config: Config) -> Result<App> {
    App::start(Parts { modules: server::modules::all(&config.data)?, config, assets: assets::find, demo: Some(demo::boxed) }).await
}

async fn dispatch(cli: Cli, config: Config) -> Result<ExitCode> {
    let json = cli.common.json;
    let command = match cli.command {
        // Proofs make data of their own, and nothing in the data folder that stays.
        Command::Verify(Verify::Proof(what)) => return commands::verify::prove(what, &config, json).await,
        Command::Doctor { quick } => return commands::doctor::run(config, quick, json).await,
        command => command,
    };
    let app = start(config).await?;
    let code = match command {
        Command::Serve { .. } => match listen::serve(&app).await? {
            End::Stopped => ExitCode::SUCCESS,
            // Closing in good order would write, and believe what the disk says.
            End::DiskFailed => return Ok(ExitCode::from(DISK_FAILED)),
        },
        Command::Demo => commands::people::demo(&app, json).await?,
        Command::Operator(what) => commands::people::operator(&app, what, json).await?,
        Command::User(what) => commands::people::user(&app, what, json).await?,
        Command::Tenant(what) => commands::tenant::run(&app, what, json).await?,
        Command::Migrate { status } => commands::tenant::migrate(&app, status, json).await?,
        Command::Verify(Verify::Audit { tenant }) => commands::verify::audit(&app, &tenant, json).await?,
        Command::Openapi => {
            let text = serde_json::to_string_pretty(&app.openapi_document()).map_err(Error::internal)?;
            println!("{text}");
            ExitCode::SUCCESS
        }
        Command::Verify(Verify::Proof(_)) | Command::Doctor { .. } | Command::Config(ConfigCommand::Default) => ExitCode::SUCCESS,
    };
    app.shutdown().await;
    Ok(code)
}
