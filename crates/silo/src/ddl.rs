//! Portable DDL: one text, two engines.
//!
//! Column types are TEXT, BIGINT, DOUBLE PRECISION, BOOLEAN and BLOB; identifiers stand in double quotes; a statement ends with `;`.
//! Only the words of [`WORDS`] are known, so that a text from a restored file can do nothing but make tables and indexes.
//!
//! * SQLite: BIGINT is `INTEGER`, BOOLEAN is `INT` (STRICT tables keep the two spellings apart, so a file still says which is which),
//!   DOUBLE PRECISION is `REAL`; tables are `STRICT`. `"n" BIGINT PRIMARY KEY` is the rowid, `"id" TEXT PRIMARY KEY` is not.
//! * PostgreSQL: TEXT columns are `COLLATE "C"`, BLOB is `BYTEA`, and each index column says where its NULLs are: first ascending, last
//!   descending, as SQLite has them.

use base::{Error, Result};

/// Every word that may stand outside of quotes.
const WORDS: &[&str] = &[
    "ADD",
    "ALTER",
    "AND",
    "AS",
    "ASC",
    "BIGINT",
    "BLOB",
    "BOOLEAN",
    "CASCADE",
    "CAST",
    "CHECK",
    "COALESCE",
    "COLUMN",
    "CONSTRAINT",
    "CREATE",
    "DEFAULT",
    "DELETE",
    "DESC",
    "DISTINCT",
    "DOUBLE",
    "DROP",
    "EXISTS",
    "FALSE",
    "FOREIGN",
    "FROM",
    "IF",
    "IN",
    "INDEX",
    "IS",
    "KEY",
    "LENGTH",
    "LOWER",
    "NOT",
    "NULL",
    "ON",
    "OR",
    "PRECISION",
    "PRIMARY",
    "REFERENCES",
    "RENAME",
    "RESTRICT",
    "SET",
    "TABLE",
    "TEXT",
    "TO",
    "TRUE",
    "UNIQUE",
    "WHERE",
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// An identifier with its quotes.
    Name(String),
    /// A string or a number as it stands.
    Literal(String),
    Sign(String),
}

/// One statement of a portable batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement(Vec<Token>);

/// Reads a batch. A word, a sign or a form that is not portable is refused with what is wrong.
pub fn parse(text: &str) -> Result<Vec<Statement>> {
    let mut statements = Vec::new();
    let mut tokens = Vec::new();
    for token in tokens_of(text)? {
        match token {
            Token::Sign(s) if s == ";" => statements.push(std::mem::take(&mut tokens)),
            other => tokens.push(other),
        }
    }
    statements.push(tokens);
    statements.into_iter().filter(|s| !s.is_empty()).map(checked).collect()
}

/// Reads what SQLite's `sqlite_schema` says about a table or an index that was made from portable DDL.
pub fn parse_sqlite(text: &str) -> Result<Statement> {
    let text = text.strip_suffix("STRICT").unwrap_or(text);
    let mut tokens = tokens_of_words(text, &["INTEGER", "INT", "REAL"])?;
    for token in &mut tokens {
        let Token::Word(word) = token else { continue };
        match word.as_str() {
            "INTEGER" => *word = "BIGINT".into(),
            "INT" => *word = "BOOLEAN".into(),
            "REAL" => *word = "DOUBLE PRECISION".into(),
            _ => {}
        }
    }
    checked(tokens)
}

