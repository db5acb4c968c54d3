//! One client that writes until the server is killed, and remembers what it was promised.

use crate::{
    door::{Answer, Asked, Door},
    verify::{dice::Dice, socket::Connection},
};
use base::{Error, Result};
use http::Method;
use serde_json::{Value, json};
use std::{collections::HashMap, net::SocketAddr};

/// A record as it was last acknowledged.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub id: String,
    pub version: i64,
    pub notes: String,
}

/// A request that was sent, with the name of the record that it is about.
pub struct Request {
    name: String,
    asked: Asked,
}

/// What one client has to tell.
pub struct Sent {
    pub kept: HashMap<String, Kept>,
    pub acknowledged: u64,
    /// What was sent and not answered.
    pub unanswered: Option<Request>,
}

pub struct Load {
    at: SocketAddr,
    token: String,
    prefix: String,
    dice: Dice,
    names: Vec<String>,
}

impl Kept {
    pub fn of(record: &Value) -> Kept {
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        Kept { id: text("id"), version: record["version"].as_i64().unwrap_or_default(), notes: text("notes") }
    }
}

impl Load {
    pub fn new(at: SocketAddr, token: &str, prefix: String) -> Result<Load> {
        Ok(Load { at, token: token.to_owned(), prefix, dice: Dice::new()?, names: Vec::new() })
    }

    /// Creates and changes records, one request after the other, each with a key of its own.
    pub async fn until_it_breaks(mut self) -> Result<Sent> {
        let mut sent = Sent { kept: HashMap::new(), acknowledged: 0, unanswered: None };
        // It may be killed before the first request.
        let Ok(mut connection) = Connection::open(self.at).await else { return Ok(sent) };
        loop {
            let request = self.next(&sent.kept);
            match connection.send(&request.asked).await {
                Ok(answer) if answer.status.is_success() => {
                    sent.acknowledged += 1;
                    sent.kept.insert(request.name, Kept::of(&answer.json));
                }
                Ok(answer) if answer.status.is_client_error() => return Err(refused(&request, &answer)),
                Ok(_) | Err(_) => {
                    sent.unanswered = Some(request);
                    return Ok(sent);
                }
            }
        }
    }

    fn next(&mut self, kept: &HashMap<String, Kept>) -> Request {
        let key = base::new_id();
        let change = if self.dice.below(5) < 2 { self.dice.one_of(&self.names).cloned() } else { None };
        let (name, asked) = match change.and_then(|name| kept.get_key_value(&name)) {
            Some((name, record)) => {
                let path = format!("/api/v1/crm/companies/{}", record.id);
                (name.clone(), Asked::new(Method::PATCH, path).json(&json!({ "notes": key })))
            }
            None => {
                let name = format!("{}-{}", self.prefix, self.names.len());
                self.names.push(name.clone());
                let body = json!({ "name": name, "notes": key });
                (name, Asked::post("/api/v1/crm/companies", &body))
            }
        };
        Request { name, asked: asked.header("idempotency-key", key).by(Some(&self.token)) }
    }
}

impl Request {
    /// Sends it once more, with the same key: now it must be done, and only once.
    pub async fn again(self, door: &Door, kept: &mut HashMap<String, Kept>) -> Result<()> {
        let answer = door.send(&self.asked).await?;
        if !answer.status.is_success() {
            return Err(refused(&self, &answer));
        }
        kept.insert(self.name, Kept::of(&answer.json));
        Ok(())
    }
}

fn refused(request: &Request, answer: &Answer) -> Error {
    Error::internal(format!("{} {} was refused with {}: {}", request.asked.method, request.asked.path, answer.status, answer.text()))
}
