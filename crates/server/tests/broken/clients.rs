//! Clients that go away: in the middle of a request, and from streams that never end by themselves. Over real sockets.

use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use serde_json::json;
use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};
use testkit::{ADMIN, OTHER_TENANT, TestApp, Who, soak, within};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    task::JoinSet,
    time::timeout,
};

const COMPANIES: &str = "/api/v1/crm/companies";

/// Serves the app as the binary does.
async fn listen(app: &TestApp) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, app) = (listener.local_addr().unwrap(), app.app.clone());
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let app = app.clone();
            tokio::spawn(async move {
                let service = service_fn(|request: hyper::Request<Incoming>| {
                    let app = app.clone();
                    async move { Ok::<_, Infallible>(kernel::http::handle(app, request, peer.ip()).await) }
                });
                // Whoever hangs up has no use for the reason.
                drop(Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    address
}

#[expect(clippy::disallowed_methods, reason = "a client on this machine")]
async fn connect(to: SocketAddr) -> TcpStream {
    TcpStream::connect(to).await.unwrap()
}

fn host(app: &TestApp) -> String {
    app.app.config().server.public_url.split("://").last().unwrap_or_default().to_owned()
}

fn request(app: &TestApp, who: Who, method: &str, path: &str, body: &str) -> String {
    let (host, token, length) = (host(app), app.token(who).unwrap(), body.len());
    format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_11_requests_that_are_given_up_anywhere_leave_nothing_of_one_company_with_another() {
    let app = Arc::new(TestApp::with(vec![testkit::crm()]).await);
    let at = listen(&app).await;
    let canary = |who: Who| if who == ADMIN { "canary-of-acme" } else { "canary-of-other" };
    for who in [ADMIN, OTHER_TENANT] {
        app.post(who, COMPANIES, json!({ "name": canary(who) })).await.expect(201);
    }
    let all = soak(400_u64, 10_000);
    let mut clients = JoinSet::new();
    let (mut read, mut whole) = (0, 0);
    for n in 0..all {
        let (app, who) = (app.clone(), if n % 2 == 0 { ADMIN } else { OTHER_TENANT });
        let (mine, theirs) = (canary(who), canary(if n % 2 == 0 { OTHER_TENANT } else { ADMIN }));
        clients.spawn(async move {
            let text = match n / 2 % 4 {
                0 => request(&app, who, "POST", COMPANIES, &json!({ "name": format!("{mine} {n}") }).to_string()),
                1 => request(&app, who, "GET", &format!("{COMPANIES}?limit=50&count=true"), ""),
                2 => request(&app, who, "GET", "/api/v1/me", ""),
                _ => request(&app, who, "GET", "/api/v1/search?q=canary", ""),
            };
            let mut stream = connect(at).await;
            // Some of them not even whole.
            let sent = if n % 7 == 0 { text.len() * 2 / 3 } else { text.len() };
            stream.write_all(&text.as_bytes()[..sent]).await.unwrap();
            let mut answer = Vec::new();
            let patience = Duration::from_micros(n * 7919 % 30_000);
            drop(timeout(patience, stream.read_to_end(&mut answer)).await);
            stream.set_zero_linger().unwrap();
            let text = String::from_utf8_lossy(&answer).into_owned();
            assert!(!text.contains(theirs), "{text}");
            assert!(!text.starts_with("HTTP/1.1 5"), "{text}");
            answer.len()
        });
        if clients.len() == 32 {
            let bytes = clients.join_next().await.unwrap().unwrap();
            (read, whole) = (read + bytes, whole + usize::from(bytes > 0));
        }
    }
    while let Some(done) = clients.join_next().await {
        (read, whole) = (read + done.unwrap(), whole + 1);
    }
    println!("evidence: {all} requests, {whole} of them answered before they were given up, {read} bytes");
    for (who, person) in [(ADMIN, &app.admin), (OTHER_TENANT, &app.other)] {
        let theirs = canary(if who == ADMIN { OTHER_TENANT } else { ADMIN });
        let name = format!("after {}", canary(who));
        app.post(who, COMPANIES, json!({ "name": name })).await.expect(201);
        let contents = app.contents(app.tenant(person)).await;
        assert!(contents.mentions(canary(who)) && !contents.mentions(theirs), "nothing of one is with the other");
        let audit = hub::audit::verify(&app.app, app.tenant(person)).await.unwrap();
        assert!(audit.broken.is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_12_readers_of_a_stream_who_vanish_leave_no_task_and_no_file_open() {
    let app = Arc::new(TestApp::with(vec![testkit::crm()]).await);
    let at = listen(&app).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (before_tasks, before_files) = (tasks(), files());
    let (all, at_once) = (soak(200_usize, 10_000), soak(100, 200));
    let mut most = 0;
    for round in 0..all / at_once {
        let mut streams = Vec::new();
        for n in 0..at_once {
            let mut stream = connect(at).await;
            let asked = request(&app, if n % 2 == 0 { ADMIN } else { OTHER_TENANT }, "GET", "/api/v1/events/stream?after=0", "");
            stream.write_all(asked.as_bytes()).await.unwrap();
            let mut head = [0; 12];
            stream.read_exact(&mut head).await.unwrap();
            assert_eq!(&head, b"HTTP/1.1 200");
            streams.push(stream);
        }
        most = most.max(tasks());
        // Half of them say goodbye, the others are simply not there any more.
        for (n, stream) in streams.into_iter().enumerate() {
            if n % 2 == 0 {
                stream.set_zero_linger().unwrap();
            }
        }
        app.post(ADMIN, COMPANIES, json!({ "name": format!("round {round}") })).await.expect(201);
    }
    // Connections to the databases come and go with what the app does, on PostgreSQL up to 16 with a task each. Streams would be many more.
    let back = || tasks() <= before_tasks + 20 && files() <= before_files + 28;
    let begun = std::time::Instant::now();
    within(Duration::from_secs(10), "tasks and files are back", async || back()).await;
    println!(
        "evidence: {all} readers vanished: tasks {before_tasks}, then {most}, then {}; files {before_files}, then {}; back after {:?}",
        tasks(),
        files(),
        begun.elapsed()
    );
    assert!(most > before_tasks + at_once, "the streams were there: {most}");
}
