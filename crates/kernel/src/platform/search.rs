//! One search over everything that the caller may read.

use crate::{Operation, Reply};
use base::Error;
use http::StatusCode;
use serde_json::json;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("search.find", "search", "Records of all kinds, by words; the last word counts as a beginning.")
            .param("q", "Words.")
            .param("limit", "1 to 50; 10 where it is absent.")
            .answers_json(
                StatusCode::OK,
                json!({ "type": "object", "properties": { "items": { "type": "array", "items": { "type": "object", "properties": {
                    "resource": { "type": "string" }, "id": { "type": "string" }, "title": { "type": "string" } } } } } }),
            )
            .scan(|tx, call| {
                call.only_query(&["q", "limit"])?;
                let words = call.query("q").ok_or_else(|| Error::fault("q", "required", "Say what to look for."))?;
                let limit = match call.query("limit").map(str::parse::<usize>) {
                    None => 10,
                    Some(Ok(n)) if (1..=50).contains(&n) => n,
                    Some(_) => return Err(Error::fault("limit", "range", "Write a number from 1 to 50.")),
                };
                let items: Vec<_> = tx
                    .search(words, limit)?
                    .into_iter()
                    .map(|(resource, id, title)| json!({ "resource": resource, "id": id, "title": title }))
                    .collect();
                Reply::json(&json!({ "items": items }))
            }),
    ]
}
