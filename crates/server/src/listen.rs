//! The listener: accepts, hands over to `kernel::http`, and goes away without dropping anybody.

use base::{Error, Result};
use http::{HeaderValue, Version, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use kernel::{App, config::Seconds};
use listenfd::ListenFd;
use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{Signal, SignalKind, signal},
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// Connections that were taken just before the listener closed have so long to send their request and get its answer, which ends them.
const SETTLE: Duration = Duration::from_millis(500);
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
    let listener = listener(config.server.listen).await?;
    app.start_background();
    announce(app);
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let connections = GracefulShutdown::new();
    let mut http = Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).writev(false).max_buf_size(MAX_HEADER.max(8192));
    http.http2().timer(TokioTimer::new()).max_concurrent_streams(100).max_header_list_size(u32::try_from(MAX_HEADER).unwrap_or(u32::MAX));
    let stopping = stop(app, &mut term, &mut interrupt);
    tokio::pin!(stopping);
    let places = Arc::new(Semaphore::new(config.server.max_connections));
    loop {
        let (stream, peer, place) = tokio::select! {
            () = &mut stopping => break,
            why = app.silos().hub_failed() => {
                tracing::error!(cause = why.cause(), "the server ends because the disk failed the hub's database");
                return Ok(End::DiskFailed);
            }
            accepted = next(&places, &listener) => match accepted {
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
            async move {
                let asks_again = request.version() < Version::HTTP_2;
                let mut answer = kernel::http::handle(app.clone(), request, peer.ip()).await;
                // Its next request goes to whoever comes after us. HTTP/2 is told by GOAWAY when the listener closes.
                if asks_again && app.is_draining() {
                    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service).into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    app.close_streams();
    settle(&connections).await;
    if tokio::time::timeout(span(config.server.finish), connections.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
    Ok(End::Stopped)
}

/// The next connection, with a place for it. Whoever comes when all places are taken waits in the system's queue, where it costs next to
/// nothing.
async fn next(places: &Arc<Semaphore>, listener: &TcpListener) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

/// The socket that whoever started this process has opened and keeps, such as systemd: then nobody is refused while one server follows
/// another. Else one of our own.
async fn listener(at: SocketAddr) -> Result<TcpListener> {
    let refused = |cause: std::io::Error| Error::malformed("listen", format!("{at} cannot be listened on: {cause}."));
    match ListenFd::from_env().take_tcp_listener(0).map_err(refused)? {
        Some(given) => {
            given.set_nonblocking(true)?;
            TcpListener::from_std(given).map_err(refused)
        }
        None => TcpListener::bind(at).await.map_err(refused),
    }
}

/// A connection that is closed before its first request was read looks like a failure to whoever made it.
async fn settle(connections: &GracefulShutdown) {
    let until = tokio::time::Instant::now() + SETTLE;
    while connections.count() > 0 && tokio::time::Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn span(seconds: Seconds) -> Duration {
    Duration::from_secs(u64::from(seconds.0))
}

async fn stop(app: &App, term: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => app.drain(),
        _ = term.recv() => {
            app.drain();
            tokio::time::sleep(span(app.config().server.drain)).await;
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
