//! Patterns of Java, of SQL's `SIMILAR TO` and of `LIKE`, rewritten for our engine.
//!
//! In Java `\d`, `\w` and `\s` mean ASCII only, and `\Q..\E` quotes; everything else that both know means the same.

/// Java's syntax in that of the `regex` crate. Whatever it does not know is kept and judged by the engine.
pub(super) fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('D') => out.push_str("[^0-9]"),
            Some('w') => out.push_str("[a-zA-Z0-9_]"),
            Some('W') => out.push_str("[^a-zA-Z0-9_]"),
            Some('s') => out.push_str(r"[ \t\n\x0B\x0C\r]"),
            Some('S') => out.push_str(r"[^ \t\n\x0B\x0C\r]"),
            Some('h') => out.push_str(r"[ \t\xA0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000]"),
            Some('R') => out.push_str(r"(?:\r\n|[\n\x0B\x0C\r\u0085\u2028\u2029])"),
            Some('Z') => out.push_str(r"\n?\z"),
            Some('Q') => {
                let tail = rest.as_str();
                let (quoted, behind) = tail.split_once("\\E").unwrap_or((tail, ""));
                out.push_str(&regex::escape(quoted));
                rest = behind.chars();
            }
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}

/// `SIMILAR TO` as a pattern of Java: the whole text must match, `%` and `_` stand for anything.
pub(super) fn from_similar(pattern: &str) -> String {
    let mut out = String::from("^(?s:");
    let mut in_class = false;
    for c in pattern.chars() {
        match c {
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        match c {
            '%' if !in_class => out.push_str(".*"),
            '_' if !in_class => out.push('.'),
            '^' | '$' if !in_class => {
                out.push('\\');
                out.push(c);
            }
            other => out.push(other),
        }
    }
    out.push_str(")$");
    out
}

/// A `LIKE` pattern with `escape`, if any, in one where the backslash escapes; `None` when the escape stands before
/// something that needs none.
pub(super) fn escape_by_backslash(pattern: &str, escape: Option<char>) -> Option<String> {
    let mut out = String::with_capacity(pattern.len() + 4);
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        if Some(c) == escape {
            match rest.next()? {
                special @ ('%' | '_') => out.extend(['\\', special]),
                '\\' if escape == Some('\\') => out.push_str("\\\\"),
                same if Some(same) == escape => out.push(same),
                _ => return None,
            }
        } else if c == '\\' {
            out.push_str("\\\\");
        } else {
            out.push(c);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_classes_are_ascii_and_quotes_are_text() {
        let cases = [
            (r"\d+", "[0-9]+"),
            (r"[\d.]+", "[[0-9].]+"),
            (r"\\d", r"\\d"),
            (r"\Qa.b\E.", r"a\.b."),
            (r"\Qa.b", r"a\.b"),
            (r"\.", r"\."),
            (r"\", r"\"),
        ];
        for (pattern, expected) in cases {
            assert_eq!(translate(pattern), expected, "{pattern}");
        }
        for name in ["d", "D", "w", "W", "s", "S", "h", "R", "Z"] {
            assert!(regex::Regex::new(&translate(&format!("\\{name}"))).is_ok(), "{name}");
        }
    }

    #[test]
    fn like_patterns_get_the_backslash_as_their_escape() {
        let cases = [
            ("a%c", None, Some("a%c")),
            (r"a\_c", None, Some(r"a\\_c")),
            ("a!_c", Some('!'), Some(r"a\_c")),
            ("a!!c", Some('!'), Some("a!c")),
            ("a!c", Some('!'), None),
            ("a!", Some('!'), None),
        ];
        for (pattern, escape, expected) in cases {
            assert_eq!(escape_by_backslash(pattern, escape).as_deref(), expected, "{pattern}");
        }
    }
}
