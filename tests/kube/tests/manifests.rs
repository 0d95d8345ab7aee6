//! Manifests as users apply them: the good ones of `operator/api` and of the examples, and every bad one, with the words in which
//! `kubectl apply` refuses it.
//!
//! `answers/manifests.txt` has the words. `MILLSTREAM_RECORD=1 cargo test --workspace --test kube` writes it again; read what changed
//! before you commit it: it is what a user gets to see.

use std::collections::BTreeMap;
use std::fs;

use millstream_test_kube::{ControlPlane, checkout};

const BAD: &str = "operator/api/tests/bad";
const ANSWERS: &str = "tests/kube/answers/manifests.txt";

fn read(path: &str) -> String {
    fs::read_to_string(checkout().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// For each file, what an API server does with it (`unread`, `refuse` or `accept`), and the paths that the reader of manifests
/// names, as `operator/api/tests/bad/EXPECTED` says.
fn expectations() -> BTreeMap<String, (String, Vec<String>)> {
    let mut found: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for row in read(&format!("{BAD}/EXPECTED")).lines().filter(|line| !line.starts_with('#')) {
        let (word, rest) = row.split_once(' ').unwrap();
        let (place, complaint) = rest.split_once(": ").unwrap();
        let path = complaint.split(": ").next().unwrap();
        let entry = found.entry(place.split(':').next().unwrap().to_owned()).or_default();
        word.clone_into(&mut entry.0);
        entry.1.push(path.to_owned());
    }
    found
}

/// The file of answers: `== NAME`, then the answer, for each.
fn recorded() -> BTreeMap<String, String> {
    let text = fs::read_to_string(checkout().join(ANSWERS)).unwrap_or_default();
    let part = |part: &str| {
        part.split_once('\n').map(|(name, answer)| (name.to_owned(), answer.trim_end().to_owned()))
    };
    text.split("== ").skip(1).filter_map(part).collect()
}

fn record(answers: &BTreeMap<String, String>) {
    let mut text = "# What `kubectl apply` says to each manifest of operator/api/tests/bad that reaches an API server.\n\n".to_owned();
    for (name, answer) in answers {
        text.push_str(&format!("== {name}\n{answer}\n\n"));
    }
    fs::create_dir_all(checkout().join(ANSWERS).parent().unwrap()).unwrap();
    fs::write(checkout().join(ANSWERS), text.trim_end().to_owned() + "\n").unwrap();
}

/// What `kubectl apply` says, without keeping the object.
fn answers() -> BTreeMap<String, (bool, String)> {
    let kubectl = ControlPlane::shared().kubectl();
    let reach_the_server = expectations().into_iter().filter(|(_, (word, _))| word != "unread");
    let answer = |(file, _): (String, _)| {
        let path = format!("{BAD}/{file}");
        let answer = kubectl.run(["apply", "--dry-run=server", "-f", &path]);
        (file, (answer.success, (answer.output + &answer.errors).trim_end().to_owned()))
    };
    reach_the_server.map(answer).collect()
}

#[test]
fn bad_manifests_are_refused_in_the_recorded_words() {
    let found = answers();
    let texts: BTreeMap<_, _> = found.iter().map(|(file, (_, text))| (file.clone(), text.clone())).collect();
    if std::env::var_os("MILLSTREAM_RECORD").is_some() {
        record(&texts);
    }
    let recorded = recorded();
    let mut wrong = Vec::new();
    for (file, (word, paths)) in expectations().iter().filter(|(_, (word, _))| word != "unread") {
        let (accepted, text) = &found[file];
        if *accepted != (word == "accept") {
            wrong.push(format!("{file}: EXPECTED says {word}, the API server: {text}"));
        }
        if recorded.get(file) != Some(text) {
            wrong.push(format!("{file}: recorded is {:?}, the API server says: {text}", recorded.get(file)));
        }
        // A field at fault is named, or the object that holds it.
        let is_named = |path: &String| {
            let (object, field) = path.split('[').next().unwrap().rsplit_once('.').unwrap_or((path, path));
            text.contains(object) || text.contains(field)
        };
        if word == "refuse" && !paths.iter().any(is_named) {
            wrong.push(format!("{file}: none of {paths:?} is named: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(recorded.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
    assert!(found.values().filter(|(accepted, _)| !accepted).count() >= 80);
}

#[test]
fn good_manifests_and_examples_are_accepted_without_a_warning() {
    let space = ControlPlane::shared().namespace("good");
    let mut files = Vec::new();
    for (folder, name) in [("operator/api/tests/good", None), ("examples", Some("streamjob.yaml"))] {
        for entry in fs::read_dir(checkout().join(folder)).unwrap() {
            let path = name
                .map_or_else(|| entry.as_ref().unwrap().path(), |n| entry.as_ref().unwrap().path().join(n));
            files.push(path);
        }
    }
    assert!(files.len() >= 5);
    for path in files {
        let text = in_namespace(&fs::read_to_string(&path).unwrap(), space.namespace());
        let answer = space.apply(&text);
        assert_eq!(answer.errors, "", "{}", path.display());
        assert!(
            answer.output.starts_with("streamjob.millstream.dev/") && answer.output.ends_with(" created\n"),
            "{answer:?}"
        );
        // The second time nothing changes: what is stored is what was sent. What names a version of the object is sent once.
        if !text.contains("resourceVersion:") {
            let again = space.apply(&text).succeeded();
            assert!(again.ends_with(" unchanged\n"), "{}: {again}", path.display());
        }
    }
}

/// A manifest of some other namespace, in ours.
fn in_namespace(text: &str, namespace: &str) -> String {
    let line = |line: &str| match line.trim_start().strip_prefix("namespace: ") {
        Some(_) => format!("  namespace: {namespace}\n"),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}
