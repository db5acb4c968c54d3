//! The operator's command line.

use super::{app, cli::tenon, company, items};
use base::TenantId;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{ADMIN, NOBODY, OTHER_TENANT, PASSWORD, TestApp};

#[tokio::test]
async fn a_backup_is_taken_while_the_company_works_and_restored_beside_it() {
    let app = app().await;
    for n in 0..20 {
        company(&app, &format!("Before {n}")).await;
    }
    let tenant = app.tenant(&app.admin);
    let file = app.folder().join("acme.backup");
    let plain = app.folder().join("acme.sqlite");
    let writing = async {
        for n in 0..60 {
            company(&app, &format!("Meanwhile {n}")).await;
        }
    };
    let (size, ()) = tokio::join!(hub::backup::write(&app.app, tenant, &file, false), writing);
    assert!(size.unwrap() > 10_000);
    assert!(!std::fs::read(&file).unwrap().windows(6).any(|w| w == b"Before"), "it is sealed");
    hub::backup::write(&app.app, tenant, &plain, true).await.unwrap();
    assert!(hub::backup::write(&app.app, tenant, &plain, true).await.is_err(), "nothing is written over");
    let restored = tenon(&app, &["tenant", "restore", file.to_str().unwrap(), "--as", "acme-before", "--json"]).await;
    assert_eq!((restored.code, restored.json()["slug"].as_str()), (0, Some("acme-before")), "{restored:?}");
    assert_eq!(restored.json()["origin"].as_str(), Some(tenant.to_string().as_str()));
    let taken = tenon(&app, &["tenant", "restore", file.to_str().unwrap(), "--as", "acme-before"]).await;
    assert_eq!(taken.code, 1, "{taken:?}");
    let there = app
        .post(NOBODY, "/api/v1/auth/token", json!({ "email": "admin@acme.test", "password": PASSWORD, "tenant": "acme-before" }))
        .await
        .expect(200);
    let list = app.get_as(there["access_token"].as_str(), "/api/v1/crm/companies?count=true&limit=1").await.expect(200);
    assert!(list["total"].as_u64().unwrap() >= 20, "{}", list.text());
    app.post_as(there["access_token"].as_str(), "/api/v1/crm/companies", json!({ "name": "Only there" })).await.expect(201);
    assert_eq!(items(&app.get(ADMIN, "/api/v1/search?q=only").await).len(), 0, "the original is not touched");
    assert_eq!(app.get(ADMIN, "/api/v1/crm/companies?count=true&limit=1").await["total"], 80);
    assert_eq!(tenon(&app, &["verify", "audit", "--tenant", "acme-before"]).await.code, 0, "its log verifies from the same origin");
    let full = hub::backup::restore(&app.app, &plain, "acme-plain").await.unwrap();
    assert!(full.entries > 80);
    let damaged = app.folder().join("damaged");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    let refused = tenon(&app, &["tenant", "restore", damaged.to_str().unwrap(), "--as", "damaged"]).await;
    assert_eq!((refused.code, refused.err.contains("damaged")), (1, true), "{refused:?}");
}

#[tokio::test]
async fn the_command_line_exports_one_tenant_and_nothing_of_another() {
    let app = app().await;
    company(&app, "Ours alone").await;
    app.post(OTHER_TENANT, "/api/v1/crm/companies", json!({ "name": "canary-of-other" })).await.expect(201);
    let exported = tenon(&app, &["tenant", "export", "acme"]).await;
    assert_eq!(exported.code, 0, "{exported:?}");
    assert!(exported.out.contains("Ours alone") && !exported.out.contains("canary-of-other"));
    assert!(exported.out.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let list = tenon(&app, &["tenant", "list", "--json"]).await;
    let slugs: Vec<String> = list.json().as_array().unwrap().iter().map(|t| t["slug"].as_str().unwrap().to_owned()).collect();
    assert!(slugs.contains(&"acme".to_owned()) && slugs.contains(&"other".to_owned()));
    let unknown = tenon(&app, &["tenant", "export", "acmee"]).await;
    assert_eq!((unknown.code, unknown.err.contains("Did you mean `acme`?")), (1, true), "{unknown:?}");
}

#[tokio::test]
async fn the_operator_is_made_at_the_command_line_and_works_in_the_hub() {
    let app = app().await;
    let made = tenon(&app, &["operator", "create", "--email", "op@tenon.test", "--name", "Olga", "--json"]).await;
    assert_eq!(made.code, 0, "{made:?}");
    let password = made.json()["password"].as_str().unwrap().to_owned();
    let tokens = app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "op@tenon.test", "password": password, "tenant": "hub" })).await.expect(200);
    let op = tokens["access_token"].as_str();
    let list = app.get_as(op, "/api/v1/hub/tenants").await.expect(200);
    let acme = items(&list).iter().find(|t| t["slug"] == "acme").unwrap()["id"].as_str().unwrap().to_owned();
    app.get(ADMIN, "/api/v1/hub/tenants").await.expect(403);
    app.get_as(op, "/api/v1/crm/companies").await.expect(404);
    app.post_as(op, &format!("/api/v1/hub/tenants/{acme}/suspend"), json!({})).await.expect(200);
    assert_eq!(app.get(ADMIN, "/api/v1/crm/companies").await.expect(403).code(), "tenant-suspended");
    app.get(OTHER_TENANT, "/api/v1/crm/companies").await.expect(200);
    app.post_as(op, &format!("/api/v1/hub/tenants/{acme}/activate"), json!({})).await.expect(200);
    app.get(ADMIN, "/api/v1/crm/companies").await.expect(200);
    assert_eq!(tenon(&app, &["verify", "audit", "--tenant", "hub"]).await.code, 0);
    let link = tenon(&app, &["user", "reset-link", "admin@acme.test"]).await;
    assert!(link.out.contains("/reset#token="), "{link:?}");
    let token = link.out.trim().split_once("#token=").unwrap().1;
    app.post(NOBODY, "/api/v1/auth/reset", json!({ "token": token, "password": "yet another long sentence" })).await.expect(204);
    let made = tenon(&app, &["tenant", "create", "--name", "Third", "--owner", "admin@acme.test", "--json"]).await;
    assert_eq!((made.code, made.json()["slug"].as_str()), (0, Some("third")));
}

