//! A nested value as text: blanks gone, escapes as the encoder writes them, fractions as Java prints doubles.
//!
//! Example: `{"a" : [1.50, 1e2], "b":"\u00e9"}` becomes `{"a":[1.5,100.0],"b":"é"}`.

use crate::format::json::encode::write_string;
use crate::format::json::scan::{Kind, Scanner, unescape};
use crate::format::parse::number::float;
use crate::format::render::number::write_double;

/// Appends the compact form of `value`, which was scanned before.
pub(super) fn compact(value: &str, scratch: &mut String, out: &mut Vec<u8>) {
    let bytes = value.as_bytes();
    let mut stack = Vec::new();
    let mut scanner = Scanner::new(bytes, &mut stack);
    while let Some(byte) = scanner.peek() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => scanner.at += 1,
            b'{' | b'}' | b'[' | b']' | b':' | b',' => {
                out.push(byte);
                scanner.at += 1;
            }
            _ => {
                // The value was scanned before, so the tokens in it are whole; the break is never taken.
                let Ok(token) = scanner.value() else { break };
                let text = value.get(token.start..token.end).unwrap_or_default();
                match token.kind {
                    Kind::String => write_string(text, out),
                    Kind::EscapedString => {
                        scratch.clear();
                        // A string takes whatever is written to it.
                        let _ = unescape(text, scratch);
                        write_string(scratch, out);
                    }
                    Kind::Float => write_double(float::<f64>(text).unwrap_or(f64::NAN), out),
                    _ => out.extend_from_slice(text.as_bytes()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_values_lose_their_blanks() {
        let table = [
            ("{}", "{}"),
            ("[ ]", "[]"),
            (
                "{\"b\" : 1, \"a\": {\"c\":\t\"q\\\"\\n\\u00e9\\/\"} }",
                "{\"b\":1,\"a\":{\"c\":\"q\\\"\\né/\"}}",
            ),
            (
                "[1.50, 1e2, -0, 12345678901234567890, null, true]",
                "[1.5,100.0,-0,12345678901234567890,null,true]",
            ),
            ("[\"a\tb\", \" x \"]", "[\"a\\tb\",\" x \"]"),
        ];
        for (value, expected) in table {
            let mut out = Vec::new();
            compact(value, &mut String::new(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
