use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Nobody: PostgreSQL does not run as root.
const NOBODY: u32 = 65534;

/// A PostgreSQL of a test's own, which the test may kill, hold up and set as it likes. Everything is gone with this value.
pub struct Postgres {
    folder: tempfile::TempDir,
    bin: PathBuf,
    address: SocketAddr,
    server: Option<Child>,
}

impl Postgres {
    /// A new server with these settings (`max_connections=20`). `None`, and a word about it, where the tests do not run on PostgreSQL.
    pub fn start(test: &str, settings: &[&str]) -> Option<Postgres> {
        if std::env::var("TENON_TEST_POSTGRES").is_err() {
            println!("{test} is about PostgreSQL: run it by scripts/postgres.sh");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(folder.path(), owner(), owner()).unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut postgres = Postgres { folder, bin: bin(), address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), server: None };
        let made =
            postgres.command("initdb").arg("-D").arg(postgres.data()).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]).output();
        let made = made.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let folder = postgres.folder.path().display().to_string();
        let mut text = format!("port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{folder}'\nfsync = off\n");
        for setting in settings {
            text.push_str(&format!("{setting}\n"));
        }
        std::fs::write(postgres.data().join("postgresql.auto.conf"), text).unwrap();
        postgres.go_on();
        Some(postgres)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As it stands in the configuration, by way of an address: the server's own, or a proxy's.
    pub fn url(&self, by: SocketAddr) -> String {
        format!("postgres://postgres@{by}/postgres")
    }

    /// Starts it again over the same data, and waits until it takes connections.
    pub fn go_on(&mut self) {
        let server = self.command("postgres").arg("-D").arg(self.data()).stderr(Stdio::null()).stdout(Stdio::null()).spawn();
        self.server = Some(server.unwrap());
        let begun = Instant::now();
        while !self.sql("SELECT 1") {
            assert!(begun.elapsed() < Duration::from_secs(30), "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// `pg_ctl stop -m immediate`: no goodbye, and recovery at the next start.
    pub fn stop_at_once(&mut self) {
        self.signal("QUIT", &[self.pid()]);
        self.ended();
    }

    /// Kills the server and every process of it.
    pub fn kill(&mut self) {
        let all = self.processes();
        self.signal("KILL", &all);
        self.ended();
    }

    /// Every process of it stands still.
    pub fn hold(&self) {
        self.signal("STOP", &self.processes());
    }

    pub fn release(&self) {
        self.signal("CONT", &self.processes());
    }

    /// Runs a statement as the superuser, and says whether it succeeded.
    pub fn sql(&self, statement: &str) -> bool {
        let mut psql = self.command("psql");
        psql.args(["-q", "-X", "-h", "127.0.0.1", "-p", &self.address.port().to_string(), "-U", "postgres", "-c", statement, "postgres"]);
        psql.output().unwrap().status.success()
    }

    /// Changes a setting of the running server.
    pub fn set(&self, setting: &str) {
        assert!(self.sql(&format!("ALTER SYSTEM SET {setting}")) && self.sql("SELECT pg_reload_conf()"), "{setting}");
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.current_dir(self.folder.path());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn pid(&self) -> u32 {
        self.server.as_ref().unwrap().id()
    }

    /// The server and its children, each of which leads a group of its own.
    fn processes(&self) -> Vec<u32> {
        let server = self.pid();
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        // The parent is the second field behind the name, which stands in parentheses and may hold anything.
        let parent = |pid: &u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok()
        };
        let children = pids.filter(|pid| parent(pid) == Some(server));
        std::iter::once(server).chain(children).collect()
    }

    fn signal(&self, name: &str, pids: &[u32]) {
        // One of them may have ended meanwhile.
        drop(Command::new("kill").arg(format!("-{name}")).args(pids.iter().map(u32::to_string)).output().unwrap());
    }

    fn ended(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.wait().unwrap();
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.kill();
        }
    }
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

fn owner() -> Option<u32> {
    is_root().then_some(NOBODY)
}

/// The newest version that the system's packages have, as in scripts/postgres.sh.
fn bin() -> PathBuf {
    let mut all: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin): &(u32, PathBuf)| bin.join("postgres").exists())
        .collect();
    all.sort();
    let on_path =
        || std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).find(|dir: &PathBuf| Path::new(dir).join("initdb").exists());
    all.pop().map(|(_, bin)| bin).or_else(on_path).expect("PostgreSQL is missing: scripts/packages.sh says how to get it")
}
