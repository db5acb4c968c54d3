//! The real binary, serving: with a listener that the test keeps when it goes, as systemd does.

use server::{
    door::{Asked, Door},
    verify::socket::Connection,
};
use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// An installation of a test: data, address and settings.
pub struct Place {
    pub data: PathBuf,
    pub at: SocketAddr,
    listener: Option<TcpListener>,
    env: Vec<(String, String)>,
}

/// One life of the server. It ends, at the latest, with this value.
pub struct Life(Child);

/// The binary that was built with these tests.
pub fn this_binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_tenon"))
}

impl Place {
    /// `env` is what is set for `tenon`, beside where its data are.
    pub fn new(data: &Path, env: &[(&str, &str)]) -> Place {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut all = Vec::new();
        if let Ok(url) = std::env::var("TENON_TEST_POSTGRES") {
            all.extend([("TENON_SILOS".to_owned(), url), ("TENON_STORAGE__SHARED".to_owned(), "true".to_owned())]);
        }
        all.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Place { data: data.to_owned(), at: listener.local_addr().unwrap(), listener: Some(listener), env: all }
    }

    /// Here each server opens the listener itself, as all versions can.
    pub fn alone(self) -> Place {
        Place { listener: None, ..self }
    }

    pub fn door(&self) -> Door {
        Door::Socket { at: self.at, data: self.data.clone() }
    }

    pub fn log(&self) -> PathBuf {
        self.data.with_extension("log")
    }

    /// `tenon` on this data, and nothing else of the environment.
    pub fn tenon(&self, binary: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(binary);
        command.args(args).stdin(Stdio::null());
        self.surroundings(&mut command);
        command
    }

    fn surroundings(&self, command: &mut Command) {
        command.env_clear().env("TENON_DATA", &self.data).env("TENON_LISTEN", self.at.to_string()).envs(self.env.clone());
    }

    /// Starts the server on the listener that is open here: its third file, as systemd hands it over.
    pub fn start(&self, binary: &Path) -> Life {
        let mut command = match &self.listener {
            None => self.tenon(binary, &["serve"]),
            Some(listener) => {
                let mut command = Command::new("/bin/sh");
                command.args(["-c", r#"LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" serve 3<&0 </dev/null"#]).arg(binary);
                self.surroundings(&mut command);
                command.stdin(OwnedFd::from(listener.try_clone().unwrap()));
                command
            }
        };
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        command.stdout(Stdio::null()).stderr(log);
        Life(command.spawn().unwrap())
    }

    /// The same, and waits until it is ready.
    pub async fn serve(&self, binary: &Path) -> Life {
        let mut life = self.start(binary);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            if self.is_ready().await {
                return life;
            }
            assert_eq!(life.end(), None, "{}", std::fs::read_to_string(self.log()).unwrap());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the server was not ready in time: {}", std::fs::read_to_string(self.log()).unwrap());
    }

    pub async fn is_ready(&self) -> bool {
        let Ok(mut connection) = Connection::open(self.at).await else { return false };
        let ready = tokio::time::timeout(Duration::from_secs(20), connection.send(&Asked::get("/ready"))).await;
        ready.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status == 200))
    }
}

impl Life {
    /// How it ended, if it has.
    pub fn end(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }

    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap().success());
    }

    /// Waits until it has gone by itself, and says whether it went well.
    pub async fn gone(mut self) -> bool {
        loop {
            if let Some(status) = self.end() {
                return status.success();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// SIGKILL: nothing in the process runs after it.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // Fails only where the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