#[tokio::test]
async fn a_company_is_deleted_at_the_command_line_beside_a_server_that_runs() {
    let app = app().await;
    let acme = app.tenant(&app.admin);
    let elsewhere = tempfile::tempdir().unwrap();
    let backup = elsewhere.path().join("acme.backup");
    let file = backup.to_str().unwrap();
    assert_eq!(tenon(&app, &["tenant", "backup", "acme", "--to", file]).await.code, 0);
    let early = tenon(&app, &["tenant", "delete", "acme", "--yes"]).await;
    assert_eq!((early.code, early.err.contains("Suspend it first")), (1, true), "{early:?}");
    assert_eq!(tenon(&app, &["tenant", "suspend", "acme"]).await.code, 0);
    // What another process revokes is revoked a second later.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(app.get(ADMIN, "/api/v1/crm/companies").await.expect(403).code(), "tenant-suspended");
    assert_eq!(tenon(&app, &["tenant", "activate", "acme"]).await.code, 0);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    app.get(ADMIN, "/api/v1/crm/companies").await.expect(200);
    assert_eq!(tenon(&app, &["tenant", "suspend", "acme", "--json"]).await.json()["status"], "suspended");
    let unsure = tenon(&app, &["tenant", "delete", "acme"]).await;
    assert_eq!((unsure.code, unsure.err.contains("Nothing was deleted")), (1, true), "{unsure:?}");
    let deleted = tenon(&app, &["tenant", "delete", "acme", "--yes"]).await;
    assert_eq!((deleted.code, deleted.out.contains("cannot be opened any more")), (0, true), "{deleted:?}");
    assert_eq!(app.contents(TenantId::HUB).await.tables_with("Acme"), [""; 0], "the server's own view of the hub");
    // The server lets go of the database that it had open.
    for _ in 0..600 {
        if app.app.silos().if_open(acme).is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(app.app.silos().if_open(acme).is_none());
    assert!(!app.app.silos().exists(acme).await.unwrap());
    app.get(ADMIN, "/api/v1/me").await.expect(401);
    let again = tenon(&app, &["tenant", "delete", "acme", "--yes"]).await;
    assert_eq!(again.code, 0, "twice is the same as once: {again:?}");
    for args in
        [vec!["tenant", "restore", file, "--as", "acme"], vec!["tenant", "restore", file, "--as", "acme-2"], vec!["tenant", "activate", "acme"]]
    {
        let refused = tenon(&app, &args).await;
        assert_eq!(refused.code, 1, "tenon {}: {refused:?}", args.join(" "));
    }
    assert_eq!(tenon(&app, &["verify", "audit", "--tenant", "hub"]).await.code, 0);
    assert_eq!(tenon(&app, &["migrate"]).await.code, 0);
    app.get(OTHER_TENANT, "/api/v1/crm/companies").await.expect(200);
}

#[tokio::test]
async fn the_command_line_says_by_its_exit_code_how_it_went() {
    let (app, folder) = TestApp::bare(vec![testkit::crm()]).await;
    let app = TestApp::around(app, folder);
    for (args, code) in [
        (vec!["--version"], 0),
        (vec!["config", "default"], 0),
        (vec!["openapi"], 0),
        (vec!["tenant", "list"], 0),
        (vec!["migrate"], 0),
        (vec!["verify", "audit", "--tenant", "hub"], 0),
        (vec!["verify", "audit", "--tenant", "nobody"], 1),
        (vec!["tenant", "backup", "nobody", "--to", "x"], 1),
        (vec!["tenant", "restore", "/nowhere", "--as", "x"], 1),
        (vec!["user", "reset-link", "nobody@example.com"], 1),
        (vec!["operator", "create", "--email", "nonsense", "--name", "x"], 1),
        (vec!["tenant"], 2),
        (vec!["nonsense"], 2),
        (vec!["tenant", "restore", "x"], 2),
        (vec!["doctor"], 1), // there is no operator yet
    ] {
        let run = tenon(&app, &args).await;
        assert_eq!(run.code, code, "tenon {}: {run:?}", args.join(" "));
        assert!(run.code == 0 || args == ["doctor"] || !run.err.is_empty(), "what went wrong is said on standard error: {run:?}");
        assert!(run.code != 0 || run.err.is_empty(), "{run:?}");
    }
    let document = tenon(&app, &["openapi"]).await.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/v1/crm/companies:import"].is_object());
    let problem = tenon(&app, &["verify", "audit", "--tenant", "nobody", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&problem.err).unwrap()["code"], "invalid", "{problem:?}");
}
