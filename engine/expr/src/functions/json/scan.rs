//! A walk over the text of a JSON document that gives back slices of it.
//!
//! Owns soundness: every value that is skipped is checked on the way. Nesting is limited to 512, so that no document
//! exhausts the stack.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

const DEEPEST: usize = 512;

/// A position in a document.
pub(super) struct Scanner<'d> {
    document: &'d str,
    at: usize,
    depth: usize,
}

impl<'d> Scanner<'d> {
    pub(super) fn new(document: &'d str) -> Self {
        Self { document, at: 0, depth: 0 }
    }

    fn peek(&mut self) -> Option<u8> {
        let bytes = self.document.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn eat(&mut self, wanted: u8) -> Option<()> {
        if self.peek()? == wanted {
            self.at += 1;
            return Some(());
        }
        None
    }

    /// The next value, of any kind.
    pub(super) fn value(&mut self) -> Option<&'d str> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'{' => self.members(|_, _| {})?,
            b'[' => self.elements(|_| {})?,
            b'"' => {
                self.string()?;
            }
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => self.number()?,
        }
        self.document.get(start..self.at)
    }

    /// The last member of this object with the name, as Java's reader has it.
    pub(super) fn member(&mut self, name: &str) -> Option<&'d str> {
        let mut found = None;
        self.members(|key, value| {
            if is_name(key, name) {
                found = Some(value);
            }
        })?;
        found
    }

    /// The element of this array with the index, from the end when negative.
    pub(super) fn element(&mut self, index: i64) -> Option<&'d str> {
        let mut all = Vec::new();
        self.elements(|value| all.push(value))?;
        let at = if index < 0 { all.len() as i64 + index } else { index };
        all.get(usize::try_from(at).ok()?).copied()
    }

    /// The members of this object with their keys, or the elements of this array with empty keys; none of anything else.
    /// A key that comes again keeps its first place and takes the last value, as in Java's reader.
    pub(super) fn children(&mut self) -> Vec<(&'d str, &'d str)> {
        let mut all: Vec<(&'d str, &'d str)> = Vec::new();
        match self.peek() {
            Some(b'[') => {
                let _ = self.elements(|value| all.push(("", value)));
            }
            Some(b'{') => {
                let mut places: HashMap<String, usize> = HashMap::new();
                let _ = self.members(|key, value| match places.entry(name_of(key)) {
                    Entry::Vacant(vacant) => {
                        vacant.insert(all.len());
                        all.push((key, value));
                    }
                    Entry::Occupied(place) => {
                        if let Some(known) = all.get_mut(*place.get()) {
                            known.1 = value;
                        }
                    }
                });
            }
            _ => {}
        }
        all
    }

    fn members(&mut self, mut each: impl FnMut(&'d str, &'d str)) -> Option<()> {
        self.eat(b'{')?;
        self.deeper()?;
        if self.peek()? != b'}' {
            loop {
                self.peek()?;
                let key = self.string()?;
                self.eat(b':')?;
                let value = self.value()?;
                each(key, value);
                if self.eat(b',').is_none() {
                    break;
                }
            }
        }
        self.depth -= 1;
        self.eat(b'}')
    }

    fn elements(&mut self, mut each: impl FnMut(&'d str)) -> Option<()> {
        self.eat(b'[')?;
        self.deeper()?;
        if self.peek()? != b']' {
            loop {
                each(self.value()?);
                if self.eat(b',').is_none() {
                    break;
                }
            }
        }
        self.depth -= 1;
        self.eat(b']')
    }

    fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= DEEPEST).then_some(())
    }

    /// A string with its quotes.
    fn string(&mut self) -> Option<&'d str> {
        let bytes = self.document.as_bytes();
        let start = self.at;
        if bytes.get(start) != Some(&b'"') {
            return None;
        }
        let mut at = start + 1;
        loop {
            match bytes.get(at)? {
                b'"' => break,
                b'\\' => at += 2,
                byte if *byte < 0x20 => return None,
                _ => at += 1,
            }
        }
        self.at = at + 1;
        self.document.get(start..self.at)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.document.get(self.at..)?.starts_with(word).then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        let bytes = self.document.as_bytes();
        let mut at = self.at;
        if bytes.get(at) == Some(&b'-') {
            at += 1;
        }
        let digits = |mut at: usize| {
            let start = at;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            (at > start).then_some(at)
        };
        let whole = at;
        at = digits(at)?;
        if at - whole > 1 && bytes.get(whole) == Some(&b'0') {
            return None;
        }
        if bytes.get(at) == Some(&b'.') {
            at = digits(at + 1)?;
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1;
            if matches!(bytes.get(at), Some(b'+' | b'-')) {
                at += 1;
            }
            at = digits(at)?;
        }
        self.at = at;
        Some(())
    }
}

/// The text of a key with its quotes and escapes.
fn name_of(key: &str) -> String {
    serde_json::from_str(key).unwrap_or_else(|_| key.to_string())
}

/// Whether a key with its quotes and escapes is this name.
fn is_name(key: &str, name: &str) -> bool {
    let inside = &key[1..key.len() - 1];
    if inside.contains('\\') {
        return serde_json::from_str::<String>(key).is_ok_and(|key| key == name);
    }
    inside == name
}
