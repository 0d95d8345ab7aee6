//! Rows to segments of files, and back.

use arrow::array::{Array, Float64Array, Int64Array, StringArray};
use millstream_batch::{RowOp, StreamBatch};

use super::*;

fn batch(rows: &[(i64, Option<&str>, Option<f64>)]) -> StreamBatch {
    StreamBatch::new(
        RecordBatch::try_new(
            schema(COLUMNS),
            vec![
                Arc::new(Int64Array::from(rows.iter().map(|r| r.0).collect::<Vec<_>>())),
                Arc::new(StringArray::from(rows.iter().map(|r| r.1).collect::<Vec<_>>())),
                Arc::new(Float64Array::from(rows.iter().map(|r| r.2).collect::<Vec<_>>())),
            ],
        )
        .unwrap(),
    )
}

#[test]
fn rows_are_grouped_by_partition() {
    let mut config = table(Path::new("/"), &[("path", "out"), ("format", "csv")]);
    config.partition_keys = vec!["text".to_owned()];
    let sink = connector().sink(&config).unwrap().unwrap();
    assert!(sink.is_staged() && !sink.accepts_updates());
    let mut writer = sink.writer(WriterContext { index: 0, parallelism: 1 }).unwrap();
    writer.write(&batch(&[(1, Some("b"), Some(1.5)), (2, Some("a/c"), None)])).unwrap();
    writer.write(&batch(&[(3, Some("b"), Some(3.0)), (4, None, Some(0.0)), (5, Some(""), None)])).unwrap();
    assert_eq!(writer.buffered_bytes(), "1,1.5\n2,\n3,3.0\n4,0.0\n5,\n".len());
    let segments = writer.close_segments().unwrap();
    let text = |s: &crate::sink::ClosedSegment| {
        (s.partition.clone(), String::from_utf8(s.bytes.to_vec()).unwrap(), s.rows)
    };
    assert_eq!(
        segments.iter().map(text).collect::<Vec<_>>(),
        [
            ("text=__DEFAULT_PARTITION__".to_owned(), "4,0.0\n5,\n".to_owned(), 2),
            ("text=a%2Fc".to_owned(), "2,\n".to_owned(), 1),
            ("text=b".to_owned(), "1,1.5\n3,3.0\n".to_owned(), 2),
        ]
    );
    assert!(writer.close_segments().unwrap().is_empty());
}

#[test]
fn partitioned_folders_read_back() {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in [
        ("text=b/1.csv", "1,1.5\n3,3.0\n"),
        ("text=__DEFAULT_PARTITION__/1.csv", "4,0.0\n"),
        ("text=a%2Fc/1.csv", "2,\n"),
    ] {
        let path = folder.path().join("out").join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut config = table(folder.path(), &[("path", "out"), ("format", "csv"), ("csv.null-literal", "")]);
    config.partition_keys = vec!["text".to_owned()];
    let source = connector().source(&config).unwrap().unwrap();
    let read = conformance::run(source.as_ref(), &schema(COLUMNS));
    let rows: Vec<(i64, Option<String>)> = read
        .values()
        .flat_map(|b| {
            let (ids, texts) =
                (b.column(0).as_primitive::<Int64Type>().clone(), b.column(1).as_string::<i32>().clone());
            (0..b.num_rows())
                .map(|i| (ids.value(i), texts.is_valid(i).then(|| texts.value(i).to_owned())))
                .collect::<Vec<_>>()
        })
        .collect();
    let text = |t: &str| Some(t.to_owned());
    assert_eq!(rows, [(4, None), (2, text("a/c")), (1, text("b")), (3, text("b"))]);
}

#[test]
fn rows_that_cannot_be_written_are_refused() {
    let mut config = table(Path::new("/"), &[("path", "out"), ("format", "json")]);
    config.partition_keys = vec!["text".to_owned()];
    let sink = connector().sink(&config).unwrap().unwrap();
    let mut writer = sink.writer(WriterContext { index: 0, parallelism: 1 }).unwrap();
    let updates = batch(&[(1, Some("a"), None)]).with_ops(Some([RowOp::Delete].into()));
    assert_eq!(
        writer.write(&updates).unwrap_err().to_string(),
        "table `t`: cannot write the row: files cannot take back rows, and this one is -D"
    );
    let long = "x".repeat(300);
    let error = writer.write(&batch(&[(1, Some(&long), None)])).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "table `t`: cannot write the row: the partition folder `text={long}` is longer than 240 bytes"
        )
    );
}
