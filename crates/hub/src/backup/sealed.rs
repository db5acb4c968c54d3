//! The file of a backup. Unless it is asked for plain, it is sealed with the tenant's own key in pieces of 1 MiB: `TENONBK1`, the tenant's
//! id, then for each piece its length (u32 big-endian) and its sealed bytes. The number of a piece, and whether it is the last, are part of
//! its seal: pieces cannot be left out, doubled or put in another order.

use base::{Error, Result, TenantId};
use kernel::{
    App,
    secrets::{DataKey, Place},
};
use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    path::Path,
};

const MAGIC: &[u8; 8] = b"TENONBK1";
const PIECE: usize = 1 << 20;

/// The key that seals a tenant's backups; made when the first is written. One that was deleted gets no other.
pub async fn data_key(app: &App, tenant: TenantId) -> Result<DataKey> {
    let id = tenant.to_string();
    let (_, fresh) = app.root_key().new_data_key(tenant)?;
    let make = r#"UPDATE "hub_tenants" SET "key" = ?2 WHERE "id" = ?1 AND "key" IS NULL AND "status" <> 'deleted'"#;
    app.hub().write(move |sql| sql.run(make, &[(&id).into(), fresh.as_slice().into()])).await?;
    key_of(app, tenant).await?.ok_or_else(no_key)
}

/// The key of a tenant, if it has one.
async fn key_of(app: &App, tenant: TenantId) -> Result<Option<DataKey>> {
    let (id, find) = (tenant.to_string(), r#"SELECT "key" FROM "hub_tenants" WHERE "id" = ?1"#);
    let wrapped = app.hub().read(move |sql| sql.row(find, &[(&id).into()], |row| Ok(row.opt_blob(0)?.map(<[u8]>::to_vec)))).await?;
    wrapped.flatten().map(|wrapped| app.root_key().data_key(tenant, &wrapped)).transpose()
}

fn no_key() -> Error {
    Error::malformed("no-key", "The key of this tenant is gone; its backups cannot be read any more.")
}

fn place(tenant: TenantId, row: &str) -> Place<'_> {
    Place { tenant, table: "backup", row, column: "piece" }
}

/// Writes the database in `from` to `to`, sealed.
pub fn seal(key: &DataKey, tenant: TenantId, from: &Path, to: &Path) -> Result<()> {
    let mut from = BufReader::new(File::open(from)?);
    let mut to = BufWriter::new(File::create(to)?);
    to.write_all(MAGIC)?;
    to.write_all(tenant.to_string().as_bytes())?;
    let mut piece = read_piece(&mut from)?;
    for number in 0u64.. {
        let next = read_piece(&mut from)?;
        let row = name_of(number, next.is_empty());
        let sealed = key.seal(&place(tenant, &row), &piece)?;
        to.write_all(&u32::try_from(sealed.len()).map_err(Error::internal)?.to_be_bytes())?;
        to.write_all(&sealed)?;
        if next.is_empty() {
            break;
        }
        piece = next;
    }
    to.into_inner().map_err(|e| Error::from(e.into_error()))?.sync_all()?;
    Ok(())
}

fn name_of(number: u64, last: bool) -> String {
    format!("{number}{}", if last { " last" } else { "" })
}

fn read_piece(from: &mut impl Read) -> Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(PIECE);
    from.take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

/// Writes the plain database of a backup, sealed or not, to `to`.
pub async fn unpack(app: &App, from: &Path, to: &Path) -> Result<()> {
    let damaged = || Error::malformed("backup", "This is not a backup of ours, or it is damaged.");
    let mut file =
        BufReader::new(File::open(from).map_err(|cause| Error::malformed("backup", format!("{} cannot be read: {cause}.", from.display())))?);
    let mut magic = [0u8; 8];
    file.read_exact(&mut magic).map_err(|_| damaged())?;
    if &magic == b"SQLite f" {
        std::fs::copy(from, to)?;
        return Ok(());
    }
    if &magic != MAGIC {
        return Err(damaged());
    }
    let mut id = [0u8; 36];
    file.read_exact(&mut id).map_err(|_| damaged())?;
    let tenant: TenantId = std::str::from_utf8(&id).map_err(|_| damaged())?.parse().map_err(|_| damaged())?;
    let key = key_of(app, tenant).await?.ok_or_else(no_key)?;
    let mut out = BufWriter::new(File::create(to)?);
    for number in 0u64.. {
        let mut length = [0u8; 4];
        file.read_exact(&mut length).map_err(|_| damaged())?;
        let length = u32::from_be_bytes(length) as usize;
        if length > PIECE + 1024 {
            return Err(damaged());
        }
        let mut sealed = vec![0u8; length];
        file.read_exact(&mut sealed).map_err(|_| damaged())?;
        let whole = key.open(&place(tenant, &name_of(number, false)), &sealed);
        let (piece, last) = match whole {
            Ok(piece) => (piece, false),
            Err(_) => (key.open(&place(tenant, &name_of(number, true)), &sealed).map_err(|_| damaged())?, true),
        };
        out.write_all(&piece)?;
        if last {
            break;
        }
    }
    out.flush()?;
    Ok(())
}
