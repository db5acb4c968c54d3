//! A server that is started for a proof, to be killed.

use super::socket::Connection;
use crate::door::{Asked, Door};
use base::{Error, Result};
use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Longer than any recovery may take; whoever waits so long waits for nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is started: this binary, with its data in a scratch folder, on a port that was free.
pub struct Installation {
    binary: PathBuf,
    pub data: PathBuf,
    pub at: SocketAddr,
    /// What the server says on standard error, over all its lives.
    pub log: PathBuf,
}

/// One life of the server. It ends, at the latest, with this value.
pub struct Child(std::process::Child);

impl Installation {
    pub fn new(binary: &Path, scratch: &super::Scratch) -> Result<Installation> {
        // Free now, and nobody else asks for it until the server does.
        let at = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        Ok(Installation { binary: binary.to_owned(), data: scratch.data(), at, log: scratch.path().join("server.log") })
    }

    pub fn door(&self) -> Door {
        Door::Socket { at: self.at, data: self.data.clone() }
    }

    pub fn start(&self) -> Result<Child> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = self.command();
        command.args(["serve", "--listen", &self.at.to_string()]).stdout(Stdio::null()).stderr(log);
        Ok(Child(command.spawn()?))
    }

    /// Starts the server and waits until it says that it is ready. How long that took is told.
    pub async fn serve(&self) -> Result<(Child, Duration)> {
        let started = Instant::now();
        let mut child = self.start()?;
        while started.elapsed() < PATIENCE {
            if let Ok(mut connection) = Connection::open(self.at).await
                && connection.send(&Asked::get("/ready")).await.is_ok_and(|answer| answer.status == 200)
            {
                return Ok((child, started.elapsed()));
            }
            if let Some(status) = child.0.try_wait()? {
                return Err(Error::unavailable(format!("The server ended with {status}: {}", self.last_words())));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Err(Error::unavailable(format!("The server was not ready after {PATIENCE:?}: {}", self.last_words())))
    }

    /// Another command of the same binary, on the same data, beside the server. Returns what it says on standard output.
    pub async fn run(&self, args: &[&str]) -> Result<Vec<u8>> {
        let mut command = self.command();
        command.args(args).stderr(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output()).await.map_err(Error::internal)??;
        match output.status.code() {
            // A proof that failed has said so on standard output.
            Some(0 | 1) => Ok(output.stdout),
            _ => Err(Error::internal(format!("{args:?} ended with {}", output.status))),
        }
    }

    /// Nothing of the environment of the real installation reaches this one.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().env("TENON_DATA", &self.data).env("TENON_LIMITS__ENABLED", "false").env("TENON_TOKENS__ACCESS", "1d");
        command.stdin(Stdio::null());
        command
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().last().unwrap_or("it said nothing").to_owned()
    }
}

impl Child {
    /// SIGKILL: nothing in the process runs after it.
    pub fn kill(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Fails only where the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
