//! Casts to byte strings: the UTF-8 bytes of text, cut to the declared length, and padded with zero bytes for
//! `BINARY(n)`. For example `CAST('1' AS BINARY(3))` is `0x310000`.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion_common::{Result, internal_err};

use super::Target;
use crate::column::{Column, build_bytes};
use crate::types::SqlType;

/// Casts to one of the byte string types.
pub(super) fn cast(column: &Column, rows: usize, target: &Target) -> Result<ArrayRef> {
    let shape = |bytes: &[u8]| -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        match target.to {
            SqlType::Binary(length) => bytes.resize(length as usize, 0),
            SqlType::Varbinary(length) => bytes.truncate(length as usize),
            _ => {}
        }
        bytes
    };
    match column.array.data_type() {
        DataType::Binary => {
            let values = column.bytes()?;
            build_bytes(rows, |row| Ok(values.get(row).map(shape)))
        }
        DataType::Utf8 => {
            let values = column.strings()?;
            build_bytes(rows, |row| Ok(values.get(row).map(|text| shape(text.as_bytes()))))
        }
        other => internal_err!("no cast from {other} to {}", target.to),
    }
}
