//! The real binary, with one of its steps armed to end it.

use crate::points::Action;
use server::{
    door::{Asked, Door},
    verify::socket::Connection,
};
use std::{
    net::SocketAddr,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(20);

/// `tenon` on the data of a test, as an operator would start it, and with the same public address: credentials go on to count.
pub fn tenon(data: &Path, public_url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenon"));
    command.env_clear().env("TENON_DATA", data).env("TENON_LIMITS__ENABLED", "false").env("TENON_SERVER__PUBLIC_URL", public_url);
    command.env("TENON_STORAGE__BALLAST", "0").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Ok(url) = std::env::var("TENON_TEST_POSTGRES") {
        command.env("TENON_STORAGE__SILOS", url).env("TENON_STORAGE__SHARED", "true");
    }
    command
}

/// A server that will end itself at a step.
pub struct Doomed {
    child: Child,
    at: SocketAddr,
    data: PathBuf,
    point: String,
}

impl Doomed {
    /// `passes` is how often the step is let pass before.
    pub async fn start(data: &Path, public_url: &str, point: &str, passes: usize) -> Doomed {
        let at = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let kill = Action::Kill.text();
        let armed = if passes == 0 { format!("{point}={kill}") } else { format!("{point}={passes}*off->{kill}") };
        let mut command = tenon(data, public_url);
        let child = command.args(["serve", "--listen", &at.to_string()]).env("FAILPOINTS", armed).spawn().unwrap();
        let mut doomed = Doomed { child, at, data: data.to_owned(), point: point.to_owned() };
        let begun = Instant::now();
        while doomed.child.try_wait().unwrap().is_none() && !doomed.is_ready().await {
            assert!(begun.elapsed() < PATIENCE, "the server is not ready");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        doomed
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut connection) = Connection::open(self.at).await else { return false };
        connection.send(&Asked::get("/ready")).await.is_ok_and(|answer| answer.status == 200)
    }

    pub fn door(&self) -> Door {
        Door::Socket { at: self.at, data: self.data.clone() }
    }

    /// Waits for its end. Whether it came by the step: one that never reached it is ended here.
    pub async fn died(mut self, patience: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.signal().is_some(), "{}: the server ended by itself, with {status}", self.point);
                return true;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        false
    }
}
