use std::collections::HashMap;

/// Where things stand in a JSON file: JSON pointer → line. A member's line is that of its key.
#[derive(Debug, Default)]
pub struct Lines {
    at: HashMap<String, usize>,
    /// Pointers of keys that their object has twice.
    pub twice: Vec<(String, usize)>,
}

impl Lines {
    /// Scans a text. Where it is no JSON, lines are told up to there and somehow from then on: another one refuses it.
    pub fn scan(text: &str) -> Lines {
        let mut scan = Scan { bytes: text.as_bytes(), next: 0, line: 1, depth: 0, lines: Lines::default() };
        scan.value("");
        scan.lines
    }
    /// The line of `pointer`, or of the nearest thing around it.
    pub fn of(&self, pointer: &str) -> usize {
        let mut pointer = pointer;
        loop {
            if let Some(line) = self.at.get(pointer) {
                return *line;
            }
            match pointer.rfind('/') {
                Some(cut) => pointer = pointer.get(..cut).unwrap_or(""),
                None => return 1,
            }
        }
    }
}

/// `name` as one step of a JSON pointer (RFC 6901).
pub fn step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

struct Scan<'a> {
    bytes: &'a [u8],
    next: usize,
    line: usize,
    depth: usize,
    lines: Lines,
}

/// Deeper than any declaration: what is nested further has the line of what it is in.
const DEEPEST: usize = 64;

impl Scan<'_> {
    fn peek(&mut self) -> Option<u8> {
        while let Some(b @ (b' ' | b'\t' | b'\r' | b'\n')) = self.bytes.get(self.next) {
            self.line += usize::from(*b == b'\n');
            self.next += 1;
        }
        self.bytes.get(self.next).copied()
    }
    fn value(&mut self, pointer: &str) {
        let first = self.peek();
        self.lines.at.entry(pointer.to_owned()).or_insert(self.line);
        self.depth += 1;
        match first {
            Some(b'{') if self.depth < DEEPEST => self.object(pointer),
            Some(b'[') if self.depth < DEEPEST => self.array(pointer),
            Some(b'"') => {
                self.string();
            }
            _ => {
                while self.bytes.get(self.next).is_some_and(|b| !matches!(b, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n')) {
                    self.next += 1;
                }
            }
        }
        self.depth -= 1;
    }
    fn object(&mut self, pointer: &str) {
        self.next += 1;
        while self.peek() == Some(b'"') {
            let line = self.line;
            let name = self.string();
            let here = format!("{pointer}/{}", step(&name));
            if self.lines.at.insert(here.clone(), line).is_some() {
                self.lines.twice.push((here.clone(), line));
            }
            if self.peek() == Some(b':') {
                self.next += 1;
            }
            self.value(&here);
            if self.peek() == Some(b',') {
                self.next += 1;
            }
        }
        self.next += 1;
    }
    fn array(&mut self, pointer: &str) {
        self.next += 1;
        let mut n = 0;
        while !matches!(self.peek(), Some(b']') | None) {
            let before = self.next;
            self.value(&format!("{pointer}/{n}"));
            n += 1;
            // A `}` that closes nothing is passed over, like the comma behind a value.
            if self.peek() == Some(b',') || self.next == before {
                self.next += 1;
            }
        }
        self.next += 1;
    }
    fn string(&mut self) -> String {
        let start = self.next;
        self.next += 1;
        while let Some(b) = self.bytes.get(self.next) {
            match b {
                b'\\' => self.next += 2,
                b'"' => break,
                _ => self.next += 1,
            }
        }
        self.next += 1;
        let raw = self.bytes.get(start..self.next).unwrap_or_default();
        serde_json::from_slice(raw).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pointer_knows_its_line() {
        let lines = Lines::scan("{\n  \"a\": 1,\n  \"b\": [\n    {\"c/d\": \"x\\\"}\"},\n    2\n  ],\n  \"a\": 3\n}");
        assert_eq!(lines.of("/a"), 7);
        assert_eq!(lines.twice, [("/a".to_owned(), 7)]);
        assert_eq!(lines.of("/b"), 3);
        assert_eq!(lines.of("/b/0/c~1d"), 4);
        assert_eq!(lines.of("/b/1"), 5);
        assert_eq!(lines.of("/b/1/nothing/here"), 5);
        assert_eq!(lines.of(""), 1);
    }

    #[test]
    fn what_is_no_json_ends_too() {
        for text in ["[}", "[:<x<{ \"a\": 1 }", "{\"a\" [}}]", "[[}", "{\"a\": }", "[\"\\", "{\"a"] {
            assert_eq!(Lines::scan(text).of("/nothing"), 1, "{text}");
        }
        Lines::scan(&"[".repeat(1 << 20));
        Lines::scan(&"{\"a\":".repeat(1 << 18));
    }
}
