//! Somebody sets the clock while the server runs. The clock is the whole process's, so this binary has this test and no other.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use base::{Time, new_id};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use testkit::{ADMIN, TestApp, soak, within};

const TEN_MINUTES: i64 = 600;

/// A job that is due now, as an operation would leave it.
async fn job(app: &TestApp, kind: &'static str) {
    let (tenant, now) = (app.tenant(&app.admin), Time::now());
    let silo = app.app.silos().open(tenant).await.unwrap();
    silo.write(move |sql| {
        sql.run(
            r#"INSERT INTO "jobs" ("id", "kind", "priority", "args", "status", "run_at", "attempt", "progress", "actor", "cancel", "created_at")
VALUES (?1, ?2, 0, '{}', 'ready', ?3, 0, 0, 'system:crm', ?4, ?3)"#,
            &[new_id().into(), kind.into(), now.into(), false.into()],
        )
    })
    .await
    .unwrap();
    let due = r#"INSERT INTO "due" ("tenant", "at", "stamp") VALUES (?1, ?2, 1)
ON CONFLICT ("tenant") DO UPDATE SET "at" = excluded."at", "stamp" = "due"."stamp" + 1"#;
    app.app.hub().write(move |sql| sql.run(due, &[tenant.to_string().into(), now.into()])).await.unwrap();
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    within(Duration::from_secs(20), what, async || is_so()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_15_a_clock_that_jumps_runs_nothing_twice_ends_nothing_early_and_turns_no_order_around() {
    let (quick, long, fails) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    // Counts its tries; each takes so long, and the first of so many fails. Of none: none does.
    let work = |tries: &Arc<AtomicU64>, takes: u64, fails: u64| {
        let tries = tries.clone();
        move |_, _| {
            let n = tries.fetch_add(1, SeqCst) + 1;
            async move {
                tokio::time::sleep(Duration::from_millis(takes)).await;
                if n.checked_rem(fails) == Some(1) { Err(base::Error::unavailable("on purpose")) } else { Ok(Value::Null) }
            }
        }
    };
    let module = testkit::crm().job("crm.quick", 5, work(&quick, 0, 0));
    let module = module.job("crm.long", 5, work(&long, 1500, 0)).job("crm.fails", 5, work(&fails, 0, 2));
    let app = TestApp::with(vec![module]).await;
    let (mut rounds, mut last) = (0, Time::now());
    let jumps: &[i64] = &[TEN_MINUTES, -TEN_MINUTES, 0, TEN_MINUTES, 0, -TEN_MINUTES];
    let jumps = soak(&jumps[..2], jumps);
    for by in jumps.iter().copied() {
        job(&app, "crm.long").await;
        let running = Instant::now();
        tokio::time::sleep(Duration::from_millis(300)).await;
        base::clock::set::by(by);
        rounds += 1;
        // One that runs, one that comes now, and one that is tried again after two seconds.
        job(&app, "crm.quick").await;
        job(&app, "crm.fails").await;
        until(&format!("{by}: the long one runs"), || long.load(SeqCst) == rounds).await;
        until(&format!("{by}: the quick one runs"), || quick.load(SeqCst) == rounds).await;
        until(&format!("{by}: the other is tried again"), || fails.load(SeqCst) == 2 * rounds).await;
        println!("evidence: set by {by} s: all done after {:?}", running.elapsed());
        // A token is good for fifteen minutes, and signing in goes on.
        app.post(ADMIN, "/api/v1/crm/companies", json!({ "name": format!("{rounds}") })).await.expect(201);
        app.sign_in("admin@acme.test").await;
        let now = Time::now();
        assert!(now > last, "{now} after {last}");
        last = now;
    }
    // A lease is thirty seconds: what ran twice would have done so by its end, and leases are not looked at more often than each second.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((quick.load(SeqCst), long.load(SeqCst), fails.load(SeqCst)), (rounds, rounds, 2 * rounds), "nothing ran twice");
    let mut events = app.get(ADMIN, "/api/v1/events?after=0&limit=200").await.expect(200)["items"].as_array().unwrap().clone();
    assert!(events.len() > 2);
    let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_else(|| panic!("{name} in {event}")).to_owned();
    events.sort_by_key(|event| event["seq"].as_i64());
    for pair in events.windows(2) {
        assert!(text(&pair[0], "at") <= text(&pair[1], "at"), "{pair:?}");
        assert!(text(&pair[0], "id") < text(&pair[1], "id"), "{pair:?}");
    }
    base::clock::set::by(0);
}
