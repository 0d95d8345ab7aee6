//! What is read, and how it is cut.

use super::*;

#[test]
fn every_kind_of_file_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    let csv = "1,a,1.5\r\n2,\"two\nlines\",2.5\n\n3,\"q\"\"q\",3.5";
    let table: &[(&str, Vec<u8>, &[(&str, &str)], i64)] = &[
        ("a.json", json_lines(0..200).into_bytes(), &[("format", "json")], 200),
        ("b.json", json_lines(0..200).into_bytes(), &[("format", "json"), ("source.split.size", "500")], 200),
        ("c.json", json_lines(0..7).into_bytes(), &[("format", "json"), ("source.split.size", "1")], 7),
        ("d.json.gz", gzip(&json_lines(0..200)), &[("format", "json"), ("source.split.size", "500")], 200),
        (
            "e.json.zst",
            zstd::encode_all(json_lines(0..200).as_bytes(), 1).unwrap(),
            &[("format", "json")],
            200,
        ),
        ("f.csv", csv.as_bytes().to_vec(), &[("format", "csv"), ("source.split.size", "3")], 3),
        (
            "g.csv",
            b"1,\"a,1.5\n2,b,2.5\r\n3,c,3.5\r4,d,4.5".to_vec(),
            &[("format", "csv"), ("csv.disable-quote-character", "true"), ("source.split.size", "3")],
            4,
        ),
        ("h.json", [&b"\xEF\xBB\xBF"[..], json_lines(0..5).as_bytes()].concat(), &[("format", "json")], 5),
        ("i.json", Vec::new(), &[("format", "json")], 0),
        ("j.json", json_lines(0..3).trim_end().as_bytes().to_vec(), &[("format", "json")], 3),
        ("k.json", b"\n\n \n".to_vec(), &[("format", "json")], 0),
    ];
    for (name, bytes, options, rows) in table {
        std::fs::write(base.join(name), bytes).unwrap();
        let mut options = options.to_vec();
        options.push(("path", name));
        let source = source(base, &options).unwrap();
        let read = conformance::run(source.as_ref(), &schema(COLUMNS));
        let read: Vec<RecordBatch> = read.into_values().collect();
        let total: usize = read.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(total as i64, *rows, "{name}");
        if name.ends_with("json") || name.contains("json.") {
            assert_eq!(ids(read), (0..*rows).collect::<Vec<_>>(), "{name}");
        }
    }
}

#[test]
fn splits_at_every_byte_hold_each_line_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.json"), json_lines(0..20)).unwrap();
    let bytes = json_lines(0..20).len();
    for size in (1..=bytes).step_by(7) {
        let size = size.to_string();
        let options = [("path", "a.json"), ("format", "json"), ("source.split.size", size.as_str())];
        let source = source(folder.path(), &options).unwrap();
        let splits = conformance::splits(source.as_ref());
        let read = splits.iter().map(|s| conformance::read_all(source.as_ref(), s, &schema(COLUMNS), 8_192));
        assert_eq!(ids(read), (0..20).collect::<Vec<_>>(), "splits of {size} bytes");
    }
}

#[test]
fn folders_are_read_in_order_without_hidden_files() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    std::fs::create_dir_all(base.join("in/_millstream")).unwrap();
    for (name, ids) in
        [("in/b.json", 2..4), ("in/a.json", 0..2), ("in/_millstream/x.json", 8..9), ("in/.tmp.json", 9..10)]
    {
        std::fs::write(base.join(name), json_lines(ids)).unwrap();
    }
    let source = source(base, &[("path", "in"), ("format", "json")]).unwrap();
    let splits = conformance::splits(source.as_ref());
    let names: Vec<_> = splits.iter().map(|s| s.split.0.split('@').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["in/a.json", "in/b.json"]);
    assert!(source.is_bounded());
}

#[test]
fn files_can_be_replayed_at_a_pace() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.json"), json_lines(0..100)).unwrap();
    let now = Arc::new(AtomicU64::new(0));
    let read = now.clone();
    let clock = Clock::new(move || Duration::from_millis(read.load(Ordering::Relaxed)), || 0);
    let config =
        table(folder.path(), &[("path", "a.json"), ("format", "json"), ("source.rows-per-second", "50")]);
    let source = FilesystemConnector::new(clock).source(&config).unwrap().unwrap();
    let split = conformance::splits(source.as_ref()).remove(0);
    let mut reader = source.open(&split, schema(COLUMNS)).unwrap();
    let mut rows = Vec::new();
    for ms in (0..=1_000).step_by(100) {
        now.store(ms, Ordering::Relaxed);
        match reader.read(8_192).unwrap() {
            ReadOutcome::Batch(batch) => rows.push(batch.columns.num_rows()),
            other => unreachable!("{other:?}"),
        }
        assert!(matches!(reader.read(8_192).unwrap(), ReadOutcome::Pending(_)));
    }
    assert_eq!(rows, [1, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5]);
}
