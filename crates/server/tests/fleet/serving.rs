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
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub struct Place {
    pub data: PathBuf,
    pub at: SocketAddr,
    listener: Option<TcpListener>,
    env: Vec<(String, String)>,
}

/// One life of the server. It ends, at the latest, with this value.
pub struct Life(Child);

impl Place {
    pub fn new(data: &Path, env: &[(&str, &str)]) -> Place {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut env: Vec<(String, String)> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        if let Ok(url) = std::env::var("TENON_TEST_POSTGRES") {
            env.extend([("TENON_SILOS".to_owned(), url), ("TENON_STORAGE__SHARED".to_owned(), "true".to_owned())]);
        }
        Place { data: data.to_owned(), at: listener.local_addr().unwrap(), listener: Some(listener), env }
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
        command.args(args);
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
            if let Ok(mut connection) = Connection::open(self.at).await
                && let Ok(Ok(answer)) = tokio::time::timeout(Duration::from_secs(20), connection.send(&Asked::get("/ready"))).await
                && answer.status == 200
            {
                return life;
            }
            assert_eq!(life.0.try_wait().unwrap(), None, "{}", std::fs::read_to_string(self.log()).unwrap());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the server was not ready in time: {}", std::fs::read_to_string(self.log()).unwrap());
    }
}

impl Life {
    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap().success());
    }

    /// Waits until it has gone by itself, and says whether it went well.
    pub async fn gone(mut self) -> bool {
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
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
