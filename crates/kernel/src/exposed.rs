//! A key in a URL ends up in logs and in other sites' hands. It is refused there; and one of ours is marked, so that its owner hears of it.

use crate::{
    ctx::Ctx,
    jobs::Job,
    secrets::{api_key_id, token_hash},
};
use base::{Result, Time};
use serde_json::json;
use subtle::ConstantTimeEq;

/// The job that tells the company and the key's owner; the account module does it.
const TELL: &str = "account.keys.exposed";
const PREFIX: &str = "tnk_live_";
/// How long a key is, from its prefix to its checksum.
const LENGTH: usize = 70;

/// What a query says, without its encoding.
pub(crate) struct Query<'q>(Vec<std::borrow::Cow<'q, str>>);

impl<'q> Query<'q> {
    pub fn of(text: &'q str) -> Query<'q> {
        Query(url::form_urlencoded::parse(text.as_bytes()).flat_map(|(name, value)| [name, value]).collect())
    }

    /// Whether it brings a credential: by the name of a parameter, or because it looks like one of our keys.
    pub fn has_credential(&self) -> bool {
        let named = self.0.iter().step_by(2).any(|name| {
            matches!(name.to_ascii_lowercase().as_str(), "api_key" | "apikey" | "access_token" | "refresh_token" | "token" | "key_id" | "password")
        });
        named || self.0.iter().any(|text| text.contains(PREFIX))
    }

    /// The first thing in it that is spelled exactly like a key: one look into the database is all that a request gets.
    pub fn key(&self) -> Option<&str> {
        let starts = self.0.iter().flat_map(|text| text.match_indices(PREFIX).map(move |(at, _)| (text, at)));
        starts.filter_map(|(text, at)| text.get(at..at + LENGTH)).find(|text| api_key_id(text).is_some())
    }
}

/// Marks a key that is good, once; it goes on working until its owner decides otherwise. Of any other nothing is written. `cx` stands in
/// the hub.
pub(crate) async fn mark(cx: &Ctx, text: &str) -> Result<()> {
    let Some(id) = api_key_id(text).map(str::to_owned) else { return Ok(()) };
    let key = id.clone();
    let stored = cx.app().hub().read(move |sql| {
        let find = r#"SELECT "hash" FROM "keys" WHERE "id" = ?1 AND "status" = 'active' AND "expires_at" > ?2"#;
        sql.row(find, &[(&key).into(), Time::now().into()], |row| Ok(row.blob(0)?.to_vec()))
    });
    let hash = token_hash(text);
    if !stored.await?.is_some_and(|stored| stored.ct_eq(&hash).into()) {
        return Ok(());
    }
    cx.work_is_coming().await?;
    cx.write(move |tx| {
        let marked = tx.sql().run(r#"UPDATE "keys" SET "status" = 'exposed' WHERE "id" = ?1 AND "status" = 'active'"#, &[(&id).into()])?;
        if marked == 1 {
            let ip = tx.cx().trace().ip.map(|ip| ip.to_string());
            tx.enqueue(Job::new(TELL, json!({ "key": id, "ip": ip })))?;
        }
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::ApiKey;

    #[test]
    fn a_key_is_found_wherever_it_stands_in_a_query() {
        let key = ApiKey::mint().unwrap().text;
        assert_eq!(key.len(), LENGTH);
        let hidden = key.replace('_', "%5F");
        for query in [
            format!("api_key={key}"),
            format!("a=b&{key}"),
            format!("a=b&c={hidden}"),
            format!("filter=x+%3D%3D+%22{key}%22"),
            format!("x=tnk_live_{key}"),
        ] {
            let query = Query::of(&query);
            assert!(query.has_credential());
            assert_eq!(query.key(), Some(key.as_str()));
        }
        for query in
            [format!("a={}", &key[..69]), format!("a={}", key.replace('_', "%20_")), "token=x".into(), "a=b".into(), "x=é".into(), String::new()]
        {
            assert_eq!(Query::of(&query).key(), None, "{query}");
        }
        assert!(!Query::of("filter=token+%3D%3D+%22x%22").has_credential());
    }
}
