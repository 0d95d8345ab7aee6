//! A value of a document written again, as Flink's writer does: without blanks, members sorted by name as Java sorts
//! strings, escapes only where they are needed, numbers as `BigDecimal` has them. For example `{ "b" : "\u0041\n", "a": 1e3 }`
//! is `{"a":1E+3,"b":"A\n"}`.

use std::fmt::Write;

use super::number;
use super::scan::Scanner;

/// Appends a sound value. `None` when a string in it has an escape that means nothing; `out` is then of no use.
pub(super) fn value(text: &str, out: &mut String) -> Option<()> {
    match text.as_bytes().first()? {
        b'{' => {
            out.push('{');
            let mut members = Vec::new();
            for (key, member) in Scanner::new(text).children() {
                members.push((serde_json::from_str::<String>(key).ok()?, member));
            }
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            for (at, (name, member)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                quote(&name, out);
                out.push(':');
                value(member, out)?;
            }
            out.push('}');
        }
        b'[' => list(&elements(text), out)?,
        b'"' => string(text, out)?,
        b't' | b'f' | b'n' => out.push_str(text),
        _ => number::write(text, out),
    }
    Some(())
}

/// Appends sound values as a list.
pub(super) fn list(values: &[&str], out: &mut String) -> Option<()> {
    out.push('[');
    for (at, element) in values.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        value(element, out)?;
    }
    out.push(']');
    Some(())
}

fn elements(text: &str) -> Vec<&str> {
    Scanner::new(text).children().into_iter().map(|(_, element)| element).collect()
}

fn string(text: &str, out: &mut String) -> Option<()> {
    if !text.contains('\\') {
        out.push_str(text);
        return Some(());
    }
    let decoded: String = serde_json::from_str(text).ok()?;
    quote(&decoded, out);
    Some(())
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            other if other < ' ' => {
                let _ = write!(out, "\\u{:04X}", u32::from(other));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
