use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, RecordBatch,
    StringArray, Time32MillisecondArray, TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, TimeUnit};
use millstream_batch::RowOp;

use super::*;
use crate::test_table::{schema, table};

/// A target that can be read while it is written.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn printed(options: &[(&str, &str)], context: WriterContext, batch: &StreamBatch) -> (String, String) {
    let (output, errors) = (Captured::default(), Captured::default());
    let connector = PrintConnector::new(PrintTarget::new(output.clone()), PrintTarget::new(errors.clone()));
    let sink = connector.sink(&table("t", &[("a", DataType::Int32)], options)).unwrap().unwrap();
    assert!(sink.accepts_updates() && !sink.is_staged() && sink.publisher().unwrap().is_none());
    let mut writer = sink.writer(context).unwrap();
    writer.write(batch).unwrap();
    assert!(writer.close_segments().unwrap().is_empty());
    (output.text(), errors.text())
}

fn numbers(values: Vec<Option<i32>>) -> RecordBatch {
    RecordBatch::try_new(schema(&[("a", DataType::Int32)]), vec![Arc::new(Int32Array::from(values))]).unwrap()
}

#[test]
fn every_type_looks_as_java_prints_it() {
    let ltz = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let columns: &[(&str, DataType, ArrayRef)] = &[
        ("b", DataType::Boolean, Arc::new(BooleanArray::from(vec![true]))),
        ("i", DataType::Int32, Arc::new(Int32Array::from(vec![-7]))),
        ("d", DataType::Float64, Arc::new(Float64Array::from(vec![1e7]))),
        (
            "m",
            DataType::Decimal128(10, 2),
            Arc::new(Decimal128Array::from(vec![150]).with_precision_and_scale(10, 2).unwrap()),
        ),
        ("s", DataType::Utf8, Arc::new(StringArray::from(vec!["a, b"]))),
        ("y", DataType::Binary, Arc::new(BinaryArray::from(vec![&b"h\xff"[..]]))),
        ("day", DataType::Date32, Arc::new(Date32Array::from(vec![19_723]))),
        (
            "t",
            DataType::Time32(TimeUnit::Millisecond),
            Arc::new(Time32MillisecondArray::from(vec![36_000_000])),
        ),
        (
            "ts",
            DataType::Timestamp(TimeUnit::Microsecond, None),
            Arc::new(TimestampMicrosecondArray::from(vec![1_704_103_200_120_000])),
        ),
        ("z", ltz, Arc::new(TimestampMillisecondArray::from(vec![1_704_103_200_000]).with_timezone("UTC"))),
        ("n", DataType::Utf8, Arc::new(StringArray::from(vec![None::<&str>]))),
    ];
    let types: Vec<_> = columns.iter().map(|(n, t, _)| (*n, t.clone())).collect();
    let batch =
        RecordBatch::try_new(schema(&types), columns.iter().map(|(_, _, c)| c.clone()).collect()).unwrap();
    let (output, errors) = printed(&[], WriterContext { index: 0, parallelism: 1 }, &StreamBatch::new(batch));
    assert_eq!(
        output,
        "+I[true, -7, 1.0E7, 1.50, a, b, [104, -1], 2024-01-01, 10:00, 2024-01-01T10:00:00.120, 2024-01-01T10:00:00Z, null]\n"
    );
    assert_eq!(errors, "");
}

#[test]
fn lines_say_who_prints_and_what_changes() {
    use RowOp::{Delete, Insert, UpdateAfter, UpdateBefore};
    let batch = StreamBatch::new(numbers(vec![Some(1), Some(1), Some(2), None]))
        .with_ops(Some([Insert, UpdateBefore, UpdateAfter, Delete].into()));
    let lines = |prefix: &str| format!("{prefix}+I[1]\n{prefix}-U[1]\n{prefix}+U[2]\n{prefix}-D[null]\n");
    let table: &[(&[(&str, &str)], u32, &str)] = &[
        (&[], 1, ""),
        (&[], 2, "2> "),
        (&[("print-identifier", "debug")], 1, "debug> "),
        (&[("print-identifier", "debug")], 2, "debug:2> "),
    ];
    for (options, parallelism, prefix) in table {
        let context = WriterContext { index: parallelism - 1, parallelism: *parallelism };
        assert_eq!(printed(options, context, &batch), (lines(prefix), String::new()));
    }
    let context = WriterContext { index: 0, parallelism: 1 };
    assert_eq!(printed(&[("standard-error", "true")], context, &batch), (String::new(), lines("")));
}

#[test]
fn a_closed_pipe_is_an_error_with_its_cause() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::new(std::io::ErrorKind::BrokenPipe, "broken pipe"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let connector = PrintConnector::new(PrintTarget::new(Closed), PrintTarget::new(Closed));
    let sink = connector.sink(&table("t", &[("a", DataType::Int32)], &[])).unwrap().unwrap();
    let mut writer = sink.writer(WriterContext { index: 0, parallelism: 1 }).unwrap();
    let error = writer.write(&StreamBatch::new(numbers(vec![Some(1)]))).unwrap_err();
    assert_eq!(error.to_string(), "table `t`: cannot print: broken pipe");
}
