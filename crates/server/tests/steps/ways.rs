//! How each piece of work is asked for, over HTTP or at the command line, and what must be there afterwards.

use crate::stage::{Stage, asked};
use base::{Error, Result, TenantId};
use kernel::App;
use serde_json::json;
use server::door::{Asked, Door};
use std::{path::PathBuf, time::Duration};
use testkit::{ADMIN, PASSWORD};

/// Rows of a file to be imported: two units and a bit.
const ROWS: usize = 450;

/// A way to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    SignUp,
    /// The one who signed up went away half-way: a job goes on.
    SignUpLater,
    /// The address got an account by other means before the end.
    SignUpOvertaken,
    Accept,
    AcceptLater,
    Company,
    CompanyByOperator,
    Module,
    Import,
    Export,
    ExportToFile,
    Backup,
    Restore,
    /// One that was begun before under the same slug has broken off.
    RestoreAgain,
    /// Of a company that is suspended.
    Deletion,
}

/// Where it is asked for.
#[derive(Clone)]
pub enum Place {
    Inside(App),
    Server(Door),
}

/// One piece of work, with names that no other has.
#[derive(Clone)]
pub struct Case {
    number: u32,
    email: String,
    /// Of the link in a mail.
    token: String,
    /// Access token of the first company's owner.
    by: String,
    tenant: TenantId,
    file: PathBuf,
}

impl Case {
    fn name(&self) -> String {
        format!("Firm {}", self.number)
    }
    fn slug(&self) -> String {
        format!("firm-{}", self.number)
    }
    /// A request under a key of its own; each try has the same.
    fn post(&self, path: &str, body: &serde_json::Value) -> Asked {
        Asked::post(path, body).header("idempotency-key", format!("{} {path}", self.number))
    }
}

impl Place {
    fn door(&self) -> Door {
        match self {
            Place::Inside(app) => Door::Inside(app.clone()),
            Place::Server(door) => door.clone(),
        }
    }
    fn app(&self) -> Result<App> {
        match self {
            Place::Inside(app) => Ok(app.clone()),
            Place::Server(_) => Err(Error::internal("this is done at the command line")),
        }
    }
}

impl Way {
    /// The way on which work comes to a step. Migrations and loops have tests of their own.
    pub fn to(point: &str) -> Option<Way> {
        let (flow, step) = point.split_once('.').unwrap();
        Some(match (flow, step) {
            ("migrate" | "background", _) => return None,
            ("sign-up", "voided") => Way::SignUpOvertaken,
            ("sign-up", later) if later.ends_with("-later") => Way::SignUpLater,
            ("accept-invitation", later) if later.ends_with("-later") => Way::AcceptLater,
            ("provision", "claimed-by-operator") => Way::CompanyByOperator,
            ("export", "written" | "named") => Way::ExportToFile,
            ("restore", "taken-over") => Way::RestoreAgain,
            ("sign-up" | "mail", _) => Way::SignUp,
            ("accept-invitation", _) => Way::Accept,
            ("provision", _) => Way::Company,
            ("install", _) => Way::Module,
            ("import", _) => Way::Import,
            ("export", _) => Way::Export,
            ("backup", _) => Way::Backup,
            ("delete", _) => Way::Deletion,
            ("restore", _) => Way::Restore,
            _ => panic!("nobody knows how work comes to {point}"),
        })
    }

    /// Whether the step is in what looks after work that was left half done.
    pub fn comes_later(self) -> bool {
        matches!(self, Way::SignUpLater | Way::SignUpOvertaken | Way::AcceptLater)
    }

