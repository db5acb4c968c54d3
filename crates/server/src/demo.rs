//! `tenon demo`: a sample company made of real listed companies, through the same doors that everybody uses: sign-up, mail, link,
//! sign-in, install, import. What it writes could have been typed by hand.

use base::{Error, Result, Time};
use futures_util::future::BoxFuture;
use http::Method;
use kernel::App;
use serde::Serialize;
use serde_json::{Value, json};
use server::{
    door::{Asked, Door},
    people::{self, Person},
};

const COMPANIES: usize = 60;
const PEOPLE: usize = 40;
const DEALS: usize = 24;
const DAY: i64 = 24 * 60 * 60;

/// What was made, and how to get in.
#[derive(Debug, Serialize)]
pub struct Made {
    pub company: String,
    pub email: String,
    pub password: String,
    pub companies: usize,
    pub people: usize,
    pub deals: usize,
}

pub fn boxed(app: App) -> BoxFuture<'static, Result<Value>> {
    Box::pin(async move { serde_json::to_value(make(&app).await?).map_err(Error::internal) })
}

/// Makes the sample company. A second one gets a name and an address of its own.
pub async fn make(app: &App) -> Result<Made> {
    if !app.config().mail.smtp_url.is_empty() {
        return Err(Error::malformed("demo", "The demo reads its link from the dev mailbox, and this installation sends real mails."));
    }
    let mut rng = [0u8; 3];
    getrandom::fill(&mut rng).map_err(Error::internal)?;
    let tail: String = rng.iter().map(|b| format!("{b:02x}")).collect();
    let (company, email, password) = (format!("Demo {tail}"), format!("demo-{tail}@example.com"), people::password()?);
    let door = Door::Inside(app.clone());
    let owner = people::sign_up(&door, &company, "Demo", &email, &password).await?;
    let door = Owner { door, owner };
    door.post("/api/v1/modules/crm/install", json!({})).await?;

    let rows = rows()?;
    door.import("/api/v1/crm/companies:import?key=name", &rows).await?;
    let list = door.get(&format!("/api/v1/crm/companies?sort=name&limit={COMPANIES}")).await?;
    let companies: Vec<Value> = list.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let people = people(&door, &companies).await?;
    let deals = deals(&door, &companies).await?;
    Ok(Made { company, email, password, companies: companies.len(), people, deals })
}

/// The first companies of the sample that have a name and a website.
fn rows() -> Result<String> {
    let text = server::modules::sample_companies()?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(Error::internal)?.clone();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).map_err(Error::internal)?;
    let website = header.iter().position(|name| name == "website").unwrap_or_default();
    let good =
        reader.records().filter_map(std::result::Result::ok).filter(|row| row.get(website).is_some_and(|w| w.contains('.') && !w.contains(' ')));
    // Every thirtieth, so that they come from all over the alphabet.
    for row in good.step_by(20).take(COMPANIES) {
        writer.write_record(&row).map_err(Error::internal)?;
    }
    let bytes = writer.into_inner().map_err(Error::internal)?;
    String::from_utf8(bytes).map_err(Error::internal)
}

/// The people whom the sample names as leading those companies: `Ralph Dommermuth ( Chairman and CEO )`.
async fn people(door: &Owner, companies: &[Value]) -> Result<usize> {
    let mut made = 0;
    for company in companies {
        let Some((name, position)) = company["key_people"].as_str().and_then(first_person) else { continue };
        door.post("/api/v1/crm/people", json!({ "name": name, "position": position, "company": company["id"] })).await?;
        made += 1;
        if made == PEOPLE {
            break;
        }
    }
    Ok(made)
}

fn first_person(text: &str) -> Option<(String, String)> {
    let (name, rest) = text.split_once('(')?;
    let (position, _) = rest.split_once(')')?;
    let (name, position) = (name.trim(), position.trim());
    let good = (3..=60).contains(&name.len()) && name.split_whitespace().count() <= 4 && !position.is_empty() && position.len() <= 60;
    good.then(|| (name.to_owned(), position.to_owned()))
}

/// Deals in every column of the board, taken there by their moves, with something to do about some of them.
async fn deals(door: &Owner, companies: &[Value]) -> Result<usize> {
    const WHAT: [&str; 6] = ["Annual licence", "Rollout, first site", "Support contract", "Pilot", "Renewal", "Training days"];
    let now = Time::now();
    let mut made = 0;
    for (n, company) in companies.iter().enumerate().take(DEALS) {
        let name = format!("{}: {}", company["name"].as_str().unwrap_or_default(), WHAT.get(n % WHAT.len()).copied().unwrap_or_default());
        let minor = 90_000 + (n as i64 * 7_919 % 97) * 25_000;
        let closes = now.plus_seconds((n as i64 % 12) * 9 * DAY - 10 * DAY).to_string();
        let body = json!({ "name": name.chars().take(120).collect::<String>(), "company": company["id"], "amount": { "minor": minor, "currency": "EUR" }, "closes": closes.get(..10) });
        let deal = door.post("/api/v1/crm/deals", body).await?;
        let id = deal.get("id").and_then(Value::as_str).unwrap_or_default();
        let moves: &[&str] = match n % 6 {
            0 | 1 => &[],
            2 | 3 => &["qualify"],
            4 => &["qualify", "win"],
            _ => &["lose"],
        };
        for step in moves {
            door.post(&format!("/api/v1/crm/deals/{id}/{step}"), json!({})).await?;
        }
        if n % 3 == 0 {
            let due = now.plus_seconds((n as i64 + 1) * DAY / 2).to_string();
            door.post("/api/v1/crm/activities", json!({ "kind": "call", "subject": format!("Call about {name}").chars().take(120).collect::<String>(), "due": due, "deal": id, "company": company["id"] })).await?;
        }
        made += 1;
    }
    Ok(made)
}

/// The door, as the owner of the sample company goes through it.
struct Owner {
    door: Door,
    owner: Person,
}

impl Owner {
    async fn get(&self, path: &str) -> Result<Value> {
        self.send(Asked::get(path)).await
    }
    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.send(Asked::post(path, &body)).await
    }
    async fn import(&self, path: &str, csv: &str) -> Result<Value> {
        self.send(Asked::new(Method::POST, path).content("text/csv", csv.to_owned())).await
    }
    async fn send(&self, asked: Asked) -> Result<Value> {
        Ok(self.door.done(&asked.by(Some(&self.owner.token))).await?.json)
    }
}
