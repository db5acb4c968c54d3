//! Pages of the lists that are no records, asked for as those are: `limit`, and `cursor` with the `next` of the page before.

use base::{Error, Result};
use kernel::{
    Call, Ctx,
    secrets::{Cursor, CursorKey},
};
use serde::{Serialize, de::DeserializeOwned};

pub const LIMIT: (&str, &str) = ("limit", "1 to 200; 50 where it is absent.");
pub const CURSOR: (&str, &str) = ("cursor", "`next` of the page before.");

/// What is asked for: so many, after the place where the page before ended.
pub struct Page<P> {
    pub limit: usize,
    pub after: Option<P>,
    key: CursorKey,
    operation: String,
}

impl<P: Serialize + DeserializeOwned> Page<P> {
    pub fn of(cx: &Ctx, call: &Call) -> Result<Page<P>> {
        call.only_query(&[LIMIT.0, CURSOR.0])?;
        let key = CursorKey::new(cx.app().root_key(), cx.tenant_id())?;
        let operation = cx.operation().map(|operation| operation.name.clone()).unwrap_or_default();
        let mut page = Page { limit: call.limit()?, after: None, key, operation };
        if let Some(text) = call.query(CURSOR.0) {
            let place = page.key.open(&page.cursor(), text)?;
            page.after = Some(serde_json::from_slice(&place).map_err(Error::internal)?);
        }
        Ok(page)
    }

    /// Cuts what was found, one more than asked for where there is more, and says where the next page begins.
    pub fn cut<T>(&self, found: &mut Vec<T>, place: impl Fn(&T) -> P) -> Result<Option<String>> {
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        let last = found.last().filter(|_| more).map(place);
        let seal = |place| self.key.seal(&self.cursor(), &serde_json::to_vec(&place).map_err(Error::internal)?);
        last.map(seal).transpose()
    }

    fn cursor(&self) -> Cursor<'_> {
        Cursor { operation: &self.operation, sort: "", filter: "" }
    }
}
