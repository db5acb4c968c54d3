//! PostgreSQL is slow, silent, gone, full of connections or read-only, under load. Each of these tests has a server of its own.

use http::{Method, header};
use parking_lot::Mutex;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use testkit::{ADMIN, Answer, Postgres, Proxy, TestApp, Wire, soak, within};
use tokio::task::JoinSet;

const COMPANIES: &str = "/api/v1/crm/companies";
/// No refusal may take longer.
const PATIENCE: Duration = Duration::from_secs(2);
const RECOVERY: Duration = Duration::from_secs(10);

async fn app(url: String) -> Arc<TestApp> {
    Arc::new(TestApp::configured(vec![testkit::crm()], |config| config.storage.silos = url).await)
}

/// People who make companies, one after the other, and send each again under the same key until it is acknowledged.
struct Load {
    app: Arc<TestApp>,
    told: Arc<Told>,
    people: JoinSet<()>,
}

#[derive(Default)]
struct Told {
    stop: AtomicBool,
    acknowledged: Mutex<BTreeSet<String>>,
    /// How long each refusal took, by its code.
    refused: Mutex<BTreeMap<String, Vec<Duration>>>,
    slowest: Mutex<Duration>,
    /// How often each of them was acknowledged something.
    progress: Vec<AtomicU64>,
}

impl Load {
    fn start(app: &Arc<TestApp>, people: usize) -> Load {
        let told = Arc::new(Told { progress: (0..people).map(|_| AtomicU64::new(0)).collect(), ..Told::default() });
        let mut load = Load { app: app.clone(), told: told.clone(), people: JoinSet::new() };
        for who in 0..people {
            load.people.spawn(work(app.clone(), told.clone(), who));
        }
        load
    }

    /// Everybody has been acknowledged something since now.
    async fn recovers(&self, story: &str) -> Duration {
        let begun = Instant::now();
        let before: Vec<u64> = self.told.progress.iter().map(|n| n.load(SeqCst)).collect();
        let all = || self.told.progress.iter().zip(&before).all(|(now, before)| now.load(SeqCst) > *before);
        within(RECOVERY, &format!("{story}: all goes on"), async || all()).await;
        begun.elapsed()
    }

    /// What was refused since the last look, and how long the slowest took. Nobody waited too long.
    fn refusals(&self, story: &str) -> usize {
        self.refusals_within(PATIENCE, story)
    }

    fn refusals_within(&self, patience: Duration, story: &str) -> usize {
        let refused = std::mem::take(&mut *self.told.refused.lock());
        for (code, times) in &refused {
            let slowest = times.iter().max().copied().unwrap_or_default();
            println!("evidence: {story}: {} refused as {code}, the slowest after {slowest:?}", times.len());
            assert!(slowest <= patience, "{story}: {code} after {slowest:?}");
        }
        refused.values().map(Vec::len).sum()
    }

