//! What clients of several companies do at the same time: their own work, and each other's ids. Some go away before they are answered.

use super::{
    Company, PLACES,
    watch::{OVERLAP, Watch},
};
use crate::{
    door::Asked,
    verify::{dice::Dice, socket::Connection},
};
use base::Result;
use http::{Method, StatusCode};
use serde_json::json;
use std::{net::SocketAddr, sync::Arc, time::Duration};

/// Records of its own that a client keeps before it deletes some.
const MADE: usize = 20;
/// One request of so many is not waited for.
const HANG_UP: u64 = 12;

/// One client of one company.
pub struct Worker {
    at: SocketAddr,
    companies: Arc<Vec<Company>>,
    own: usize,
    watch: Arc<Watch>,
    dice: Dice,
    connection: Option<Connection>,
    /// Deals that this client has made.
    made: Vec<String>,
}

/// Who asks for what.
struct Try {
    asked: Asked,
    /// The company whose answer it is; `None`: nobody's.
    to: Option<usize>,
    /// Whether a deal comes of it.
    makes: bool,
}

impl Worker {
    pub fn new(at: SocketAddr, companies: Arc<Vec<Company>>, own: usize, watch: Arc<Watch>) -> Result<Worker> {
        Ok(Worker { at, companies, own, watch, dice: Dice::new()?, connection: None, made: Vec::new() })
    }

    pub async fn work(mut self) -> Result<()> {
        while self.watch.next() {
            let next = self.choose();
            let mut connection = match self.connection.take() {
                Some(open) => open,
                None => Connection::open(self.at).await?,
            };
            if self.dice.below(HANG_UP) == 0 {
                self.hang_up(connection, &next.asked).await?;
                continue;
            }
            let answer = connection.send(&next.asked).await?;
            let place = format!("{} {} with {}", next.asked.method, next.asked.path, answer.status);
            for value in answer.headers.values() {
                self.watch.search(next.to, &place, value.as_bytes());
            }
            self.watch.search(next.to, &place, &answer.body);
            if answer.status.is_server_error() && answer.status != StatusCode::SERVICE_UNAVAILABLE {
                self.watch.failed();
            }
            if next.makes && answer.status == 201 {
                self.made.push(answer.id()?);
            }
            self.connection = connection.is_open().then_some(connection);
        }
        Ok(())
    }

    /// Goes away while it speaks, or a moment after: the server is then anywhere between the first byte and the commit.
    async fn hang_up(&mut self, mut connection: Connection, asked: &Asked) -> Result<()> {
        self.watch.hung_up();
        if self.dice.below(4) == 0 {
            let some = usize::try_from(self.dice.below(400)).unwrap_or_default();
            return connection.begin(asked, some).await;
        }
        let moment = Duration::from_micros(self.dice.below(4_000));
        // Whether the answer came in time is of no interest.
        drop(tokio::time::timeout(moment, connection.send(asked)).await);
        Ok(())
    }

    fn choose(&mut self) -> Try {
        let companies = self.companies.clone();
        let Some(own) = companies.get(self.own) else { return Try { asked: Asked::get("/"), to: None, makes: false } };
        let others = companies.len() as u64 - 1;
        let other = (self.own + 1 + usize::try_from(self.dice.below(others)).unwrap_or_default()) % companies.len();
        let theirs = companies.get(other).unwrap_or(own);
        let mine = self.seed(own);
        let foreign = self.seed(theirs);
        if self.made.len() > MADE
            && let Some(gone) = self.made.pop()
        {
            return self.mine(Asked::new(Method::DELETE, format!("/api/v1/crm/deals/{gone}")));
        }
        let (asked, makes) = self.asked(own, &mine, &foreign);
        // Some of it is tried by nobody at all, or by somebody with a token that is none.
        match self.dice.below(20) {
            0 => Try { asked, to: None, makes: false },
            1 => Try { asked: asked.by(Some(&own.owner.token.chars().rev().collect::<String>())), to: None, makes: false },
            _ => Try { makes, ..self.mine(asked) },
        }
    }

    fn mine(&self, asked: Asked) -> Try {
        let token = self.companies.get(self.own).map(|company| company.owner.token.as_str());
        Try { asked: asked.by(token), to: Some(self.own), makes: false }
    }

    /// The path of something that a company has.
    fn seed(&mut self, company: &Company) -> Seed {
        let at = usize::try_from(self.dice.below(PLACES.len() as u64)).unwrap_or_default();
        let ids = company.seeds.get(at).map(Vec::as_slice).unwrap_or_default();
        Seed { place: PLACES.get(at).copied().unwrap_or_default(), id: self.dice.one_of(ids).cloned().unwrap_or_default() }
    }

