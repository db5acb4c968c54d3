//! The real binary, run beside the app of a test on the same data.

use serde_json::Value;
use std::process::Command;
use testkit::TestApp;

/// How a command ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|cause| panic!("{cause}: {self:?}"))
    }
}

/// Runs `tenon` on the data of `app`, which goes on meanwhile: one that stood still in the middle of a transaction would be in the way.
pub async fn tenon(app: &TestApp, args: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenon"));
    command.args(args).env_clear().env("TENON_DATA", app.app.config().data.as_os_str());
    let silos = &app.app.config().storage.silos;
    if !silos.is_empty() {
        command.env("TENON_SILOS", silos);
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    Run { code: output.status.code().unwrap_or(-1), out: String::from_utf8(output.stdout).unwrap(), err: String::from_utf8(output.stderr).unwrap() }
}
