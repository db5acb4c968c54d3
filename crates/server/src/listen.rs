//! The listener: accepts, hands over to `kernel::http`, and goes away without dropping anybody.

use base::Result;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use kernel::App;
use std::{convert::Infallible, time::Duration};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};

/// After SIGTERM `/ready` says no for so long before the listener closes, so that balancers look elsewhere first.
const DRAIN: Duration = Duration::from_secs(2);
/// What is under way gets so long to end.
const PATIENCE: Duration = Duration::from_secs(10);
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_HEADER: usize = 16 * 1024;

/// How serving came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Somebody has said so, and what was under way has ended.
    Stopped,
    /// The disk under the hub's database has failed. Nothing was waited for and nothing is to be written any more: only a new process can
    /// tell what is on the disk.
    DiskFailed,
}

/// Serves until it is told to stop. SIGTERM drains first; Ctrl+C closes at once but still lets requests end.
pub async fn serve(app: &App) -> Result<End> {
    let config = app.config();
    let listener = TcpListener::bind(config.server.listen)
        .await
        .map_err(|cause| base::Error::malformed("listen", format!("{} cannot be listened on: {cause}.", config.server.listen)))?;
    app.start_background();
    announce(app);
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let connections = GracefulShutdown::new();
    let mut http = Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).writev(false).max_buf_size(MAX_HEADER.max(8192));
    http.http2().timer(TokioTimer::new()).max_concurrent_streams(100).max_header_list_size(u32::try_from(MAX_HEADER).unwrap_or(u32::MAX));
    let stopping = stop(app, &mut term, &mut interrupt);
    tokio::pin!(stopping);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stopping => break,
            why = app.silos().hub_failed() => {
                tracing::error!(cause = why.cause(), "the server ends because the disk failed the hub's database");
                return Ok(End::DiskFailed);
            }
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: others must close first.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        // Small answers must not wait for more of them; where the option is refused they only come later.
        let _ = stream.set_nodelay(true);
        let app = app.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let app = app.clone();
            async move { Ok::<_, Infallible>(kernel::http::handle(app, request, peer.ip()).await) }
        });
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service).into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    drop(listener);
    app.close_streams();
    if tokio::time::timeout(PATIENCE, connections.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
    Ok(End::Stopped)
}

async fn stop(app: &App, term: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => app.drain(),
        _ = term.recv() => {
            app.drain();
            tokio::time::sleep(DRAIN).await;
        }
    }
    tracing::info!("stopping");
}

fn announce(app: &App) {
    let config = app.config();
    println!("Tenon is at {}", config.server.public_url);
    if config.dev {
        println!("Mails are shown at {}/dev/mail", config.server.public_url);
    }
    tracing::info!(listen = %config.server.listen, data = %config.data.display(), dev = config.dev, "serving");
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Error;
    use faults::{Disk, Failure};
    use kernel::{app::Parts, config::Config};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn r_05_a_server_ends_when_the_disk_fails_its_hub() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::for_tests(folder.path()).unwrap();
        config.server.listen = "127.0.0.1:0".parse().unwrap();
        let disk = Disk::watch(&config.data).unwrap();
        let modules = server::modules::all(&config.data).unwrap();
        let app = App::start(Parts { config, modules, assets: |_| None, demo: None }).await.unwrap();
        let serving = tokio::spawn({
            let app = app.clone();
            async move { serve(&app).await }
        });
        disk.fail(Failure::Broken, 1, u64::MAX);
        let refused = app.hub().write(|tx| tx.run(r#"INSERT INTO "consumers" ("name", "seq") VALUES ('x', 0)"#, &[])).await.unwrap_err();
        assert_eq!(refused.name(), Error::SUSPECT);
        let end = tokio::time::timeout(Duration::from_secs(5), serving).await.unwrap().unwrap().unwrap();
        assert_eq!(end, End::DiskFailed);
    }
}