impl Statement {
    pub fn is_table(&self) -> bool {
        self.starts(&["CREATE", "TABLE"])
    }
    pub fn portable(&self) -> String {
        text(&self.0)
    }
    pub fn sqlite(&self) -> String {
        let mut out = Vec::with_capacity(self.0.len() + 1);
        for token in &self.0 {
            match token {
                Token::Word(w) if w == "BIGINT" => out.push(word("INTEGER")),
                Token::Word(w) if w == "BOOLEAN" => out.push(word("INT")),
                Token::Word(w) if w == "DOUBLE" || w == "DOUBLE PRECISION" => out.push(word("REAL")),
                Token::Word(w) if w == "PRECISION" => {}
                other => out.push(other.clone()),
            }
        }
        if self.is_table() {
            out.push(word("STRICT"));
        }
        text(&out)
    }
    pub fn postgres(&self) -> String {
        if self.starts(&["CREATE", "INDEX"]) || self.starts(&["CREATE", "UNIQUE", "INDEX"]) {
            return text(&nulls_said(&self.0));
        }
        let columns_at = if self.is_table() { 1 } else { 0 };
        let mut depth = 0;
        let mut out = Vec::with_capacity(self.0.len());
        for token in &self.0 {
            match token {
                Token::Sign(s) if s == "(" => depth += 1,
                Token::Sign(s) if s == ")" => depth -= 1,
                _ => {}
            }
            match token {
                Token::Word(w) if w == "TEXT" && depth == columns_at => out.push(word("TEXT COLLATE \"C\"")),
                Token::Word(w) if w == "BLOB" => out.push(word("BYTEA")),
                other => out.push(other.clone()),
            }
        }
        text(&out)
    }
    /// The table without its foreign keys, and the statements that add them: rows are loaded in between, in any order.
    pub fn postgres_later_keys(&self) -> (String, Vec<String>) {
        if !self.is_table() {
            return (self.postgres(), Vec::new());
        }
        let (head, items, tail) = items(&self.0);
        let table = head.iter().find(|t| matches!(t, Token::Name(_))).cloned();
        let mut kept = Vec::new();
        let mut keys = Vec::new();
        for mut item in items {
            let Some(reference) = reference(&item) else {
                kept.push(item);
                continue;
            };
            let whole = item.iter().any(|t| is(t, "FOREIGN"));
            let target: Vec<Token> = item.drain(reference).collect();
            let mut key = vec![word("ALTER"), word("TABLE")];
            key.extend(table.clone());
            key.push(word("ADD"));
            if whole {
                key.append(&mut item);
            } else {
                key.extend([word("FOREIGN"), word("KEY"), Token::Sign("(".into())]);
                key.extend(item.first().cloned());
                key.push(Token::Sign(")".into()));
                kept.push(item);
            }
            key.extend(target);
            keys.push(text(&key));
        }
        let mut table = head;
        for (i, item) in kept.into_iter().enumerate() {
            if i > 0 {
                table.push(Token::Sign(",".into()));
            }
            table.extend(item);
        }
        table.extend(tail);
        (Statement(table).postgres(), keys)
    }
    fn starts(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(i, w)| self.0.get(i).is_some_and(|t| is(t, w)))
    }
}

fn is(token: &Token, wanted: &str) -> bool {
    matches!(token, Token::Word(w) if w == wanted)
}

fn word(text: &str) -> Token {
    Token::Word(text.into())
}

fn refuse(what: impl std::fmt::Display) -> Error {
    Error::internal(format!("DDL is not portable: {what}"))
}

fn checked(tokens: Vec<Token>) -> Result<Statement> {
    let statement = Statement(tokens);
    let forms: [&[&str]; 6] =
        [&["CREATE", "TABLE"], &["CREATE", "INDEX"], &["CREATE", "UNIQUE", "INDEX"], &["ALTER", "TABLE"], &["DROP", "TABLE"], &["DROP", "INDEX"]];
    if let Some(form) = forms.iter().find(|form| statement.starts(form)) {
        let mut rest = statement.0.iter().skip(form.len()).skip_while(|t| ["IF", "NOT", "EXISTS"].iter().any(|w| is(t, w)));
        let named = matches!(rest.next(), Some(Token::Name(_)));
        let opened = !statement.is_table() || matches!(rest.next(), Some(Token::Sign(s)) if s == "(");
        if named && opened {
            return Ok(statement);
        }
    }
    Err(refuse(format_args!("`{}` is neither CREATE TABLE, CREATE INDEX, ALTER TABLE nor DROP", statement.portable())))
}

fn tokens_of(text: &str) -> Result<Vec<Token>> {
    tokens_of_words(text, &[])
}

