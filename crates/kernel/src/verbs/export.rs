//! `:export`: what a list shows, as CSV, page by page. No transaction is open while bytes go to a client.

use super::pairs;
use crate::{
    background::caught,
    ctx::Ctx,
    operations::{Call, Operation, Reply},
    records::{Plan, Query, Values},
};
use base::{Error, Result};
use bytes::Bytes;
use http::header::CONTENT_DISPOSITION;
use std::sync::Arc;
use tokio::sync::mpsc;

const PAGE: usize = 500;

pub(super) fn operation(plan: &Arc<Plan>) -> Operation {
    let about = format!("Exports {} as CSV, with the same query as the list.", plan.labels.to_lowercase());
    let operation = Operation::get(&format!("{}.export", plan.resource), &format!("{}/{}:export", plan.module, plan.plural), &about)
        .needs(plan.read_permission())
        .answers_stream("text/csv");
    let plan = plan.clone();
    operation.run(move |cx, call| start(cx, plan.clone(), call))
}

async fn start(cx: Ctx, plan: Arc<Plan>, call: Call) -> Result<Reply> {
    let shown = {
        let plan = plan.clone();
        cx.read(move |tx| Ok(tx.readable(&plan))).await?
    };
    let mut query = Query::parse(&plan, pairs(&call.query), &shown)?;
    query.limit = PAGE;
    query.expand = Vec::new();
    // The first page is read before the answer begins, so that a wrong filter is a problem document and not a broken file.
    let first = page(&cx, &plan, &query, None).await?;
    let shown: Vec<bool> =
        (0..plan.fields().len()).map(|slot| shown.get(slot).copied().unwrap_or(true) && query.fields.get(slot).copied().unwrap_or(true)).collect();
    let name = format!("{}.csv", plan.plural);
    let (send, chunks) = mpsc::channel(2);
    tokio::spawn(async move {
        // One that panics must not look like one that is whole.
        if let Err(error) = caught(send_all(&cx, &plan, &query, &shown, first, &send)).await {
            // The client learns it from the broken connection; whether it still listens does not matter.
            let _ = send.send(Err(error)).await;
        }
    });
    Ok(Reply::stream("text/csv; charset=utf-8", chunks).with_header(CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
}

type Page = (Vec<Values>, Option<Vec<u8>>);

async fn page(cx: &Ctx, plan: &Arc<Plan>, query: &Query, after: Option<Vec<u8>>) -> Result<Page> {
    let (plan, query) = (plan.clone(), query.clone());
    cx.scan(move |tx| tx.page(&plan, &query, after.as_deref())).await
}

async fn send_all(cx: &Ctx, plan: &Arc<Plan>, query: &Query, shown: &[bool], first: Page, send: &mpsc::Sender<Result<Bytes>>) -> Result<()> {
    let mut chunk = Vec::new();
    line(&plan.csv_header(shown), &mut chunk)?;
    let (mut records, mut next) = first;
    loop {
        for values in &records {
            let cells: Vec<String> = std::iter::once(values.id.clone())
                .chain(shown.iter().enumerate().filter(|(_, shown)| **shown).map(|(slot, _)| plan.write_cell(values, slot)))
                .collect();
            line(&cells, &mut chunk)?;
        }
        if send.send(Ok(std::mem::take(&mut chunk).into())).await.is_err() {
            return Ok(()); // the client has gone
        }
        let Some(after) = next else { return Ok(()) };
        base::step("export.page-sent")?;
        // Whoever lost the session meanwhile gets no more of it.
        cx.still_good().await?;
        (records, next) = page(cx, plan, query, Some(after)).await?;
    }
}

fn line<T: AsRef<str>>(cells: &[T], out: &mut Vec<u8>) -> Result<()> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    writer.write_record(cells.iter().map(|cell| cell.as_ref().as_bytes())).map_err(Error::internal)?;
    writer.flush().map_err(Error::internal)
}
