use parking_lot::Mutex;
use std::{io::Write, sync::Arc};

/// Everything that is logged in this process from now on. Call it once. `filter` is a level, or one per target.
pub fn catch_logs(filter: &str) -> Arc<Mutex<Vec<u8>>> {
    let caught = Arc::new(Mutex::new(Vec::new()));
    let to = caught.clone();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(move || Log(to.clone())).init();
    caught
}

struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
