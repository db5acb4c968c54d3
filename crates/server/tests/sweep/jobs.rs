//! As jobs: for whom a job was enqueued is asked again when it runs.

use super::{Actor, bulk, tenant, world};
use base::TenantId;
use kernel::{Ctx, Operation};
use serde_json::{Value, json};
use server::verify::authz::Id;
use testkit::TestApp;

pub async fn sweep(app: &TestApp) {
    let world = world(app);
    for side in world.sides() {
        let (ours, theirs) = (tenant(side.person), tenant(side.other));
        let mut prepared = Vec::new();
        for (operation, verb) in bulk::verbs(app) {
            let one = bulk::single(app, &operation, &verb);
            let mut ids = Vec::new();
            for kind in [Id::Own, Id::Foreign, Id::Nonexistent, Id::Deleted] {
                ids.push(side.id(&one, kind).await.unwrap().unwrap());
            }
            prepared.push((operation, verb, ids));
        }
        let before = app.contents(theirs).await;
        let args = |operation: &Operation, verb: &str, ids: &[String]| {
            let patch = if verb == "update" { bulk::patch(operation) } else { Value::Null };
            json!({ "ids": ids, "do": verb, "dry_run": false, "filter": null, "patch": patch })
        };
        // In the name of whoever may not: a member without the right, a member of the other company, and a module for itself.
        let stranger = app.stranger.me["user"]["member"].as_str().filter(|_| side.who == Actor::Admin);
        let forged = side.other.me["user"]["member"].as_str();
        let unchanged = app.contents(ours).await.without("jobs");
        let mut jobs = Vec::new();
        for (operation, verb, ids) in &prepared {
            for member in [stranger, forged, None] {
                let job = enqueued(app, ours, &operation.name, &args(operation, verb, ids), member).await;
                jobs.push((format!("{} {verb} for {member:?}", operation.name), job));
            }
        }
        for kind in app.app.catalogue().plans().map(|plan| format!("{}.import", plan.resource)) {
            for member in [stranger, forged, None] {
                let file = app.folder().join(base::new_id());
                std::fs::write(&file, "sample\nsample\n").unwrap();
                let args = json!({ "file": file, "key": null, "columns": [[0, 0]], "dry_run": false, "rows": 1 });
                jobs.push((format!("{kind} for {member:?}"), enqueued(app, ours, &kind, &args, member).await));
            }
        }
        for (name, job) in jobs {
            let (status, result) = ended(app, ours, &job).await;
            let done = |what: &str| result[what].as_u64().unwrap_or(0) == 0;
            assert!(status == "dead" || (done("changed") && done("created") && done("updated")), "{name}: {status} {result}");
        }
        unchanged.expect_unchanged(&app.contents(ours).await.without("jobs"), "jobs of those who may not");
        let mut jobs = Vec::new();
        for (operation, verb, ids) in &prepared {
            let job = enqueued(app, ours, &operation.name, &args(operation, verb, ids), side.person.me["user"]["member"].as_str()).await;
            jobs.push((format!("{} {verb} as a job", operation.name), job, ids));
        }
        for (name, job, ids) in jobs {
            let (status, result) = ended(app, ours, &job).await;
            assert_eq!(status, "done", "{name}: {result}");
            bulk::only_the_own_one(&result, ids, &name);
            // Whose job it is not sees nothing of it.
            for (token, status) in [(None, 401), (Some(side.other.token.as_str()), 404)] {
                assert_eq!(app.get_as(token, &format!("/api/v1/jobs/{job}")).await.status, status);
                assert_eq!(app.post_as(token, &format!("/api/v1/jobs/{job}/cancel"), json!({})).await.status, status);
            }
        }
        before.expect_unchanged(&app.contents(theirs).await, &format!("{:?}'s jobs", side.who));
    }
}

/// A job as a request enqueues it, for whoever the test says.
async fn enqueued(app: &TestApp, tenant: TenantId, kind: &str, args: &Value, member: Option<&str>) -> String {
    let names = app.app.tenant_names(tenant).await.unwrap();
    let cx = Ctx::of_command_line(&app.app, tenant, names).await.unwrap();
    cx.work_is_coming().await.unwrap();
    let (id, kind, args, member) = (base::new_id(), kind.to_owned(), args.to_string(), member.map(str::to_owned));
    let job = id.clone();
    let actor = member.as_deref().map_or("system:crm".to_owned(), |member| format!("member:{member}"));
    cx.write(move |tx| {
        tx.sql().run(
            r#"INSERT INTO "jobs" ("id", "kind", "priority", "args", "status", "run_at", "attempt", "progress", "member", "actor", "cancel", "created_at")
VALUES (?1, ?2, 0, ?3, 'ready', ?4, 0, 0, ?5, ?6, ?7, ?4)"#,
            &[(&job).into(), (&kind).into(), (&args).into(), base::Time::now().into(), member.as_deref().into(), (&actor).into(), false.into()],
        )
    })
    .await
    .unwrap();
    cx.work_is_coming().await.unwrap();
    id
}

async fn ended(app: &TestApp, tenant: TenantId, job: &str) -> (String, Value) {
    let silo = app.app.silos().open(tenant).await.unwrap();
    for _ in 0..6000 {
        let id = job.to_owned();
        let found = silo
            .read(move |sql| {
                sql.row(r#"SELECT "status", "result" FROM "jobs" WHERE "id" = ?1"#, &[(&id).into()], |row| {
                    Ok((row.text(0)?.to_owned(), row.opt_text(1)?.map_or(Value::Null, |text| serde_json::from_str(text).unwrap())))
                })
            })
            .await
            .unwrap()
            .unwrap();
        if matches!(found.0.as_str(), "done" | "dead" | "cancelled") {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("job {job} did not end");
}
