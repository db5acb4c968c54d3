//! The log as its readers see it: by pages, and as a stream that can be resumed.

use crate::{Ctx, Operation, Reply, Tx, events, operations::Call, secrets::Cursor};
use base::{Error, Fault, Result, Value};
use bytes::Bytes;
use expr::{Column, Expr, Schema, Sql, Type};
use http::StatusCode;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

const NEEDS: &str = "account.events:read";
/// How often a quiet stream looks whether its reader may still read.
const LOOK: Duration = Duration::from_secs(1);
/// A comment now and then, so that nothing on the way takes the stream for dead.
const HEARTBEAT: u32 = 15;

pub(super) fn operations() -> Result<Vec<Operation>> {
    let schema = Arc::new(schema());
    let streamed = schema.clone();
    Ok(vec![
        Operation::get("events.list", "events", "What happened, newest first; with `after`, oldest first from there.")
            .needs(NEEDS)
            .param("filter", "A CEL expression over `seq id type subject actor on_behalf_of at request_id cause`.")
            .param("limit", "1 to 200; 50 where it is absent.")
            .param("cursor", "`next` of the page before.")
            .param("after", "A `seq`: only what came later, oldest first.")
            .answers_json(
                StatusCode::OK,
                json!({ "type": "object", "properties": { "items": { "type": "array", "items": { "type": "object" } }, "next": { "type": ["string", "null"] } } }),
            )
            .scan(move |tx, call| list(tx, call, &schema)),
        Operation::get("events.stream", "events/stream", "The same as server-sent events; resumes after `Last-Event-ID`.")
            .needs(NEEDS)
            .param("filter", "As in the list.")
            .param("after", "A `seq` to start after; without it the stream starts now.")
            .answers_stream("text/event-stream")
            .run(move |cx, call| stream(cx, call, streamed.clone())),
    ])
}

fn schema() -> Schema {
    let mut schema = Schema::new();
    let text = ["id", "type", "subject", "actor", "on_behalf_of", "request_id", "cause"];
    for name in text {
        schema.field(name, Type::Text, Column::Plain(format!("\"{name}\"")));
    }
    schema.field("seq", Type::Int, Column::Plain("\"seq\"".into()));
    schema.field("at", Type::Time, Column::Plain("\"at\"".into()));
    schema
}

fn filter(call: &Call, schema: &Schema) -> Result<Option<Expr>> {
    let parse = |text| Expr::parse(text, schema).map_err(|fault| Error::invalid(vec![Fault::new("filter", fault.code, fault.to_string())]));
    call.query("filter").filter(|text| !text.trim().is_empty()).map(parse).transpose()
}

fn number(call: &Call, name: &str) -> Result<Option<i64>> {
    call.query(name).map(|text| text.parse().map_err(|_| Error::fault(name, "integer", "Write a whole number."))).transpose()
}

fn list(tx: &mut Tx<'_, '_>, call: &Call, schema: &Schema) -> Result<Reply> {
    call.only_query(&["filter", "limit", "cursor", "after"])?;
    let (filter, limit, after) = (filter(call, schema)?, call.limit()?, number(call, "after")?);
    let text = call.query("filter").unwrap_or_default();
    let of = Cursor { operation: "events", sort: if after.is_some() { "seq" } else { "-seq" }, filter: text };
    let key = tx.cursor_key()?;
    let place = call.query("cursor").map(|cursor| key.open(&of, cursor)).transpose()?;
    let place = place.map(|bytes| {
        bytes
            .try_into()
            .map(i64::from_be_bytes)
            .map_err(|_| Error::malformed("cursor", "This cursor does not belong to this list. Start from the first page."))
    });
    let from = place.transpose()?.or(after);
    let forward = after.is_some();
    let start = from.unwrap_or(if forward { 0 } else { i64::MAX });
    let (items, last) = page(tx, filter.as_ref(), start, forward, limit)?;
    let mut out = b"{\"items\":[".to_vec();
    for (at, item) in items.iter().take(limit).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(item);
    }
    out.extend_from_slice(b"],\"next\":");
    let next = last.filter(|_| items.len() > limit).map(|seq| key.seal(&of, &seq.to_be_bytes())).transpose()?;
    crate::json::optional(next.as_deref(), &mut out);
    out.push(b'}');
    Ok(Reply::bytes(StatusCode::OK, out))
}