    pub async fn prepare(self, stage: &mut Stage) -> Case {
        let number = stage.next();
        // Over a long test, an access token would end.
        stage.app.admin = stage.app.sign_in("admin@acme.test").await;
        let mut case = Case {
            number,
            email: format!("p{number}@firm.test"),
            token: String::new(),
            by: stage.app.admin.token.clone(),
            tenant: stage.app.tenant(&stage.app.admin),
            file: stage.app.folder().join(format!("file-{number}")),
        };
        match self {
            Way::SignUpLater => self.left_at(stage, &mut case, "sign-up.claimed").await,
            Way::SignUpOvertaken => {
                self.left_at(stage, &mut case, "sign-up.silo-made").await;
                account::operators::create(&stage.app.app, &case.email, "Olga", PASSWORD).await.unwrap();
            }
            Way::Accept | Way::AcceptLater => {
                let body = json!({ "email": case.email, "role": "viewer" });
                stage.app.post(ADMIN, "/api/v1/account/invitations", body).await.expect(201);
                case.token = stage.app.token_from_mail(&case.email).await;
                if self == Way::AcceptLater {
                    self.left_at(stage, &mut case, "accept-invitation.claimed").await;
                }
            }
            Way::Restore => case.file = stage.backup.clone(),
            Way::Deletion => {
                account::operators::create_tenant(&stage.app.app, &case.name(), "admin@acme.test").await.unwrap();
                hub::tenants::suspend(&stage.app.app, &case.slug(), true).await.unwrap();
            }
            Way::RestoreAgain => {
                case.file = stage.backup.clone();
                base::arm("restore.looked-at", "1*return(panic)").unwrap();
                assert!(tokio::spawn(Way::Restore.act(stage.inside(), case.clone())).await.is_err());
                base::disarm("restore.looked-at");
            }
            _ => {}
        }
        stage.settle(false).await;
        case
    }

    /// Somebody begins and does not come back.
    async fn left_at(self, stage: &Stage, case: &mut Case, point: &str) {
        base::arm(point, "1*return(error)").unwrap();
        let begun = match self {
            Way::AcceptLater => accept(&stage.inside().door(), case).await.map(drop),
            _ => sign_up(&stage.inside().door(), case).await,
        };
        base::disarm(point);
        assert!(begun.is_err());
        if self != Way::AcceptLater {
            case.token = stage.app.token_from_mail(&case.email).await;
        }
    }

    /// Does it, as somebody who gets no answer does it again. What is done already is as good as done.
    pub async fn act(self, place: Place, case: Case) -> Result<()> {
        let door = place.door();
        match self {
            Way::SignUp => sign_up(&door, &case).await,
            // Nobody does anything: the job does.
            Way::SignUpLater | Way::SignUpOvertaken | Way::AcceptLater => Ok(()),
            Way::Accept => accept(&door, &case).await,
            Way::Company => {
                let make = case.post("/api/v1/account/companies", &json!({ "name": case.name() })).by(Some(&case.by));
                asked(&door, &make, 201).await.map(drop)
            }
            Way::CompanyByOperator => account::operators::create_tenant(&place.app()?, &case.name(), "admin@acme.test").await.map(drop),
            Way::Module => {
                for (verb, body) in [("install", json!({})), ("uninstall", json!({})), ("purge", json!({ "confirm": "depot" }))] {
                    let request = case.post(&format!("/api/v1/modules/depot/{verb}"), &body).by(Some(&case.by));
                    asked(&door, &request, 200).await?;
                }
                Ok(())
            }
            Way::Import => {
                let rows: String = (0..ROWS).map(|row| format!("import {} row {row}\n", case.number)).collect();
                let request = case.post("/api/v1/shop/goods:import", &json!({}));
                let file = Asked { headers: request.headers.into_iter().filter(|(name, _)| *name != "content-type").collect(), ..request };
                asked(&door, &file.content("text/csv", format!("name\n{rows}")).by(Some(&case.by)), 202).await.map(drop)
            }
            Way::Export => {
                let whole = asked(&door, &Asked::get("/api/v1/shop/goods:export?filter=name.startsWith(%22seed%22)").by(Some(&case.by)), 200).await?;
                // Whatever happens, a file that came without an error is a whole one.
                assert_eq!(whole.text().lines().count(), 601, "an export that was cut off looked like a whole one");
                Ok(())
            }
            Way::ExportToFile => hub::backup::export_to(&place.app()?, case.tenant, &case.file).await.map(drop),
            Way::Backup => or_there_already(hub::backup::write(&place.app()?, case.tenant, &case.file, false).await, "exists"),
            Way::Restore | Way::RestoreAgain => or_there_already(hub::backup::restore(&place.app()?, &case.file, &case.slug()).await, "duplicate"),
            Way::Deletion => hub::deletion::by_command_line(&place.app()?, &case.slug()).await.map(drop),
        }
    }