fn tokens_of_words(text: &str, also: &[&str]) -> Result<Vec<Token>> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let size = match c {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' => quoted(rest, c)?,
            c if c.is_ascii_alphabetic() || c == '_' => rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len()),
            c if c.is_ascii_digit() => rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len()),
            '<' | '>' | '!' if ["<>", "<=", ">=", "!="].iter().any(|s| rest.starts_with(s)) => 2,
            '(' | ')' | ',' | ';' | '=' | '<' | '>' | '-' | '+' => 1,
            other => return Err(refuse(format_args!("`{other}`"))),
        };
        let (token, after) = rest.split_at(size);
        match c {
            '-' if token.len() != 1 => {}
            '"' if token.len() < 3 || token.len() > 65 => return Err(refuse(format_args!("the name {token} has not 1 to 63 characters"))),
            '"' => out.push(Token::Name(token.into())),
            '\'' => out.push(Token::Literal(token.into())),
            c if c.is_ascii_digit() => out.push(Token::Literal(token.into())),
            c if c.is_ascii_alphabetic() || c == '_' => {
                let upper = token.to_ascii_uppercase();
                if !WORDS.contains(&upper.as_str()) && !also.contains(&upper.as_str()) {
                    return Err(refuse(format_args!("`{token}` (names stand in double quotes)")));
                }
                out.push(Token::Word(upper));
            }
            _ => out.push(Token::Sign(token.into())),
        }
        rest = after.trim_start();
    }
    Ok(out)
}

/// Length of the quoted thing at the start of `text`; a doubled quote inside stands for itself.
fn quoted(text: &str, quote: char) -> Result<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return Ok(at + 1);
        }
    }
    Err(refuse("a quote that is not closed"))
}

/// Splits `head ( item, item ) tail` at the outermost parentheses; the parentheses stay with head and tail.
fn items(tokens: &[Token]) -> (Vec<Token>, Vec<Vec<Token>>, Vec<Token>) {
    let (mut head, mut items, mut tail) = (Vec::new(), vec![Vec::new()], Vec::new());
    let mut depth = 0;
    let mut closed = false;
    for token in tokens {
        let before = depth;
        match token {
            Token::Sign(s) if s == "(" => depth += 1,
            Token::Sign(s) if s == ")" => depth -= 1,
            _ => {}
        }
        match (closed, before, depth) {
            (true, ..) => tail.push(token.clone()),
            (false, 0, _) => head.push(token.clone()),
            (false, 1, 0) => {
                closed = true;
                tail.push(token.clone());
            }
            _ if depth == 1 && *token == Token::Sign(",".into()) => items.push(Vec::new()),
            _ => items.last_mut().map(|i| i.push(token.clone())).unwrap_or_default(),
        }
    }
    (head, items, tail)
}

/// Where in a column or a constraint it says to what it refers, and what happens when that is deleted.
fn reference(item: &[Token]) -> Option<std::ops::Range<usize>> {
    let at = item.iter().position(|t| is(t, "REFERENCES"))?;
    let mut end = at + 1;
    while item.get(end).is_some_and(|t| {
        matches!(t, Token::Name(_) | Token::Sign(_))
            || ["ON", "DELETE", "CASCADE", "RESTRICT", "SET"].iter().any(|w| is(t, w))
            || (is(t, "NULL") && item.get(end - 1).is_some_and(|p| is(p, "SET")))
    }) {
        end += 1;
    }
    Some(at..end)
}

fn nulls_said(tokens: &[Token]) -> Vec<Token> {
    let (mut out, items, tail) = items(tokens);
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(Token::Sign(",".into()));
        }
        let order = match item.last() {
            Some(t) if is(t, "DESC") => "NULLS LAST",
            Some(t) if is(t, "ASC") => "NULLS FIRST",
            _ => "ASC NULLS FIRST",
        };
        out.extend(item);
        out.push(word(order));
    }
    out.extend(tail);
    out
}