/// Up to `limit` entries and one more, as JSON; and the number of the last within the limit.
fn page(tx: &mut Tx<'_, '_>, filter: Option<&Expr>, from: i64, forward: bool, limit: usize) -> Result<(Vec<Vec<u8>>, Option<i64>)> {
    let mut sql = Sql {
        text: format!(r#"SELECT {} FROM "events" WHERE "seq" {} ?1"#, events::COLUMNS, if forward { '>' } else { '<' }),
        params: vec![Value::Int(from)],
    };
    if let Some(filter) = filter {
        sql.text.push_str(" AND ");
        filter.to_sql(tx.who(), &mut sql);
    }
    sql.text.push_str(&format!(r#" ORDER BY "seq" {} LIMIT {}"#, if forward { "ASC" } else { "DESC" }, limit + 1));
    let mut items = Vec::new();
    let mut last = None;
    tx.sql().each(&sql.text, &sql.params, |row| {
        if items.len() < limit {
            last = Some(row.int(0)?);
        }
        let mut item = Vec::with_capacity(512);
        events::write(row, &mut item)?;
        items.push(item);
        Ok(())
    })?;
    Ok((items, last))
}

async fn stream(cx: Ctx, call: Call, schema: Arc<Schema>) -> Result<Reply> {
    call.only_query(&["filter", "after"])?;
    let filter = filter(&call, &schema)?.map(Arc::new);
    let resumed = call
        .last_event_id
        .as_deref()
        .map(|text| text.parse::<i64>().map_err(|_| Error::fault("Last-Event-ID", "integer", "This is not an id of ours.")))
        .transpose()?;
    let mut seq = match resumed.or(number(&call, "after")?) {
        Some(seq) => seq,
        None => cx.scan(|tx| tx.sql().row(r#"SELECT "seq" FROM "meta" WHERE "one" = 1"#, &[], |row| row.int(0))).await?.unwrap_or_default(),
    };
    let (send, chunks) = mpsc::channel(4);
    let mut changes = cx.app().changes().subscribe();
    let stop = cx.app().stop().clone();
    tokio::spawn(async move {
        let tenant = cx.tenant_id();
        if send.send(Ok(Bytes::from_static(b"retry: 2000\n\n"))).await.is_err() {
            return;
        }
        let mut quiet = 0;
        loop {
            // Whoever lost the right, or the session, loses the stream within a second.
            let page_filter = filter.clone();
            let read = async {
                cx.still_good().await?;
                cx.scan(move |tx| page(tx, page_filter.as_deref(), seq, true, 200)).await
            };
            let Ok((items, last)) = read.await else { return };
            for (at, item) in items.iter().take(200).enumerate() {
                if send.send(Ok(frame(item).into())).await.is_err() {
                    return;
                }
                if at + 1 == items.len().min(200) {
                    seq = last.unwrap_or(seq);
                }
            }
            if items.len() > 200 {
                continue;
            }
            quiet = if items.is_empty() { quiet + 1 } else { 0 };
            if quiet >= HEARTBEAT {
                quiet = 0;
                if send.send(Ok(Bytes::from_static(b": still here\n\n"))).await.is_err() {
                    return;
                }
            }
            let ours = async {
                loop {
                    match changes.recv().await {
                        Ok(id) if id != tenant => {}
                        // Missed some: look.
                        Ok(_) | Err(_) => return,
                    }
                }
            };
            tokio::select! {
                () = stop.rung() => {
                    // Not all at the same moment. Whether the reader still listens does not matter.
                    let _ = send.send(Ok(format!("retry: {}\n\n", 1000 + tenant.hex().bytes().map(u64::from).sum::<u64>() % 2000).into())).await;
                    return;
                }
                () = send.closed() => return,
                _ = tokio::time::timeout(LOOK, ours) => {}
            }
        }
    });
    Ok(Reply::stream("text/event-stream", chunks).with_header(http::HeaderName::from_static("x-accel-buffering"), "no"))
}

/// One server-sent event. The JSON has no line breaks: the writer escapes them.
fn frame(item: &[u8]) -> Vec<u8> {
    #[derive(serde::Deserialize)]
    struct Head<'h> {
        seq: i64,
        #[serde(rename = "type")]
        kind: &'h str,
    }
    let (seq, kind) = serde_json::from_slice::<Head<'_>>(item).map_or((0, "message"), |head| (head.seq, head.kind));
    let mut out = format!("id: {seq}\nevent: {kind}\ndata: ").into_bytes();
    out.extend_from_slice(item);
    out.extend_from_slice(b"\n\n");
    out
}
