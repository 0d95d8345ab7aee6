//! The six character sets that every Java has.

/// A character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    Ascii,
    Latin1,
    Utf8,
    Utf16Be,
    Utf16Le,
    /// With a byte order mark; written big-endian.
    Utf16,
}

/// The character set with this name, whatever its case.
pub(super) fn find(name: &str) -> Option<Charset> {
    Some(match name.to_ascii_uppercase().as_str() {
        "US-ASCII" | "ASCII" => Charset::Ascii,
        "ISO-8859-1" | "LATIN1" => Charset::Latin1,
        "UTF-8" | "UTF8" => Charset::Utf8,
        "UTF-16BE" => Charset::Utf16Be,
        "UTF-16LE" => Charset::Utf16Le,
        "UTF-16" => Charset::Utf16,
        _ => return None,
    })
}

impl Charset {
    /// The bytes of a text; `?` stands for what the set does not have.
    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        let single = |greatest: u32| {
            text.chars().map(|c| if u32::from(c) <= greatest { u32::from(c) as u8 } else { b'?' }).collect()
        };
        match self {
            Self::Ascii => single(0x7F),
            Self::Latin1 => single(0xFF),
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Self::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16 if text.is_empty() => Vec::new(),
            Self::Utf16 => [0xFE, 0xFF].into_iter().chain(Self::Utf16Be.encode(text)).collect(),
        }
    }

    /// Appends the text of bytes; U+FFFD stands for what is damaged.
    pub(super) fn decode(self, bytes: &[u8], out: &mut String) {
        let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| -> String {
            let units = bytes.chunks(2).map(|pair| match pair {
                [first, second] => unit([*first, *second]),
                _ => 0xFFFD,
            });
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        };
        match self {
            Self::Ascii => {
                out.extend(
                    bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '\u{fffd}' }),
                );
            }
            Self::Latin1 => out.extend(bytes.iter().map(|byte| char::from(*byte))),
            Self::Utf8 => out.push_str(&String::from_utf8_lossy(bytes)),
            Self::Utf16Be => out.push_str(&wide(bytes, u16::from_be_bytes)),
            Self::Utf16Le => out.push_str(&wide(bytes, u16::from_le_bytes)),
            Self::Utf16 => match bytes {
                [0xFF, 0xFE, rest @ ..] => Self::Utf16Le.decode(rest, out),
                [0xFE, 0xFF, rest @ ..] => Self::Utf16Be.decode(rest, out),
                other => Self::Utf16Be.decode(other, out),
            },
        }
    }
}
