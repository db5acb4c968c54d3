//! The server is stopped and started under load, and nobody notices.

use crate::serving::{Life, Place, this_binary};
use serde_json::json;
use server::{door::Asked, people, verify::socket::Connection};
use std::{
    collections::HashSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use testkit::soak;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const COMPANIES: &str = "/api/v1/crm/companies";
const CLIENTS: usize = 8;

/// A server with one company in it, and its owner's token.
async fn place(folder: &Path, drain: &str) -> (Place, Life, String) {
    let env = [("TENON_LIMITS__ENABLED", "false"), ("TENON_TOKENS__ACCESS", "1d"), ("TENON_SERVER__DRAIN", drain), ("TENON_LOG__LEVEL", "warn")];
    let place = Place::new(&folder.join("data"), &env);
    let life = place.serve(this_binary()).await;
    let password = people::password().unwrap();
    let owner = people::sign_up(&place.door(), "Steady", "Ada", "ada@steady.test", &password).await.unwrap();
    place.door().done(&Asked::post("/api/v1/modules/crm/install", &json!({})).by(Some(&owner.token))).await.unwrap();
    (place, life, owner.token)
}

/// Reads, and now and then writes, through one connection that is opened anew when the server says so. Any other end of it is a failure.
async fn client(at: std::net::SocketAddr, token: String, name: String, over: Arc<AtomicBool>, sent: Arc<AtomicU64>) -> Vec<String> {
    let mut made = Vec::new();
    let mut connection: Option<Connection> = None;
    for n in 0_u64.. {
        if over.load(Relaxed) {
            break;
        }
        let mut open = match connection.take().filter(Connection::is_open) {
            Some(open) => open,
            None => Connection::open(at).await.unwrap(),
        };
        let asked = if n % 8 == 0 {
            Asked::post(COMPANIES, &json!({ "name": format!("{name}-{n}") }))
        } else {
            Asked::get(if n % 8 == 1 { format!("{COMPANIES}?limit=3") } else { "/api/v1/me".to_owned() })
        };
        let answer = open.send(&asked.by(Some(&token))).await.unwrap_or_else(|error| panic!("{name}, request {n}: {error}"));
        assert!(answer.status.is_success(), "{name}, request {n}: {} {}", answer.status, answer.text());
        if n % 8 == 0 {
            made.push(answer.id().unwrap());
        }
        sent.fetch_add(1, Relaxed);
        connection = Some(open);
    }
    made
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_19_restarts_under_load_fail_no_request_and_lose_nothing() {
    let (restarts, least) = (soak(3, 50), soak(0, 50_000) as u64);
    let folder = tempfile::tempdir().unwrap();
    let (place, mut life, token) = place(folder.path(), "1s").await;
    let (over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> =
        (0..CLIENTS).map(|n| tokio::spawn(client(place.at, token.clone(), format!("client-{n}"), over.clone(), sent.clone()))).collect();
    let mut gaps = Vec::new();
    for n in 1..=restarts as u64 {
        // So that the long form has its requests, however slow the machine.
        while sent.load(Relaxed) < least * n / restarts as u64 {
            assert!(clients.iter().all(|client| !client.is_finished()), "a client has failed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        life.signal("-TERM");
        assert!(life.gone().await, "it goes as it should: {}", std::fs::read_to_string(place.log()).unwrap());
        let begun = Instant::now();
        life = place.serve(this_binary()).await;
        gaps.push(begun.elapsed());
    }
    over.store(true, Relaxed);
    let mut made = HashSet::new();
    for client in clients {
        made.extend(client.await.unwrap());
    }
    gaps.sort_unstable();
    println!(
        "evidence: {restarts} restarts, {} requests, 0 failed, {} records; ready again after {:?} (median)",
        sent.load(Relaxed),
        made.len(),
        gaps[gaps.len() / 2]
    );
    let mut found = HashSet::new();
    let mut next = String::new();
    loop {
        let page = place.door().done(&Asked::get(format!("{COMPANIES}?limit=200{next}")).by(Some(&token))).await.unwrap();
        found.extend(page.items().iter().map(|record| record["id"].as_str().unwrap().to_owned()));
        match page.json["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(found, made, "what was acknowledged is there, and nothing else");
}

/// Sends HTTP/2's preface and waits for what the server says before it hangs up: the types of its frames.
async fn frames_until_the_end(mut stream: TcpStream) -> Vec<u8> {
    let mut kinds = Vec::new();
    let mut head = [0u8; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let mut body = vec![0u8; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut body).await.unwrap();
        kinds.push(head[3]);
        // A ping wants its answer: by it the server knows that its GOAWAY has arrived.
        if head[3] == 6 && head[4] & 1 == 0 {
            let mut pong = vec![0, 0, 8, 6, 1, 0, 0, 0, 0];
            pong.extend_from_slice(&body);
            if stream.write_all(&pong).await.is_err() {
                break;
            }
        }
    }
    kinds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "a test talks to the server that it has started itself, on a loopback address")]
async fn r_19_whoever_is_connected_is_told_before_the_server_goes() {
    let folder = tempfile::tempdir().unwrap();
    let (place, life, token) = place(folder.path(), "1s").await;
    let mut kept = Connection::open(place.at).await.unwrap();
    kept.send(&Asked::get("/api/v1/me").by(Some(&token))).await.unwrap();
    assert!(kept.is_open());
    let mut stream = Connection::open(place.at).await.unwrap();
    assert_eq!(stream.send(&Asked::get("/api/v1/events/stream").by(Some(&token))).await.unwrap().status, 200);
    let mut second = TcpStream::connect(place.at).await.unwrap();
    second.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let frames = tokio::spawn(frames_until_the_end(second));

    let begun = Instant::now();
    life.signal("-TERM");
    tokio::time::sleep(Duration::from_millis(200)).await;
    // It says that it goes, still takes who comes, and ends connections with their answers.
    let mut late = Connection::open(place.at).await.unwrap();
    let ready = late.send(&Asked::get("/ready")).await.unwrap();
    assert_eq!((ready.status.as_u16(), late.is_open()), (503, false));
    assert_eq!(kept.send(&Asked::get("/api/v1/me").by(Some(&token))).await.unwrap().status, 200);
    assert!(!kept.is_open(), "a connection that is kept hears that it ends");

    let mut said = String::new();
    while let Ok(Some(bytes)) = stream.more().await {
        said.push_str(&String::from_utf8_lossy(&bytes));
    }
    assert_eq!(said.matches("retry: ").count(), 2, "when to come again is said at the beginning and at the end: {said}");
    assert!(frames.await.unwrap().contains(&7), "HTTP/2 gets a GOAWAY");
    assert!(life.gone().await);
    assert!((Duration::from_secs(1)..Duration::from_secs(8)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_19_an_import_goes_on_after_a_restart_and_does_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (place, mut life, token) = place(folder.path(), "1s").await;
    let rows = soak(4_000, 40_000);
    let csv: String = std::iter::once("name\n".to_owned()).chain((0..rows).map(|n| format!("row {n}\n"))).collect();
    let import = Asked::new(http::Method::POST, format!("{COMPANIES}:import")).content("text/csv", csv);
    let accepted = place.door().done(&import.header("prefer", "respond-async").by(Some(&token))).await.unwrap();
    let job = accepted.json["job"]["id"].as_str().unwrap().to_owned();
    let mut stops = 0;
    let done = loop {
        let now = place.door().done(&Asked::get(format!("/api/v1/jobs/{job}")).by(Some(&token))).await.unwrap().json;
        match now["status"].as_str().unwrap() {
            "done" => break now,
            "dead" | "cancelled" => panic!("{now}"),
            "running" if stops < 3 && now["progress"].as_i64() > Some(0) => {
                // Asked to go; in the long form once without being asked, and then the job waits half a minute for its lease to end.
                life.signal(if stops == soak(usize::MAX, 1) { "-KILL" } else { "-INT" });
                life.gone().await;
                life = place.serve(this_binary()).await;
                stops += 1;
            }
            _ => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    };
    println!("evidence: stopped {stops} times in {rows} rows");
    assert!(stops > 0, "it was stopped in its midst");
    assert_eq!((done["result"]["created"].as_u64(), done["result"]["rejected_total"].as_u64()), (Some(rows as u64), Some(0)), "{done}");
    let list = place.door().done(&Asked::get(format!("{COMPANIES}?count=true&limit=1")).by(Some(&token))).await.unwrap();
    assert_eq!(list.json["total"].as_u64(), Some(rows as u64), "every row once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_beyond_the_last_place_waits_until_one_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder.path().join("data"), &[("TENON_SERVER__MAX_CONNECTIONS", "3"), ("TENON_LOG__LEVEL", "warn")]);
    let life = place.serve(this_binary()).await;
    let at = place.at;
    // Three who say nothing yet; the first request of all went through a place that is free again.
    let mut idle = Vec::new();
    for _ in 0..3 {
        let mut connection = Connection::open(at).await.unwrap();
        assert_eq!(connection.send(&Asked::get("/health")).await.unwrap().status, 200);
        idle.push(connection);
    }
    let late = tokio::spawn(async move { Connection::open(at).await.unwrap().send(&Asked::get("/health")).await.unwrap().status });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!late.is_finished(), "all places are taken");
    idle.pop();
    let answered = tokio::time::timeout(Duration::from_secs(5), late).await.expect("a place is free").unwrap();
    assert_eq!(answered, 200);
    life.kill();
}