    /// Nothing that was acknowledged is lost, and nothing is there twice.
    async fn end(mut self) {
        self.told.stop.store(true, SeqCst);
        while let Some(done) = self.people.join_next().await {
            done.unwrap();
        }
        let mut found = BTreeMap::<String, usize>::new();
        let mut cursor = String::new();
        loop {
            let page = self.app.get(ADMIN, &format!("{COMPANIES}?limit=200{cursor}")).await.expect(200);
            for item in page["items"].as_array().unwrap() {
                *found.entry(item["name"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let acknowledged = self.told.acknowledged.lock().clone();
        println!("evidence: {} acknowledged, as many there; the slowest took {:?}", acknowledged.len(), *self.told.slowest.lock());
        assert!(found.values().all(|times| *times == 1), "something was done twice");
        assert_eq!(found.into_keys().collect::<BTreeSet<_>>(), acknowledged, "everything was sent until it was acknowledged");
    }
}

async fn work(app: Arc<TestApp>, told: Arc<Told>, who: usize) {
    let mut n = 0;
    while !told.stop.load(SeqCst) {
        n += 1;
        let name = format!("{who}-{n}");
        loop {
            let begun = Instant::now();
            let answer = create(&app, &name).await;
            let took = begun.elapsed();
            match answer.status.as_u16() {
                201 => {
                    let mut slowest = told.slowest.lock();
                    *slowest = took.max(*slowest);
                    break;
                }
                503 => {
                    assert!(!answer.header("retry-after").is_empty(), "{}", answer.text());
                    told.refused.lock().entry(answer.code().to_owned()).or_default().push(took);
                }
                _ => panic!("{}", answer.text()),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        told.acknowledged.lock().insert(name);
        told.progress[who].fetch_add(1, SeqCst);
    }
}

async fn create(app: &TestApp, name: &str) -> Answer {
    let request = app.request(Method::POST, COMPANIES, app.token(ADMIN)).header(header::CONTENT_TYPE, "application/json");
    app.send(request.header("idempotency-key", name), json!({ "name": name }).to_string()).await
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

async fn health(app: &TestApp) -> String {
    app.get(testkit::NOBODY, "/live").await.expect(200);
    let answer = app.get(testkit::NOBODY, "/health").await;
    match answer.status.as_u16() {
        200 => "ok".into(),
        503 => answer.code().to_owned(),
        _ => panic!("{}", answer.text()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_07_whatever_happens_on_the_way_to_postgresql_requests_fail_soon_and_nothing_is_lost() {
    let Some(server) = Postgres::start("r_07, the way to the server", &[]) else { return };
    let proxy = Proxy::before(server.address()).await;
    let app = app(server.url(proxy.address())).await;
    let load = Load::start(&app, 12);
    let (length, before) = (Duration::from_secs(soak(2, 10)), threads());
    for wire in [
        Wire::Slow(Duration::from_millis(20)),
        Wire::Slow(Duration::from_millis(400)),
        Wire::Stalled,
        Wire::Trickle,
        Wire::Reset,
        Wire::HalfOpen,
        Wire::Refused,
    ] {
        let story = format!("{wire:?}");
        load.recovers("before").await;
        load.refusals("between");
        proxy.set(wire);
        tokio::time::sleep(length).await;
        let (said, threads) = (health(&app).await, threads());
        proxy.set(Wire::Good);
        let recovered = load.recovers(&story).await;
        let refused = match wire {
            // A unit is cut at two seconds, but not in the middle of a statement; then it is taken back.
            Wire::Slow(by) => load.refusals_within(PATIENCE + 4 * by, &story),
            Wire::Good | Wire::Stalled | Wire::Trickle | Wire::Reset | Wire::HalfOpen | Wire::Refused => load.refusals(&story),
        };
        println!("evidence: {story}: {refused} refused, health said {said}, {threads} threads, {} sessions, well after {recovered:?}", proxy.open());
        assert!(threads < before + 40, "{story}: from {before} to {threads} threads");
        assert!(proxy.open() <= 20, "{story}: {} sessions are open", proxy.open());
        if !matches!(wire, Wire::Slow(_) | Wire::Refused) {
            assert_eq!(said, "storage-unavailable", "{story}");
        }
        within(RECOVERY, "health", async || health(&app).await == "ok").await;
    }
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_07_a_postgresql_that_dies_stands_still_or_refuses_costs_nothing_acknowledged() {
    let Some(mut server) = Postgres::start("r_07, the server itself", &[]) else { return };
    let app = app(server.url(server.address())).await;
    let load = Load::start(&app, 12);
    let pause = || tokio::time::sleep(Duration::from_secs(soak(2, 30)));
    let look = async |story: &str, since: Instant| {
        let recovered = load.recovers(story).await;
        println!("evidence: {story}: well after {recovered:?}, {:?} after it broke", since.elapsed());
        within(RECOVERY, "health", async || health(&app).await == "ok").await;
        assert!(load.refusals(story) > 0, "{story}: it was noticed");
    };
    load.recovers("before").await;

    let since = Instant::now();
    server.stop_at_once();
    pause().await;
    assert_eq!(health(&app).await, "storage-unavailable");
    server.go_on();
    look("stopped at once", since).await;

    let since = Instant::now();
    server.kill();
    server.go_on();
    look("killed", since).await;

    let since = Instant::now();
    server.hold();
    pause().await;
    assert_eq!(health(&app).await, "storage-unavailable");
    server.release();
    look("held up", since).await;

    let since = Instant::now();
    server.set("default_transaction_read_only = on");
    pause().await;
    assert_eq!(health(&app).await, "storage-read-only");
    app.get(ADMIN, COMPANIES).await.expect(200);
    assert_eq!(create(&app, "refused").await.expect(503).code(), "storage-read-only");
    server.set("default_transaction_read_only = off");
    look("read-only", since).await;
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_07_a_postgresql_that_takes_no_more_connections_is_used_with_those_there_are() {
    let Some(server) = Postgres::start("r_07, connections", &[]) else { return };
    assert!(server.sql("CREATE ROLE tenon LOGIN CREATEROLE") && server.sql("GRANT CREATE ON DATABASE postgres TO tenon"));
    let app = app(server.url(server.address()).replace("postgres@", "tenon@")).await;
    let load = Load::start(&app, 12);
    let only = |sessions: u32| {
        assert!(server.sql(&format!("ALTER ROLE tenon CONNECTION LIMIT {sessions}")));
        assert!(server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenon'"));
    };
    load.recovers("before").await;
    for sessions in [2, 0] {
        only(sessions);
        tokio::time::sleep(Duration::from_secs(soak(2, 30))).await;
        if sessions > 0 {
            // Whoever's session was ended was refused; after that nobody has to be.
            load.refusals("two sessions, at first");
            load.recovers("two sessions").await;
            assert_eq!(health(&app).await, "ok");
        } else {
            assert_eq!(health(&app).await, "storage-unavailable");
            assert!(load.refusals("no session") > 0);
        }
    }
    only(100);
    println!("evidence: well after {:?}", load.recovers("connections again").await);
    load.refusals("after");
    load.end().await;
}
