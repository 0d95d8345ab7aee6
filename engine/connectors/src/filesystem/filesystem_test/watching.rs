//! Folders that are looked at again and again.

use super::*;

#[test]
fn watched_folders_report_each_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    let options = [("path", "in"), ("format", "json"), ("source.monitor-interval", "50 ms")];
    let source = source(base, &options).unwrap();
    assert!(!source.is_bounded());
    let mut enumerator = source.enumerator().unwrap();
    assert_eq!(enumerator.interval(), Duration::from_millis(50));
    let found = |e: &mut Box<dyn Enumerator>| {
        let discovery = e.discover().unwrap();
        assert!(!discovery.is_complete);
        discovery
            .splits
            .into_iter()
            .map(|s| s.split.0.split('@').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found(&mut enumerator), Vec::<String>::new(), "a folder that is not there yet is empty");
    std::fs::create_dir_all(base.join("in/zürich")).unwrap();
    for name in ["in/part-1.json", "in/part-10.json", "in/zürich/a.json"] {
        std::fs::write(base.join(name), json_lines(0..1)).unwrap();
    }
    assert_eq!(found(&mut enumerator), ["in/part-1.json", "in/part-10.json", "in/zürich/a.json"]);
    assert_eq!(found(&mut enumerator), Vec::<String>::new());
    let snapshot = enumerator.snapshot();
    std::fs::write(base.join("in/part-2.json"), json_lines(0..1)).unwrap();
    std::fs::write(base.join("in/zürich/ö.json"), json_lines(0..1)).unwrap();
    let mut restored = source.enumerator().unwrap();
    restored.restore(&snapshot).unwrap();
    assert_eq!(restored.snapshot(), snapshot);
    assert_eq!(found(&mut restored), ["in/part-2.json", "in/zürich/ö.json"]);
    assert!(matches!(restored.restore(&[9, 9]), Err(ConnectorError::Position { .. })));
}

#[test]
fn a_table_that_was_bounded_and_is_watched_now_goes_on_with_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    let options = [("path", "."), ("format", "json")];
    let watched = source(base, &[&options[..], &[("source.monitor-interval", "1 s")]].concat()).unwrap();
    let bounded = source(base, &options).unwrap();
    std::fs::write(base.join("a.json"), json_lines(0..1)).unwrap();
    let mut first = bounded.enumerator().unwrap();
    assert_eq!(first.discover().unwrap().splits.len(), 1);
    std::fs::write(base.join("b.json"), json_lines(1..2)).unwrap();
    let found = |source: &dyn Source| {
        let mut enumerator = source.enumerator().unwrap();
        enumerator.restore(&first.snapshot()).unwrap();
        let Discovery { splits, is_complete } = enumerator.discover().unwrap();
        let names: Vec<String> =
            splits.iter().map(|s| s.split.0.rsplit('/').next().unwrap().to_owned()).collect();
        (names.join(" "), is_complete)
    };
    assert_eq!(found(bounded.as_ref()), (String::new(), true));
    assert_eq!(found(watched.as_ref()), ("b.json@0..33".to_owned(), false));
}

#[test]
fn names_of_files_are_remembered_in_few_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    for number in 0..1_000 {
        std::fs::write(base.join(format!("part-2024-01-01-{number:07}.json")), "").unwrap();
    }
    let watched = source(base, &[("path", "."), ("format", "json"), ("source.monitor-interval", "1 s")]);
    let mut enumerator = watched.unwrap().enumerator().unwrap();
    assert_eq!(enumerator.discover().unwrap().splits.len(), 1_000);
    let bytes = enumerator.snapshot().len();
    assert!(bytes < 9 * 1_000, "{bytes} bytes for 1,000 names");
}
