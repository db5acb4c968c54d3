//! What has been over for long is taken out of the hub, once an hour: sessions, tokens and keys that expired, links and sign-ups that
//! lead nowhere any more, answers that nobody may ask for again, and uploads that a crash has left. It is looked for beside the writer, and goes in small units.

use crate::app::App;
use base::{Error, Result, Time};
use std::{path::Path, time::Duration};

/// Rows that go in one unit.
const AT_ONCE: usize = 500;
/// Units for one kind of row in one hour; what is left waits for the next.
const MOST: usize = 40;
const DAY: i64 = 86_400;
/// An upload of this age belongs to no job that will still be tried.
const STALE: Duration = Duration::from_secs(30 * 86_400);

/// One kind of row that ends by itself. Both statements mean what was over at ?1; the second takes one away, if that is still so.
struct Ended {
    days: i64,
    find: &'static str,
    take: &'static str,
}

const ENDED: [Ended; 5] = [
    Ended {
        days: 7,
        find: r#"SELECT "id" FROM "sessions" WHERE "expires_at" <= ?1 LIMIT 500"#,
        take: r#"DELETE FROM "sessions" WHERE "id" = ?2 AND "expires_at" <= ?1"#,
    },
    Ended {
        days: 7,
        find: r#"SELECT "id" FROM "refresh_families" WHERE "expires_at" <= ?1 LIMIT 500"#,
        take: r#"DELETE FROM "refresh_families" WHERE "id" = ?2 AND "expires_at" <= ?1"#,
    },
    Ended {
        days: 30,
        find: r#"SELECT "id" FROM "keys" WHERE "expires_at" <= ?1 LIMIT 500"#,
        take: r#"DELETE FROM "keys" WHERE "id" = ?2 AND "expires_at" <= ?1"#,
    },
    Ended {
        days: 30,
        find: r#"SELECT "id" FROM "links" WHERE COALESCE("used_at", "expires_at") <= ?1 LIMIT 500"#,
        take: r#"DELETE FROM "links" WHERE "id" = ?2 AND COALESCE("used_at", "expires_at") <= ?1"#,
    },
    // A sign-up goes after its link.
    Ended {
        days: 30,
        find: r#"SELECT s."id" FROM "signups" s WHERE s."created_at" <= ?1 AND NOT EXISTS (SELECT 1 FROM "links" l WHERE l."id" = s."id") LIMIT 500"#,
        take: r#"DELETE FROM "signups" WHERE "id" = ?2 AND "created_at" <= ?1 AND NOT EXISTS (SELECT 1 FROM "links" l WHERE l."id" = ?2)"#,
    },
];

/// Takes away what is over, and says how many rows that were.
pub(crate) async fn clean_up(app: &App) -> Result<u64> {
    let spool = app.uploads();
    tokio::task::spawn_blocking(move || sweep(&spool)).await.map_err(Error::internal)??;
    let now = Time::now();
    let mut gone = 0;
    for kind in &ENDED {
        for _ in 0..MOST {
            let taken = some_of(app, kind, now.plus_seconds(-kind.days * DAY)).await?;
            gone += taken.0;
            if taken.1 < AT_ONCE {
                break;
            }
        }
    }
    // These are found by their index.
    let answers = r#"DELETE FROM "idempotency" WHERE "key" IN (SELECT "key" FROM "idempotency" WHERE "expires_at" <= ?1 LIMIT 20000)"#;
    Ok(gone + app.hub().write(move |sql| sql.run(answers, &[now.into()])).await?)
}

/// Takes uploads away that nobody will read any more: a server that was killed has left them.
fn sweep(spool: &Path) -> Result<()> {
    for entry in std::fs::read_dir(spool)? {
        let entry = entry?;
        // Each company has a folder of its own.
        if entry.file_type()?.is_dir() {
            sweep(&entry.path())?;
            continue;
        }
        let old = entry.metadata().and_then(|file| file.modified()).is_ok_and(|at| at.elapsed().is_ok_and(|age| age > STALE));
        if old {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// One unit: how many rows went, and how many were found.
async fn some_of(app: &App, kind: &'static Ended, before: Time) -> Result<(u64, usize)> {
    let found = app.hub().scan(move |sql| sql.rows(kind.find, &[before.into()], |row| Ok(row.text(0)?.to_owned()))).await?;
    if found.is_empty() {
        return Ok((0, 0));
    }
    app.hub()
        .write(move |sql| {
            let mut gone = 0;
            for id in &found {
                gone += sql.run(kind.take, &[before.into(), id.into()])?;
            }
            Ok((gone, found.len()))
        })
        .await
}
