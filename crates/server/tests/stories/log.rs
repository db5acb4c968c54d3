//! The log: who did what, as pages, as a stream, and proved.

use super::{app, cli::tenon, company, encoded, items, member_of};
use base::Time;
use http::{Method, header};
use kernel::events;
use serde_json::json;
use testkit::{ADMIN, NOBODY, STRANGER, TestApp};

#[tokio::test]
async fn the_log_says_who_did_what_and_can_be_filtered() {
    let app = app().await;
    let id = company(&app, "3M").await;
    app.patch(ADMIN, &format!("/api/v1/crm/companies/{id}"), json!({ "country": "USA" })).await.expect(200);
    let events = |filter: &str| format!("/api/v1/events?limit=200&filter={}", encoded(filter));
    let about = app.get(ADMIN, &events(&format!("subject == \"crm.companies/{id}\""))).await.expect(200);
    assert_eq!(items(&about).len(), 2);
    let newest = &items(&about)[0];
    assert_eq!(
        (newest["type"].as_str(), newest["actor"].as_str()),
        (Some("crm.company.updated"), Some(format!("member:{}", member_of(&app.admin)).as_str()))
    );
    assert_eq!((&newest["data"]["before"]["country"], &newest["data"]["after"]["country"]), (&json!(null), &json!("USA")));
    for (filter, least) in [
        ("type.startsWith(\"account.\")", 2),
        ("at > timestamp(\"2020-01-01T00:00:00Z\")", 5),
        ("actor.startsWith(\"member:\") && seq > 3", 1),
        ("actor != \"anonymous\" && !(\"viewer\" in actor.roles)", 1),
    ] {
        assert!(items(&app.get(ADMIN, &events(filter)).await.expect(200)).len() >= least, "{filter}");
    }
    assert_eq!(items(&app.get(ADMIN, &events("at > timestamp(\"2090-01-01T00:00:00Z\")")).await.expect(200)).len(), 0);
    // By pages, newest first, without a gap.
    let (mut seqs, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(ADMIN, &format!("/api/v1/events?limit=2{cursor}")).await.expect(200);
        seqs.extend(items(&page).iter().map(|e| e["seq"].as_i64().unwrap()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let whole: Vec<i64> = (1..=seqs.len() as i64).rev().collect();
    assert_eq!(seqs, whole);
}

#[tokio::test]
async fn the_stream_goes_on_where_it_was_left() {
    let app = app().await;
    let stream = |last: Option<&str>| {
        let request = app.request(Method::GET, "/api/v1/events/stream", app.token(ADMIN)).header(header::ACCEPT, "text/event-stream");
        app.open(last.iter().fold(request, |r, id| r.header("last-event-id", *id)), "")
    };
    let mut first = stream(None).await;
    assert_eq!((first.status.as_u16(), first.headers["content-type"].to_str().unwrap()), (200, "text/event-stream"));
    company(&app, "One").await;
    let one = first.next().await.unwrap();
    assert_eq!((one.event.as_str(), one.data["data"]["after"]["name"].as_str()), ("crm.company.created", Some("One")));
    drop(first);
    company(&app, "Two").await;
    company(&app, "Three").await;
    let mut resumed = stream(Some(&one.id)).await;
    let (two, three) = (resumed.next().await.unwrap(), resumed.next().await.unwrap());
    let seq = |id: &str| id.parse::<i64>().unwrap();
    assert_eq!((seq(&two.id), seq(&three.id)), (seq(&one.id) + 1, seq(&one.id) + 2));
    assert_eq!(three.data["data"]["after"]["name"], "Three");
    assert_eq!(app.open(app.request(Method::GET, "/api/v1/events/stream", app.token(STRANGER)), "").await.status, 403);
    // Whoever is signed out loses the stream.
    app.post(ADMIN, "/api/v1/auth/sign-out", json!({ "everywhere": true })).await.expect(204);
    assert_eq!(resumed.next().await, None);
}

#[tokio::test]
async fn the_audit_finds_a_changed_byte_and_a_cut_tail() {
    let app = app().await;
    for n in 0..5 {
        company(&app, &format!("Company {n}")).await;
    }
    let tenant = app.tenant(&app.admin);
    let found = hub::audit::verify(&app.app, tenant).await.unwrap();
    assert!(found.broken.is_none() && found.entries > 5, "{found:?}");
    let silo = app.app.silos().open(tenant).await.unwrap();
    let ok = tenon(&app, &["verify", "audit", "--tenant", "acme"]).await;
    assert_eq!((ok.code, ok.out.starts_with("ok: ")), (0, true), "{ok:?}");
    // One byte of what an entry says.
    let log = app.get(ADMIN, "/api/v1/events?after=0&limit=200").await.expect(200);
    let seq = items(&log).iter().find(|e| e["data"]["after"]["name"] == "Company 1").unwrap()["seq"].as_i64().unwrap();
    let change = |from: &'static str, to: &'static str| {
        let silo = silo.clone();
        async move {
            silo.write(move |sql| {
                sql.run(r#"UPDATE "events" SET "data" = replace("data", ?1, ?2) WHERE "seq" = ?3"#, &[from.into(), to.into(), seq.into()])
            })
            .await
            .unwrap()
        }
    };
    assert_eq!(change("Company 1", "Company l").await, 1);
    let broken = hub::audit::verify(&app.app, tenant).await.unwrap().broken.unwrap();
    assert_eq!((broken.seq, broken.problem.contains("content")), (seq, true), "{broken:?}");
    let wrong = tenon(&app, &["verify", "audit", "--tenant", "acme", "--json"]).await;
    assert_eq!((wrong.code, wrong.json()["broken"]["seq"].as_i64()), (1, Some(seq)));
    change("Company l", "Company 1").await;
    assert_eq!(tenon(&app, &["verify", "audit", "--tenant", "acme"]).await.code, 0);
    // The tail, without the head: the head tells. With the head: the hub's checkpoint tells.
    let last = found.entries;
    silo.write(move |sql| sql.run(r#"DELETE FROM "events" WHERE "seq" = ?1"#, &[last.into()])).await.unwrap();
    assert!(tenon(&app, &["verify", "audit", "--tenant", "acme"]).await.out.contains("BROKEN"));
    let (id, now) = (tenant.to_string(), Time::now());
    app.app
        .hub()
        .write(move |sql| {
            sql.run(
                r#"INSERT INTO "checkpoints" ("tenant", "seq", "hash", "at") VALUES (?1, ?2, ?3, ?4)"#,
                &[(&id).into(), last.into(), [7u8; 32].as_slice().into(), now.into()],
            )
        })
        .await
        .unwrap();
    silo.write(move |sql| {
        let before = sql.row(r#"SELECT "hash" FROM "events" WHERE "seq" = ?1"#, &[(last - 1).into()], |row| Ok(row.blob(0)?.to_vec()))?.unwrap();
        let head = sql.head();
        head.seq = last - 1;
        head.hash = before.try_into().unwrap();
        Ok(())
    })
    .await
    .unwrap();
    let cut = tenon(&app, &["verify", "audit", "--tenant", "acme"]).await;
    assert_eq!((cut.code, cut.out.contains("the tail was cut")), (1, true), "{cut:?}");
}

#[tokio::test]
async fn the_chain_begins_with_the_tenant_and_every_entry_follows_from_the_one_before() {
    let app = app().await;
    let tenant = app.tenant(&app.admin);
    let list = app.get(ADMIN, "/api/v1/events?after=0").await.expect(200);
    let hex = |hash: &[u8]| hash.iter().map(|b| format!("{b:02x}")).collect::<String>();
    assert_ne!(items(&list)[0]["hash"].as_str(), Some(hex(&events::genesis(tenant)).as_str()));
    let seqs: Vec<i64> = items(&list).iter().map(|e| e["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>(), "without a gap");
    assert_eq!(items(&list)[0]["type"], "account.company.created");
}

#[tokio::test]
async fn the_hub_keeps_the_head_of_a_log_that_nobody_has_open_any_more() {
    let app = TestApp::configured(vec![testkit::crm()], |config| config.server.max_open_silos = 2).await;
    app.app.write_down().await.unwrap();
    let tenant = app.tenant(&app.admin);
    company(&app, "One").await;
    // Of many at once, some share a commit: what is kept is where the last of them stood.
    let many = (0..20).map(|n| app.post(ADMIN, "/api/v1/crm/companies", json!({ "name": format!("Company {n}") })));
    futures_util::future::join_all(many).await.into_iter().for_each(|made| drop(made.expect(201)));
    let head = |tenant: base::TenantId| {
        let silos = app.app.silos().clone();
        async move {
            let find = r#"SELECT "seq", "hash" FROM "meta""#;
            silos.open(tenant).await.unwrap().read(|sql| sql.row(find, &[], |row| Ok((row.int(0)?, row.blob(1)?.to_vec())))).await.unwrap().unwrap()
        }
    };
    let there = head(tenant).await;
    retire(&app, tenant).await;
    let before = app.app.silos().figures().cold_opens;
    app.app.write_down().await.unwrap();
    assert_eq!(app.app.silos().figures().cold_opens, before, "no silo was opened for it");
    let id = tenant.to_string();
    let kept = app.app.hub().scan(move |sql| {
        let find = r#"SELECT "seq", "hash" FROM "checkpoints" WHERE "tenant" = ?1 ORDER BY "seq" DESC"#;
        sql.rows(find, &[(&id).into()], |row| Ok((row.int(0)?, row.blob(1)?.to_vec())))
    });
    assert_eq!(kept.await.unwrap().first(), Some(&there));
    let found = hub::audit::verify(&app.app, tenant).await.unwrap();
    assert!(found.broken.is_none() && found.checkpoints >= 2, "{found:?}");
}

/// What the log of Acme says of tries that were denied.
async fn denied(app: &TestApp) -> Vec<serde_json::Value> {
    items(&app.get(ADMIN, &format!("/api/v1/events?filter={}", encoded("type == \"account.access.denied\""))).await.expect(200)).clone()
}

#[tokio::test]
async fn tries_that_were_denied_are_one_event_a_minute() {
    let app = app().await;
    for _ in 0..3 {
        app.post(STRANGER, "/api/v1/crm/deals", json!({ "name": "Mine" })).await.expect(403);
    }
    for path in ["/api/v1/events", "/api/v1/account/keys"] {
        app.get(STRANGER, path).await.expect(403);
    }
    app.get(NOBODY, "/api/v1/events").await.expect(401);
    assert_eq!(denied(&app).await.len(), 0, "counted only");
    app.app.write_down().await.unwrap();
    app.app.write_down().await.unwrap();
    let told = denied(&app).await;
    let member = member_of(&app.stranger);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (told[0]["actor"].as_str(), told[0]["subject"].as_str()),
        (Some(&*format!("member:{member}")), Some(&*format!("account.members/{member}")))
    );
    let operations = json!({ "crm.deals.create": 3, "events.list": 1, "account.keys.list": 1 });
    assert_eq!((&told[0]["data"]["count"], &told[0]["data"]["operations"]), (&json!(5), &operations));
    // A key is told apart from its owner.
    let key = json!({ "name": "k", "scopes": ["crm.deals:read"], "expires_in_days": 1 });
    let key = app.post(ADMIN, "/api/v1/account/keys", key).await.expect(201);
    app.post_as(key["secret"].as_str(), "/api/v1/crm/deals", json!({ "name": "Mine" })).await.expect(403);
    app.get(STRANGER, "/api/v1/events").await.expect(403);
    app.app.write_down().await.unwrap();
    let actors: Vec<_> = denied(&app).await.iter().map(|event| event["actor"].as_str().unwrap().split(':').next().unwrap().to_owned()).collect();
    assert_eq!(actors.len(), 3, "{actors:?}");
    assert_eq!(actors.iter().filter(|actor| *actor == "key").count(), 1);
    assert_eq!(hub::audit::verify(&app.app, app.tenant(&app.admin)).await.unwrap().broken, None);
}

#[tokio::test]
async fn denied_tries_open_no_silo_and_are_told_when_the_server_stops() {
    let mut app = app().await;
    let tenant = app.tenant(&app.admin);
    app.get(STRANGER, "/api/v1/events").await.expect(403);
    app.app.shutdown().await;
    app.app = TestApp::start_as(vec![testkit::crm()], app.folder(), |config| config.server.max_open_silos = 2).await;
    assert_eq!(denied(&app).await.len(), 1);
    app.get(STRANGER, "/api/v1/events").await.expect(403);
    retire(&app, tenant).await;
    let before = app.app.silos().figures().cold_opens;
    app.app.write_down().await.unwrap();
    assert_eq!(app.app.silos().figures().cold_opens, before);
    assert_eq!(denied(&app).await.len(), 1, "and now it is open");
    app.app.write_down().await.unwrap();
    assert_eq!(denied(&app).await.len(), 2);
    assert_eq!(hub::audit::verify(&app.app, tenant).await.unwrap().broken, None);
}

/// Others are opened until nobody has this silo open.
async fn retire(app: &TestApp, tenant: base::TenantId) {
    for n in 0..4 {
        app.sign_up(&format!("Crowd {n}"), &format!("crowd{n}@example.com")).await;
    }
    for _ in 0..500 {
        if app.app.silos().if_open(tenant).is_none() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the silo stays open");
}
