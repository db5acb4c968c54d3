//! Structured logs on standard error: a request id on every line of a request, never a body, a query or a secret.

use kernel::config::{Config, LogFormat};
use tracing_subscriber::EnvFilter;

/// Starts logging, for `serve` at the level that the configuration says. Other commands speak on standard output and log only what is wrong.
pub fn start(config: &Config, level: &str) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    match config.log.format {
        LogFormat::Json => lines.json().flatten_event(true).init(),
        LogFormat::Text => lines.compact().init(),
    }
    // A panic's message may hold what a customer typed; its place is enough to find it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic was caught");
    }));
}