    fn asked(&mut self, own: &Company, mine: &Seed, foreign: &Seed) -> (Asked, bool) {
        let canary = own.canary.as_str();
        let text = format!("{canary} {}", self.dice.below(1_000_000));
        let (theirs, id) = (foreign.path(), foreign.id.as_str());
        let deals = "/api/v1/crm/deals";
        let asked = match self.dice.below(32) {
            0..=3 => return (Asked::post(deals, &json!({ "name": text, "notes": text })), true),
            4 => Asked::post(deals, &json!({ "name": text, "company": id })),
            5 | 6 => Asked::new(Method::PATCH, mine.path()).json(&json!({ "notes": text })),
            7 | 8 => Asked::get(mine.path()),
            9 | 10 => Asked::get(&theirs),
            11 => Asked::new(Method::PATCH, &theirs).json(&json!({ "notes": text })),
            12 => Asked::new(Method::DELETE, &theirs),
            13 => Asked::get(format!("{theirs}/history")),
            14 => Asked::get(format!("{}/history?limit=20", mine.path())),
            15 => Asked::post(format!("{theirs}/revert"), &json!({ "seq": self.dice.below(200) })),
            16 => Asked::get(format!("{deals}?count=true&sort=-name&limit=20&expand=company")),
            17 => Asked::get(format!("{deals}?filter=notes.contains(%22{canary}%22)&limit=20")),
            18 => Asked::get(format!("{deals}?count=true&filter=company%20%3D%3D%20%22{id}%22")),
            19 => Asked::get(format!("{deals}:export")),
            20 => Asked::get(format!("/api/v1/search?q={canary}")),
            21 => Asked::get(format!("/api/v1/search?q={id}")),
            22 => Asked::get("/api/v1/events?limit=20"),
            23 => Asked::get(format!("/api/v1/events?limit=20&filter=subject.contains(%22{id}%22)")),
            24 => Asked::post(format!("{deals}:aggregate"), &json!({ "group_by": ["owner"], "count": true })),
            25 => {
                let bulk = json!({ "ids": [mine.id, id], "do": "update", "patch": { "notes": text } });
                Asked::post(format!("/api/v1/{}:bulk", mine.place), &bulk)
            }
            26 => Asked::new(Method::POST, format!("{deals}:import?dry_run=true"))
                .content("text/csv", format!("name,notes,company\n{text},{text},{id}\n")),
            27 => Asked::get(format!("/api/v1/access/explain?permission=crm.deals%3Aread&id={id}")),
            28 => Asked::get(*self.dice.one_of(&LISTS).unwrap_or(&"/api/v1/me")),
            29 => Asked::new(Method::POST, deals).content("application/json", format!("{{\"name\": \"{text}")),
            30 => self.mailed(own, &text),
            _ => Asked::new(Method::PUT, &theirs).content("text/plain", text),
        };
        (asked, false)
    }

    /// What sends a mail, and what fails to sign in: seldom, because both take long.
    fn mailed(&mut self, own: &Company, text: &str) -> Asked {
        match self.dice.below(16) {
            0 => {
                let guest = format!("g{}@{}.test", self.dice.below(1_000_000), own.canary);
                Asked::post("/api/v1/account/invitations", &json!({ "email": guest, "role": "viewer" }))
            }
            1 => Asked::post("/api/v1/auth/forgot", &json!({ "email": own.owner.email })),
            2 => Asked::post("/api/v1/auth/token", &json!({ "email": own.owner.email, "password": text })),
            _ => Asked::get("/api/v1/openapi.json"),
        }
    }
}

const LISTS: [&str; 9] = [
    "/api/v1/me",
    "/api/v1/meta",
    "/api/v1/modules",
    "/api/v1/jobs",
    "/api/v1/account/members",
    "/api/v1/account/invitations",
    "/api/v1/account/roles",
    "/api/v1/account/keys",
    "/api/v1/account/sessions",
];

struct Seed {
    place: &'static str,
    id: String,
}

impl Seed {
    fn path(&self) -> String {
        format!("/api/v1/{}/{}", self.place, self.id)
    }
}

/// Reads a company's stream of events for as long as the proof goes on.
pub async fn listen(at: SocketAddr, companies: Arc<Vec<Company>>, own: usize, watch: Arc<Watch>) {
    let Some(company) = companies.get(own) else { return };
    let asked = Asked::get("/api/v1/events/stream").by(Some(&company.owner.token));
    loop {
        // A stream that breaks is opened again; what it brought has been searched.
        if let Ok(mut connection) = Connection::open(at).await
            && connection.send(&asked).await.is_ok()
        {
            let mut tail: Vec<u8> = Vec::new();
            while let Ok(Some(bytes)) = connection.more().await {
                tail.extend_from_slice(&bytes);
                watch.search(Some(own), "the stream of events", &tail);
                tail.drain(..tail.len().saturating_sub(OVERLAP));
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
