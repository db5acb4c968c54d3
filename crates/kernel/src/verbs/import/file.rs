//! The file as a whole: read once before anything is written, so that what is wrong with it rejects all of it.

use super::{Import, columns};
use crate::records::Plan;
use base::{Error, Result};
use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

/// The widest file that is read.
const MOST_COLUMNS: usize = 200;

/// Reads the whole file once and refuses what is wrong with it as a whole.
pub(super) fn look(plan: &Plan, path: &Path, key: Option<String>, map: Option<&str>, dry_run: bool) -> Result<Import> {
    check_quotes(path)?;
    let mut reader = reader(path)?;
    let header = reader.headers().map_err(|error| unreadable(&error))?.clone();
    if header.len() > MOST_COLUMNS {
        return Err(Error::fault("", "columns", format!("The file has {} columns; {MOST_COLUMNS} is the most.", header.len())));
    }
    if header.is_empty() || header.iter().all(str::is_empty) {
        return Err(Error::fault("", "header", "The first line must name the columns."));
    }
    let columns = columns::mapping(plan, &header, map)?;
    let key = key.map(|name| columns::check_key(plan, &columns, &name).map(|()| name)).transpose()?;
    let mut record = csv::StringRecord::new();
    let mut rows = 0;
    while reader.read_record(&mut record).map_err(|error| unreadable(&error))? {
        rows += 1;
    }
    Ok(Import { file: PathBuf::new(), key, columns, dry_run, rows })
}

pub(super) fn reader(path: &Path) -> Result<csv::Reader<impl Read>> {
    let mut file = BufReader::new(File::open(path)?);
    // A byte order mark is no part of the first column's name.
    let mut mark = [0u8; 3];
    let got = file.read(&mut mark)?;
    let rest = if mark == [0xef, 0xbb, 0xbf] { Vec::new() } else { mark.get(..got).unwrap_or_default().to_vec() };
    Ok(csv::ReaderBuilder::new().flexible(true).from_reader(std::io::Cursor::new(rest).chain(file)))
}

pub(super) fn unreadable(error: &csv::Error) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => Error::malformed("encoding", format!("Line {line} is not UTF-8. Save the file as CSV UTF-8 and try again.")),
        _ => Error::malformed("csv", format!("Line {line} cannot be read as CSV.")),
    }
}

/// Where the reader of quotes stands.
#[derive(Clone, Copy, PartialEq)]
enum Quotes {
    /// Before the first character of a cell.
    Start,
    /// In a cell that did not begin with a quote: in it a quote is a character like any other.
    Plain,
    Quoted,
    /// Behind a quote in a quoted cell: another one makes it a character, everything else ends the cell.
    Closed,
}

/// A quote that is not closed where it should be swallows cells and rows silently; so quotes are looked at first (RFC 4180, section 2).
fn check_quotes(path: &Path) -> Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let (mut at, mut line, mut opened_at, mut place) = (Quotes::Start, 1usize, 1usize, 0usize);
    let mut buffer = vec![0u8; 64 * 1024];
    loop {
        let got = file.read(&mut buffer)?;
        if got == 0 {
            break;
        }
        for byte in buffer.get(..got).unwrap_or_default() {
            // A byte order mark is no part of the first cell.
            let mark = place < 3 && [0xef, 0xbb, 0xbf].get(place) == Some(byte);
            place += 1;
            at = match (at, byte) {
                (_, 0) => return Err(Error::malformed("nul", format!("Line {line} holds a character U+0000. Is this a CSV file?"))),
                (Quotes::Start, _) if mark => Quotes::Start,
                (Quotes::Start, b'"') => {
                    opened_at = line;
                    Quotes::Quoted
                }
                (Quotes::Quoted, b'"') => Quotes::Closed,
                (Quotes::Closed, b'"') | (Quotes::Quoted, _) => Quotes::Quoted,
                (Quotes::Start | Quotes::Plain | Quotes::Closed, b',' | b'\r' | b'\n') => Quotes::Start,
                (Quotes::Start | Quotes::Plain, _) => Quotes::Plain,
                (Quotes::Closed, _) => {
                    let problem = format!(
                        "In line {line} a cell goes on behind its closing quote; it opened in line {opened_at}. Write a quote in a quoted cell twice."
                    );
                    return Err(Error::malformed("quotes", problem));
                }
            };
            line += usize::from(*byte == b'\n');
        }
    }
    if at == Quotes::Quoted { Err(Error::malformed("quotes", format!("The quote that opens in line {opened_at} is never closed."))) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{large, soon, texts, told};
    use proptest::prelude::*;

    fn companies() -> Plan {
        Plan::compile("crm", include_str!("../../../../../packs/crm/resources/companies.json")).unwrap()
    }

    fn looked(plan: &Plan, folder: &Path, bytes: &[u8], map: Option<&str>) -> Option<Import> {
        let file = folder.join("file.csv");
        std::fs::write(&file, bytes).unwrap();
        told(look(plan, &file, Some("name".into()), map, false))
    }

    #[test]
    fn fuzz_large_files_are_looked_through_soon() {
        let (plan, folder) = (companies(), tempfile::tempdir().unwrap());
        for text in large() {
            soon(&text, || looked(&plan, folder.path(), format!("name,notes\n{text}").as_bytes(), None));
            soon(&text, || looked(&plan, folder.path(), text.as_bytes(), Some("a:name")));
        }
    }

    proptest! {
        #[test]
        fn fuzz_a_broken_file_is_refused_by_name(text in texts("name,notes\r\n\"Ada, \"\"Countess\"\"\",x\r\nBob,\"two\nlines\"\r\n"), map in prop::option::of(texts("name:name,notes:notes"))) {
            looked(&companies(), tempfile::tempdir().unwrap().path(), text.as_bytes(), map.as_deref());
        }

        #[test]
        fn fuzz_no_bytes_make_the_reader_fall_over(bytes: Vec<u8>) {
            looked(&companies(), tempfile::tempdir().unwrap().path(), &bytes, None);
        }

        #[test]
        fn fuzz_what_is_written_as_csv_has_its_quotes_in_order(rows in prop::collection::vec("[^\u{0}]{1,20}", 0..8)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["name", "notes"]).unwrap();
            for row in &rows {
                writer.write_record([row, "x"]).unwrap();
            }
            let found = looked(&companies(), tempfile::tempdir().unwrap().path(), &writer.into_inner().unwrap(), None);
            prop_assert_eq!(found.map(|import| import.rows), Some(rows.len()));
        }
    }
}
