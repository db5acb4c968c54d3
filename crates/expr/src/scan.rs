//! The first look at a text, before any parser sees it: tokens, limits, and everything that is refused whatever stands around it.
//! It keeps hostile texts from the recursive parser: after it, nothing nests deeper than [`MAX_DEPTH`].

use crate::{Fault, Schema};
use base::nearest;
use cel::parser::pratt_parser::{Lexer, TokenKind};
use std::ops::Range;

pub(crate) const MAX_LENGTH: usize = 4096;
pub(crate) const MAX_DEPTH: usize = 32;
/// Dots and calls hanging on one value: `record.amount.currency.contains("x")` has three.
const MAX_CHAIN: usize = 6;
/// Every decimal number of this many digits is kept exactly by the parser's 64-bit float.
const EXACT_DIGITS: usize = 15;

const FUNCTIONS: [&str; 3] = ["has", "size", "timestamp"];
const METHODS: [&str; 4] = ["contains", "startsWith", "endsWith", "size"];
/// What people write who come from other languages.
const FOREIGN: [(&str, &str); 6] = [("and", "&&"), ("or", "||"), ("not", "!"), ("is", "=="), ("like", ".contains()"), ("ilike", ".contains()")];

#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub at: Range<usize>,
}

/// Cuts the text into tokens and refuses what can be refused by looking at tokens alone.
pub(crate) fn scan(text: &str, schema: &Schema) -> Result<Vec<Token>, Fault> {
    if text.len() > MAX_LENGTH {
        let hint = format!("An expression has at most {MAX_LENGTH} bytes; this one has {}.", text.len());
        return Err(Fault::new(MAX_LENGTH..text.len(), "too-long", hint));
    }
    if let Some(at) = text.find('\0') {
        return Err(Fault::new(at..at + 1, "zero-byte", "A text never contains the character U+0000."));
    }
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Err(Fault::new(0..text.len(), "empty", "Write a condition, such as stage == \"won\"."));
    }
    depth(&tokens)?;
    for (i, token) in tokens.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| tokens.get(i));
        let after = tokens.get(i + 1);
        refuse(text, schema, before, token, after)?;
    }
    if let Some(i) = tokens.windows(4).position(|w| bare_has(text, w)) {
        let name = tokens.get(i + 2).map(|t| word(text, t)).unwrap_or_default();
        let at = tokens.get(i + 2).map_or(0..0, |t| t.at.clone());
        return Err(Fault::new(at, "syntax", format!("Write has(record.{name}).")));
    }
    Ok(tokens)
}

pub(crate) fn word<'t>(text: &'t str, token: &Token) -> &'t str {
    text.get(token.at.clone()).unwrap_or_default()
}

fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut lexer = Lexer::new(text);
    let mut out = Vec::new();
    loop {
        let token = lexer.lex();
        let at = token.start..token.end;
        match token.kind {
            TokenKind::TokEnd => return Ok(out),
            TokenKind::TokWhitespace | TokenKind::TokComment => {}
            TokenKind::TokError => return Err(lexical(text, at, lexer.get_error().map(|e| e.message.as_str()))),
            kind => out.push(Token { kind, at }),
        }
    }
}

fn lexical(text: &str, at: Range<usize>, message: Option<&str>) -> Fault {
    // The crate's lexer steps by bytes; the range must not cut a character.
    let end = (at.end..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len());
    let message = message.unwrap_or("unexpected character");
    let hint = match text.get(at.start..end) {
        Some("&") => "Write && for and.".to_owned(),
        Some("|") => "Write || for or.".to_owned(),
        Some(wrong) if message == "unexpected character" => format!("The character {wrong:?} has no meaning outside of quotes."),
        _ => sentence(message),
    };
    Fault::new(at.start..end, "syntax", hint)
}

/// The parser's message as a sentence.
pub(crate) fn sentence(message: &str) -> String {
    let message = message.trim_start_matches("Syntax error: ").trim_end_matches('.');
    if message.is_empty() { String::new() } else { format!("{}.", capital(message)) }
}

/// The text with a capital first letter.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), chars.as_str()))
}

/// What has been opened and not yet closed: how many comparisons and how long a chain stand in it so far.
#[derive(Default)]
struct Level {
    comparisons: usize,
    chain: usize,
}