    /// The same at the command line, for what is done there.
    pub fn command(self, stage: &Stage, case: &Case) -> Option<Vec<String>> {
        let slug = stage.app.admin.me["tenant"]["slug"].as_str().unwrap().to_owned();
        let file = case.file.display().to_string();
        let args = match self {
            Way::CompanyByOperator => vec!["create".into(), "--name".into(), case.name(), "--owner".into(), "admin@acme.test".into()],
            Way::ExportToFile => vec!["export".into(), slug, "--to".into(), file],
            Way::Backup => vec!["backup".into(), slug, "--to".into(), file],
            Way::Restore | Way::RestoreAgain => vec!["restore".into(), file, "--as".into(), case.slug()],
            Way::Deletion => vec!["delete".into(), case.slug(), "--yes".into()],
            _ => return None,
        };
        Some(std::iter::once("tenant".to_owned()).chain(args).collect())
    }

    /// What must hold before anybody asks again: what is there is whole.
    pub async fn check_after_break(self, stage: &Stage, case: &Case) {
        match self {
            Way::ExportToFile if case.file.exists() => whole_export(stage, case).await,
            Way::Backup if case.file.exists() => whole_backup(stage, case).await,
            // Nobody needs to come back for these.
            Way::SignUpLater | Way::AcceptLater | Way::SignUpOvertaken | Way::Deletion => self.check(stage, case).await,
            _ => {}
        }
    }

    /// What must be there when it was asked for until it was done.
    pub async fn check(self, stage: &Stage, case: &Case) {
        match self {
            Way::SignUp | Way::SignUpLater => {
                let person = stage.app.sign_in(&case.email).await;
                assert_eq!(person.me["tenants"].as_array().unwrap().len(), 1);
                assert_eq!(companies(stage, &case.name()).await, 1);
                stage.log_is_whole(stage.app.tenant(&person)).await;
            }
            Way::SignUpOvertaken => {
                assert_eq!(companies(stage, &case.name()).await, 0);
                let late = stage.app.post_as(None, "/api/v1/auth/verify", json!({ "token": case.token })).await;
                late.expect(410);
            }
            Way::Accept | Way::AcceptLater => {
                let person = stage.app.sign_in(&case.email).await;
                assert_eq!(person.me["tenants"][0]["roles"], json!(["viewer"]));
                let joined = r#"SELECT COUNT(*) FROM "events" WHERE "type" = 'account.member.joined' AND "data" LIKE '%' || ?1 || '%'"#;
                assert_eq!(stage.count(case.tenant, joined, format!("\"{}\"", case.email)).await, 1);
            }
            Way::Company | Way::CompanyByOperator => assert_eq!(companies(stage, &case.name()).await, 1),
            Way::Module => {
                let there = r#"SELECT COUNT(*) FROM "modules" WHERE "name" = ?1"#;
                assert_eq!(stage.count(case.tenant, there, "depot".into()).await, 0);
                let silo = stage.app.app.silos().open(case.tenant).await.unwrap();
                assert!(silo.read(|sql| sql.columns("depot_racks")).await.unwrap().is_empty());
                let told =
                    r#"SELECT COUNT(*) - 3 * (SELECT COUNT(*) FROM "events" WHERE "type" = 'hub.module.purged') FROM "events" WHERE "subject" = ?1"#;
                assert_eq!(stage.count(case.tenant, told, "hub.modules/depot".into()).await, 0, "as often installed as uninstalled and purged");
            }
            Way::Import => {
                let rows = r#"SELECT COUNT(*) FROM "shop_goods" WHERE "name" LIKE ?1 || '%'"#;
                let name = format!("import {} row ", case.number);
                assert_eq!(stage.count(case.tenant, rows, name).await, i64::try_from(ROWS).unwrap(), "each row once");
            }
            Way::Export => {}
            Way::ExportToFile => whole_export(stage, case).await,
            Way::Backup => whole_backup(stage, case).await,
            Way::Deletion => {
                let all = hub::tenants::all(&stage.app.app).await.unwrap();
                let tombstone = all.iter().find(|tenant| tenant.slug == case.slug()).unwrap();
                assert_eq!((tombstone.status.as_str(), tombstone.name.as_str()), ("deleted", ""));
                assert!(!stage.app.app.silos().exists(tombstone.id.parse().unwrap()).await.unwrap());
                let told = r#"SELECT COUNT(*) FROM "events" WHERE "type" = 'hub.tenant.deleted' AND "subject" = 'hub.tenants/' || ?1"#;
                assert_eq!(stage.count(TenantId::HUB, told, tombstone.id.clone()).await, 1);
            }
            Way::Restore | Way::RestoreAgain => {
                let there = hub::tenants::all(&stage.app.app).await.unwrap().into_iter().filter(|tenant| tenant.slug == case.slug());
                let there: Vec<_> = there.collect();
                assert_eq!(there.iter().map(|tenant| tenant.status.as_str()).collect::<Vec<_>>(), ["active"]);
                let id: TenantId = there[0].id.parse().unwrap();
                stage.log_is_whole(id).await;
                let told = r#"SELECT COUNT(*) FROM "events" WHERE "type" = ?1"#;
                assert_eq!(stage.count(id, told, "hub.tenant.restored".into()).await, 1);
            }
        }
    }
}

