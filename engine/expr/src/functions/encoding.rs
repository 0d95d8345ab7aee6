//! Digests and encodings: `MD5`, `SHA1` to `SHA512`, `SHA2`, base 64, `UNHEX`, `ENCODE`, `DECODE`, URLs.
//!
//! Digests are lower-case hexadecimal text of the UTF-8 bytes. For example `MD5('a')` is
//! `0cc175b9c0f1b6a831c399e269772661`.

mod charset;
mod sha1;
mod url;

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Field};
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use datafusion_common::config::ConfigOptions;
use datafusion_common::{Result, internal_err};
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};
use datafusion_functions::crypto;

use super::definition::{Call, Definition, Parameter, Returns};
use crate::types::SqlType;

use Parameter::{Bytes, Integer, Text, TextOrBytes};

const STRING: Returns = Returns::Type(SqlType::String);
const BYTES: Returns = Returns::Type(SqlType::Bytes);

pub(super) fn definitions() -> Vec<Definition> {
    vec![
        Definition::new("md5", &[Text], STRING, |call| digest(call, &crypto::md5())),
        Definition::new("sha1", &[Text], STRING, sha1_digest),
        Definition::new("sha224", &[Text], STRING, |call| digest(call, &crypto::sha224())),
        Definition::new("sha256", &[Text], STRING, |call| digest(call, &crypto::sha256())),
        Definition::new("sha384", &[Text], STRING, |call| digest(call, &crypto::sha384())),
        Definition::new("sha512", &[Text], STRING, |call| digest(call, &crypto::sha512())),
        Definition::new("sha2", &[Text, Integer], STRING, sha2).failing(),
        Definition::new("to_base64", &[TextOrBytes], STRING, to_base64),
        Definition::new("from_base64", &[Text], STRING, from_base64).failing(),
        Definition::new("unhex", &[Text], BYTES, unhex),
        Definition::new("encode", &[Text, Text], BYTES, encode).failing(),
        Definition::new("decode", &[Bytes, Text], STRING, decode).failing(),
        Definition::new("url_encode", &[Text], STRING, url_encode),
        Definition::new("url_decode", &[Text], STRING, url_decode),
        Definition::new("parse_url", &[Text, Text, Text], STRING, url::parse_url).optional(1),
    ]
}

fn write_hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
}

/// Runs one of DataFusion's digests and writes its bytes as text; MD5 there is text already.
fn digest(call: &Call<'_>, function: &Arc<ScalarUDF>) -> Result<ArrayRef> {
    let argument = call.column(0)?.array.clone();
    let fields = vec![Arc::new(Field::new("text", DataType::Utf8, true))];
    let rows = argument.len();
    let result = function.invoke_with_args(ScalarFunctionArgs {
        args: vec![ColumnarValue::Array(argument)],
        arg_fields: fields,
        number_rows: rows,
        return_field: Arc::new(Field::new("digest", function.return_type(&[DataType::Utf8])?, true)),
        config_options: Arc::new(ConfigOptions::default()),
    })?;
    let result = result.into_array(rows)?;
    if let Some(text) = result.as_string_view_opt() {
        return Ok(Arc::new(text.iter().collect::<StringArray>()));
    }
    let Some(bytes) = result.as_binary_opt::<i32>() else {
        return internal_err!("a digest gave {}", result.data_type());
    };
    crate::column::build_strings(rows, |row, out| {
        if bytes.is_null(row) {
            return Ok(None);
        }
        write_hex(bytes.value(row), out);
        Ok(Some(()))
    })
}

fn sha1_digest(call: &Call<'_>) -> Result<ArrayRef> {
    let text = call.text(0)?;
    call.strings(|row, out| Ok(text.get(row).map(|text| write_hex(&sha1::digest(text.as_bytes()), out))))
}

/// `SHA2(text, bits)`; the number of bits is one for the whole call.
fn sha2(call: &Call<'_>) -> Result<ArrayRef> {
    let bits = call.integer(1)?;
    let first = (0..call.rows).find_map(|row| bits.get(row));
    if (0..call.rows).any(|row| bits.get(row).is_some_and(|bits| Some(bits) != first)) {
        return Err(call.bad_argument("the number of bits must be the same for every row"));
    }
    let made = match first {
        None => return call.strings(|_, _| Ok(None)),
        Some(224) => digest(call, &crypto::sha224()),
        Some(256) => digest(call, &crypto::sha256()),
        Some(384) => digest(call, &crypto::sha384()),
        Some(512) => digest(call, &crypto::sha512()),
        Some(other) => {
            return Err(call.bad_argument(format!("the number of bits is 224, 256, 384 or 512, not {other}")));
        }
    }?;
    let made = crate::column::Column { constant: made.len() == 1 && call.rows != 1, array: made };
    let made = made.strings()?;
    call.strings(|row, out| Ok(bits.get(row).and(made.get(row)).map(|text| out.push_str(text))))
}