/// Refuses nesting beyond the limit, and what would make the parser's tree deep without any bracket: `a.b.c.d...`, `a == b == c ...`.
fn depth(tokens: &[Token]) -> Result<(), Fault> {
    let mut levels = vec![Level::default()];
    for token in tokens {
        let open = levels.len();
        let deep = || Fault::new(token.at.clone(), "too-deep", format!("Brackets nest at most {MAX_DEPTH} deep."));
        let Some(level) = levels.last_mut() else { return Ok(()) };
        match token.kind {
            TokenKind::TokLeftParen | TokenKind::TokLeftBracket | TokenKind::TokLeftBrace => {
                if open > MAX_DEPTH {
                    return Err(deep());
                }
                levels.push(Level::default());
            }
            // A bracket closed too often is left to the parser, which says what it expected.
            TokenKind::TokRightParen | TokenKind::TokRightBracket | TokenKind::TokRightBrace if open > 1 => {
                levels.pop();
            }
            TokenKind::TokLogicalAnd | TokenKind::TokLogicalOr | TokenKind::TokComma => *level = Level::default(),
            TokenKind::TokDot => {
                level.chain += 1;
                if level.chain > MAX_CHAIN {
                    return Err(Fault::new(token.at.clone(), "too-deep", "So many dots lead nowhere."));
                }
            }
            TokenKind::TokEqualEqual
            | TokenKind::TokExclamationEqual
            | TokenKind::TokLess
            | TokenKind::TokLessEqual
            | TokenKind::TokGreater
            | TokenKind::TokGreaterEqual
            | TokenKind::TokIn => {
                level.chain = 0;
                level.comparisons += 1;
                if level.comparisons > 1 {
                    return Err(Fault::new(token.at.clone(), "syntax", "Comparisons do not chain: write a < b && b < c."));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses tokens that have no place in the language, each with what to write instead.
fn refuse(text: &str, schema: &Schema, before: Option<&Token>, token: &Token, after: Option<&Token>) -> Result<(), Fault> {
    let word = word(text, token);
    let unsupported = |hint: String| Err(Fault::new(token.at.clone(), "unsupported", hint));
    match token.kind {
        TokenKind::TokMinus if negates_a_number(before, after) => Ok(()),
        TokenKind::TokPlus | TokenKind::TokMinus | TokenKind::TokAsterisk | TokenKind::TokSlash | TokenKind::TokPercent => {
            unsupported(format!("There is no arithmetic here: `{word}` means nothing. Compare with the value itself."))
        }
        TokenKind::TokQuestion | TokenKind::TokColon => unsupported("There is no `? :` here: write a && b || !a && c.".to_owned()),
        TokenKind::TokLeftBrace | TokenKind::TokRightBrace => unsupported("There are no maps here.".to_owned()),
        TokenKind::TokLeftBracket if before.is_some_and(ends_a_value) => {
            unsupported("There is no indexing here: write \"x\" in list, or record.name.".to_owned())
        }
        TokenKind::TokEqual => Err(Fault::new(token.at.clone(), "syntax", "Write == to compare.")),
        TokenKind::TokBytes => unsupported("There are no bytes here: write a text such as \"abc\".".to_owned()),
        TokenKind::TokUint => unsupported(format!("Write {} without the u.", word.trim_end_matches(['u', 'U']))),
        TokenKind::TokFloat if word.bytes().filter(u8::is_ascii_digit).count() > EXACT_DIGITS => {
            Err(Fault::new(token.at.clone(), "literal", format!("Write a number of more than {EXACT_DIGITS} digits in quotes: \"{word}\".")))
        }
        TokenKind::TokIdent if after.is_some_and(|t| t.kind == TokenKind::TokLeftParen) => {
            function(word, before.is_some_and(|t| t.kind == TokenKind::TokDot)).map_err(|hint| Fault::new(token.at.clone(), "unknown-function", hint))
        }
        TokenKind::TokIdent if schema.slot(word).is_none() && before.is_none_or(|t| t.kind != TokenKind::TokDot) => {
            match FOREIGN.iter().find(|(foreign, _)| foreign.eq_ignore_ascii_case(word)) {
                Some((_, ours)) => Err(Fault::new(token.at.clone(), "syntax", format!("Write {ours} instead of {word}."))),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn function(name: &str, method: bool) -> Result<(), String> {
    match (method, FUNCTIONS.contains(&name), METHODS.contains(&name)) {
        (false, true, _) | (true, _, true) => Ok(()),
        (false, false, true) => Err(format!("Write the text first: x.{name}(\"..\").")),
        (true, true, false) => Err(format!("Write {name}(..) without a dot before it.")),
        (_, false, false) => Err(match nearest(name, FUNCTIONS.iter().chain(&METHODS).copied()) {
            Some(near) => format!("There is no function `{name}`. Did you mean `{near}`?"),
            None => format!("There is no function `{name}`. There are contains, startsWith, endsWith, size, has and timestamp."),
        }),
    }
}

/// `-5` after an operator or at the start, not `a -5`.
fn negates_a_number(before: Option<&Token>, after: Option<&Token>) -> bool {
    after.is_some_and(|t| matches!(t.kind, TokenKind::TokInt | TokenKind::TokFloat)) && !before.is_some_and(ends_a_value)
}

fn ends_a_value(token: &Token) -> bool {
    matches!(
        token.kind,
        TokenKind::TokIdent
            | TokenKind::TokReservedWord
            | TokenKind::TokInt
            | TokenKind::TokFloat
            | TokenKind::TokString
            | TokenKind::TokNull
            | TokenKind::TokTrue
            | TokenKind::TokFalse
            | TokenKind::TokRightParen
            | TokenKind::TokRightBracket
            | TokenKind::TokMinus
    )
}

/// `has(name)`: the parser wants a dot in it.
fn bare_has(text: &str, tokens: &[Token]) -> bool {
    let [has, open, name, close] = tokens else { return false };
    let kinds = [open.kind, name.kind, close.kind] == [TokenKind::TokLeftParen, TokenKind::TokIdent, TokenKind::TokRightParen];
    kinds && word(text, has) == "has" && has.kind == TokenKind::TokIdent
}