fn or_there_already<T>(done: Result<T>, name: &str) -> Result<()> {
    match done {
        Err(error) if error.name() == name => Ok(()),
        done => done.map(drop),
    }
}

async fn companies(stage: &Stage, name: &str) -> i64 {
    stage.count(TenantId::HUB, r#"SELECT COUNT(*) FROM "hub_tenants" WHERE "name" = ?1 AND "status" = 'active'"#, name.to_owned()).await
}

async fn sign_up(door: &Door, case: &Case) -> Result<()> {
    let form = json!({ "company": case.name(), "name": "Pat", "email": case.email, "password": PASSWORD });
    asked(door, &case.post("/api/v1/auth/register", &form), 202).await?;
    // A second mail makes the link in the first worth nothing: whoever has it tries the newest.
    for _ in 0..3 {
        let token = newest_token(door, &case.email).await?;
        let answer = asked(door, &Asked::post("/api/v1/auth/verify", &json!({ "token": token })), 410).await?;
        if answer.status.is_success() || is_in(door, case).await {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Error::gone("link", "no link was good"))
}

async fn accept(door: &Door, case: &Case) -> Result<()> {
    let form = json!({ "token": case.token, "name": "Ivo", "password": PASSWORD });
    let answer = asked(door, &case.post("/api/v1/auth/accept-invitation", &form), 410).await?;
    if answer.status.is_success() || is_in(door, case).await { Ok(()) } else { Err(Error::gone("link", "the invitation is gone")) }
}

/// Whether they can sign in by now.
async fn is_in(door: &Door, case: &Case) -> bool {
    let request = Asked::post("/api/v1/auth/token", &json!({ "email": case.email, "password": PASSWORD }));
    asked(door, &request, 200).await.is_ok()
}

/// The token of the newest mail; given up after two seconds.
async fn newest_token(door: &Door, email: &str) -> Result<String> {
    for _ in 0..200 {
        // Where there is no server any more, nobody waits for its mails.
        door.send(&Asked::get("/live")).await?;
        let mails = door.mailbox().list().await?;
        let link = mails.iter().filter(|sent| sent.mail.to == email).flat_map(|sent| &sent.mail.links).find_map(|link| link.split_once("#token="));
        if let Some((_, token)) = link {
            return Ok(token.to_owned());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(Error::unavailable("no mail came"))
}

/// Every line is JSON, and the last of the log is among them.
async fn whole_export(stage: &Stage, case: &Case) {
    let text = std::fs::read_to_string(&case.file).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events = stage.count(case.tenant, r#"SELECT COUNT(*) FROM "events" WHERE ?1 <> ''"#, "x".into()).await;
    assert_eq!(i64::try_from(lines.iter().filter(|line| line.get("event").is_some()).count()).unwrap(), events);
}

async fn whole_backup(stage: &Stage, case: &Case) {
    let slug = format!("copy-{}-{}", case.number, base::new_id().split('-').next_back().unwrap());
    hub::backup::restore(&stage.app.app, &case.file, &slug).await.unwrap();
}