fn text(tokens: &[Token]) -> String {
    let mut out = String::new();
    let mut last = "(";
    for token in tokens {
        let (Token::Word(this) | Token::Name(this) | Token::Literal(this) | Token::Sign(this)) = token;
        if last != "(" && this != "," && this != ")" {
            out.push(' ');
        }
        out.push_str(this);
        last = this;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(portable: &str) -> (String, String) {
        let one = parse(portable).unwrap().remove(0);
        (one.sqlite(), one.postgres())
    }

    #[test]
    fn types_are_mapped_and_text_is_compared_by_bytes() {
        let (lite, pg) = both(
            r#"CREATE TABLE "t" ("id" TEXT PRIMARY KEY, "n" BIGINT NOT NULL DEFAULT -1, "ok" boolean DEFAULT FALSE, "r" DOUBLE PRECISION, "b" BLOB, CHECK (CAST("n" AS TEXT) <> 'TEXT; --'));"#,
        );
        assert_eq!(
            lite,
            r#"CREATE TABLE "t" ("id" TEXT PRIMARY KEY, "n" INTEGER NOT NULL DEFAULT - 1, "ok" INT DEFAULT FALSE, "r" REAL, "b" BLOB, CHECK (CAST ("n" AS TEXT) <> 'TEXT; --')) STRICT"#
        );
        assert_eq!(
            pg,
            r#"CREATE TABLE "t" ("id" TEXT COLLATE "C" PRIMARY KEY, "n" BIGINT NOT NULL DEFAULT - 1, "ok" BOOLEAN DEFAULT FALSE, "r" DOUBLE PRECISION, "b" BYTEA, CHECK (CAST ("n" AS TEXT) <> 'TEXT; --'))"#
        );
    }

    #[test]
    fn indexes_say_where_nulls_are_on_postgres_only() {
        let (lite, pg) = both(r#"CREATE UNIQUE INDEX "i" ON "t" ("a", "b" DESC, lower("c")) WHERE "a" IS NOT NULL"#);
        assert_eq!(lite, r#"CREATE UNIQUE INDEX "i" ON "t" ("a", "b" DESC, LOWER ("c")) WHERE "a" IS NOT NULL"#);
        assert_eq!(
            pg,
            r#"CREATE UNIQUE INDEX "i" ON "t" ("a" ASC NULLS FIRST, "b" DESC NULLS LAST, LOWER ("c") ASC NULLS FIRST) WHERE "a" IS NOT NULL"#
        );
    }

    #[test]
    fn added_columns_are_columns_too() {
        let (lite, pg) = both(r#"ALTER TABLE "t" ADD COLUMN "x" TEXT"#);
        assert_eq!((lite.as_str(), pg.as_str()), (r#"ALTER TABLE "t" ADD COLUMN "x" TEXT"#, r#"ALTER TABLE "t" ADD COLUMN "x" TEXT COLLATE "C""#));
    }

    #[test]
    fn what_sqlite_keeps_reads_back_as_what_was_written() {
        let one =
            parse(r#"CREATE TABLE "t" ("n" BIGINT PRIMARY KEY, "ok" BOOLEAN, "r" DOUBLE PRECISION, "it's" TEXT DEFAULT 'a''b')"#).unwrap().remove(0);
        let again = parse_sqlite(&one.sqlite()).unwrap();
        assert_eq!(again.portable(), one.portable());
        assert_eq!(again.postgres(), one.postgres());
        assert_eq!(again.sqlite(), one.sqlite());
    }

    #[test]
    fn foreign_keys_can_wait_for_the_rows() {
        let one = parse(r#"CREATE TABLE "t" ("id" TEXT PRIMARY KEY, "up" TEXT REFERENCES "t" ("id") ON DELETE SET NULL NOT NULL, "a" TEXT, FOREIGN KEY ("a") REFERENCES "u" ("b"))"#).unwrap().remove(0);
        let (table, keys) = one.postgres_later_keys();
        assert_eq!(table, r#"CREATE TABLE "t" ("id" TEXT COLLATE "C" PRIMARY KEY, "up" TEXT COLLATE "C" NOT NULL, "a" TEXT COLLATE "C")"#);
        assert_eq!(
            keys,
            [
                r#"ALTER TABLE "t" ADD FOREIGN KEY ("up") REFERENCES "t" ("id") ON DELETE SET NULL"#,
                r#"ALTER TABLE "t" ADD FOREIGN KEY ("a") REFERENCES "u" ("b")"#
            ]
        );
    }

    #[test]
    fn everything_else_is_refused() {
        for wrong in [
            r#"CREATE TRIGGER "x" AFTER INSERT ON "t" BEGIN SELECT 1; END"#,
            r#"CREATE VIEW "v" AS SELECT 1"#,
            r#"CREATE TABLE "t" AS SELECT * FROM "u""#,
            r#"CREATE TABLE t ("id" TEXT)"#,
            r#"CREATE TABLE "t" ("a" TEXT DEFAULT (pg_read_file('/etc/passwd')))"#,
            r#"INSERT INTO "t" DEFAULT VALUES"#,
            r#"CREATE TABLE "t" ("a" "#,
            r#"CREATE TABLE "t" AS TABLE "u""#,
            "ATTACH 'x' AS y",
            "PRAGMA writable_schema=1",
            "/* x */ DROP TABLE \"t\"",
        ] {
            if let Ok(found) = parse(wrong) {
                assert_eq!(wrong, r#"CREATE TABLE "t" ("a" "#, "{found:?}");
            }
        }
    }
}
