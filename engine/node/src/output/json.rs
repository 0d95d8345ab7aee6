//! A result as JSON: one object a change, `"op"` first.
//!
//! Example: `{"op":"+I","id":1,"price":"1.50","at":"2024-01-01 10:00:00.000"}`. Numbers are numbers; DECIMAL, NaN and
//! infinities are strings.

use std::io::{self, Write};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use millstream_batch::StreamBatch;
use serde_json::Value;

use super::cells;
use super::collect::ResultWriter;

/// Writes changes as JSON lines.
pub struct JsonWriter<W> {
    out: W,
}

impl<W: Write + Send> JsonWriter<W> {
    /// A writer to this output.
    pub const fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write + Send> ResultWriter for JsonWriter<W> {
    fn write(&mut self, batch: &StreamBatch) -> io::Result<()> {
        let schema = batch.schema();
        let texts = cells::columns(batch.columns()).map_err(io::Error::other)?;
        for row in 0..batch.num_rows() {
            write!(self.out, "{{\"op\":\"{}\"", batch.op(row))?;
            for ((field, array), texts) in schema.fields().iter().zip(batch.columns().columns()).zip(&texts) {
                let name = Value::from(field.name().as_str());
                let value = value(array, row, texts[row].as_deref());
                write!(self.out, ",{name}:{value}")?;
            }
            self.out.write_all(b"}\n")?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn value(array: &ArrayRef, row: usize, text: Option<&str>) -> Value {
    let Some(text) = text else { return Value::Null };
    // Value::from maps NaN and infinities to null: they become text instead.
    let float = |v: f64| if v.is_finite() { Value::from(v) } else { Value::from(text_of(v)) };
    match array.data_type() {
        DataType::Boolean => Value::from(array.as_boolean().value(row)),
        DataType::Int8 => Value::from(array.as_primitive::<Int8Type>().value(row)),
        DataType::Int16 => Value::from(array.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => Value::from(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => Value::from(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => {
            let value = array.as_primitive::<Float32Type>().value(row);
            // The shortest text of the 32-bit value: 0.1, not 0.10000000149011612.
            value.to_string().parse().map_or_else(|_| Value::from(text_of(value.into())), float)
        }
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Struct(fields) => {
            let one = |values: &ArrayRef| {
                let values = values.slice(row, 1);
                let text = super::cells::column(&values).ok()?.pop().flatten();
                Some(value(&values, 0, text.as_deref()))
            };
            let values = array.as_struct().columns().iter().map(|v| one(v).unwrap_or_default());
            Value::Object(fields.iter().map(|field| field.name().clone()).zip(values).collect())
        }
        _ => Value::from(text),
    }
}

fn text_of(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use arrow::array::{Float32Array, Float64Array, Int32Array, RecordBatch, StringArray, StructArray};
    use arrow::buffer::NullBuffer;
    use arrow::datatypes::{Field, Schema};
    use millstream_batch::RowOp;

    use super::*;

    pub(in crate::output) fn changes() -> StreamBatch {
        let schema = Arc::new(Schema::new(vec![
            Field::new("id", DataType::Int32, true),
            Field::new("name", DataType::Utf8, true),
        ]));
        let ids: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
        let names: ArrayRef = Arc::new(StringArray::from(vec!["a,\"b\"", ""]));
        StreamBatch::new(RecordBatch::try_new(schema, vec![ids, names]).unwrap())
            .with_ops(Some([RowOp::Insert, RowOp::Delete].into()))
    }

    #[test]
    fn one_object_a_change_with_the_kind_first() {
        let mut out = Vec::new();
        JsonWriter::new(&mut out).write(&changes()).unwrap();
        let expected =
            "{\"op\":\"+I\",\"id\":1,\"name\":\"a,\\\"b\\\"\"}\n{\"op\":\"-D\",\"id\":null,\"name\":\"\"}\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn rows_are_objects_and_cells_in_parentheses() {
        let fields = [Field::new("a", DataType::Int32, true), Field::new("b", DataType::Utf8, true)];
        let values: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(vec![Some(1), None])),
            Arc::new(StringArray::from(vec!["x", "y"])),
        ];
        let nulls = Some(NullBuffer::from(vec![true, false]));
        let rows: ArrayRef = Arc::new(StructArray::new(fields.into_iter().collect(), values, nulls));
        let cells = super::super::cells::column(&rows).unwrap();
        assert_eq!(cells, [Some("(1, x)".to_owned()), None]);
        assert_eq!(value(&rows, 0, cells[0].as_deref()).to_string(), r#"{"a":1,"b":"x"}"#);
        assert_eq!(value(&rows, 1, None), Value::Null);
    }

    #[test]
    fn floats_keep_their_shortest_form_and_odd_ones_are_text() {
        let singles: ArrayRef = Arc::new(Float32Array::from(vec![0.1, f32::NAN, f32::NEG_INFINITY]));
        let texts = ["0.1", "\"NaN\"", "\"-Infinity\""];
        for (row, expected) in texts.iter().enumerate() {
            assert_eq!(value(&singles, row, Some("")).to_string(), *expected);
        }
        let doubles: ArrayRef = Arc::new(Float64Array::from(vec![1e21, f64::INFINITY]));
        assert_eq!(value(&doubles, 0, Some("")).to_string(), "1e+21");
        assert_eq!(value(&doubles, 1, Some("")).to_string(), "\"Infinity\"");
    }
}