fn to_base64(call: &Call<'_>) -> Result<ArrayRef> {
    let column = call.column(0)?;
    if column.array.data_type() == &DataType::Binary {
        let bytes = column.bytes()?;
        return call.strings(|row, out| Ok(bytes.get(row).map(|bytes| STANDARD.encode_string(bytes, out))));
    }
    let text = call.text(0)?;
    call.strings(|row, out| Ok(text.get(row).map(|text| STANDARD.encode_string(text, out))))
}

/// Java's decoder accepts text with and without padding; bytes that are not UTF-8 become U+FFFD.
fn from_base64(call: &Call<'_>) -> Result<ArrayRef> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let text = call.text(0)?;
    call.strings(|row, out| {
        let Some(text) = text.get(row) else { return Ok(None) };
        match LENIENT.decode(text) {
            Ok(bytes) => {
                out.push_str(&String::from_utf8_lossy(&bytes));
                Ok(Some(()))
            }
            Err(_) => Err(call.bad_argument(format!("'{text}' is not base 64"))),
        }
    })
}

/// Pairs of hexadecimal digits; an odd number of digits has a zero before the first; null for anything else.
fn unhex(call: &Call<'_>) -> Result<ArrayRef> {
    let text = call.text(0)?;
    call.bytes(|row| {
        let Some(text) = text.get(row) else { return Ok(None) };
        let digits: Option<Vec<u8>> =
            text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        let Some(digits) = digits else { return Ok(None) };
        let (first, pairs) = digits.split_at(digits.len() % 2);
        let pairs = pairs.chunks(2).map(|pair| pair.iter().fold(0, |high, low| high * 16 + low));
        Ok(Some(first.iter().copied().chain(pairs).collect()))
    })
}

fn encode(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, name) = (call.text(0)?, call.text(1)?);
    call.bytes(|row| {
        let (Some(text), Some(name)) = (text.get(row), name.get(row)) else { return Ok(None) };
        match charset::find(name) {
            Some(charset) => Ok(Some(charset.encode(text))),
            None => Err(call.bad_argument(format!("the character set '{name}' is not supported"))),
        }
    })
}

fn decode(call: &Call<'_>) -> Result<ArrayRef> {
    let (bytes, name) = (call.column(0)?.bytes()?, call.text(1)?);
    call.strings(|row, out| {
        let (Some(bytes), Some(name)) = (bytes.get(row), name.get(row)) else { return Ok(None) };
        match charset::find(name) {
            Some(charset) => {
                charset.decode(bytes, out);
                Ok(Some(()))
            }
            None => Err(call.bad_argument(format!("the character set '{name}' is not supported"))),
        }
    })
}

/// The form encoding of web pages: a blank is `+`.
fn url_encode(call: &Call<'_>) -> Result<ArrayRef> {
    let text = call.text(0)?;
    call.strings(|row, out| {
        let Some(text) = text.get(row) else { return Ok(None) };
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                    out.push(char::from(byte))
                }
                b' ' => out.push('+'),
                other => {
                    let _ = write!(out, "%{other:02X}");
                }
            }
        }
        Ok(Some(()))
    })
}

/// Null for a `%` without two hexadecimal digits behind it.
fn url_decode(call: &Call<'_>) -> Result<ArrayRef> {
    let text = call.text(0)?;
    call.strings(|row, out| {
        let Some(text) = text.get(row) else { return Ok(None) };
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let Some((first, behind)) = rest.split_first() {
            rest = behind;
            match first {
                b'+' => bytes.push(b' '),
                b'%' => {
                    let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                    let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
                        return Ok(None);
                    };
                    bytes.push(byte);
                    rest = &behind[2..];
                }
                other => bytes.push(*other),
            }
        }
        out.push_str(&String::from_utf8_lossy(&bytes));
        Ok(Some(()))
    })
}

#[cfg(test)]
mod encoding_test;
