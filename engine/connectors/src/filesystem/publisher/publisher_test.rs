use std::sync::Mutex;
use std::time::Duration;

use millstream_model::OperatorUid;
use millstream_model::snapshot::{ObjectRef, StagedSegment};
use millstream_storage::MemoryStorage;
use millstream_storage::fault::{Fault, FaultPlan, FaultStorage};

use super::*;
use crate::conformance::staged_sink::{self, StagedObjects, StagedSinkUnderTest, TargetFault};
use crate::filesystem::sink_over;
use crate::sink::Sink;
use crate::table::TableConfig;
use crate::test_table::table;

const IMPATIENT: Patience = Patience {
    attempts: 2,
    call_deadline: Duration::from_secs(5),
    first_pause: Duration::from_millis(1),
    longest_pause: Duration::from_millis(1),
};

/// The file sink over memory, with one of the two formats.
struct FilesUnderTest {
    format: &'static str,
    store: MemoryStorage,
    newest: Mutex<Option<Arc<FaultStorage>>>,
    patience: Patience,
}

impl FilesUnderTest {
    fn new(format: &'static str, patience: Patience) -> Self {
        Self { format, store: MemoryStorage::new(), newest: Mutex::new(None), patience }
    }

    fn table(&self) -> TableConfig {
        let mut config = table("out", &[], &[("path", "out"), ("format", self.format)]);
        config.schema = staged_sink::schema();
        config
    }
}

#[async_trait]
impl StagedSinkUnderTest for FilesUnderTest {
    fn reset(&mut self) {
        self.store = MemoryStorage::new();
    }

    fn sink(&self) -> Arc<dyn Sink> {
        sink_over(&self.table(), Arc::new(self.store.clone())).unwrap()
    }

    fn publisher(&self, fault: Option<(u64, TargetFault)>) -> Box<dyn Publisher> {
        let plan = fault.map_or_else(FaultPlan::none, |(number, fault)| {
            let fault = match fault {
                TargetFault::CrashBefore => Fault::CrashBefore,
                TargetFault::CrashAfter => Fault::CrashAfter,
                TargetFault::Lost => Fault::NotApplied,
                TargetFault::AppliedUnheard => Fault::Applied,
            };
            FaultPlan::at(number, fault)
        });
        let storage = Arc::new(FaultStorage::new(Arc::new(self.store.clone()), plan));
        *self.newest.lock().unwrap() = Some(storage.clone());
        let extension = if self.format == "json" { "json" } else { "csv" };
        Box::new(FilePublisher::new("out", extension, storage).with_patience(self.patience))
    }

    fn calls(&self) -> u64 {
        self.newest.lock().unwrap().as_ref().map_or(0, |s| s.calls())
    }

    /// Reads the files without anything of the sink's.
    async fn visible(&self) -> Vec<i64> {
        let mut ids = Vec::new();
        for object in self.store.list("").await.unwrap() {
            if object.key.split('/').any(|part| part.starts_with('_')) {
                continue;
            }
            let body = String::from_utf8(self.store.get(&object.key).await.unwrap().to_vec()).unwrap();
            if self.format == "json" {
                let id = |line: &str| {
                    serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_i64().unwrap()
                };
                ids.extend(body.lines().map(id));
            } else {
                ids.extend(body.lines().filter_map(|l| l.split_once(",\"row ")?.0.parse::<i64>().ok()));
            }
        }
        ids
    }
}

#[tokio::test]
async fn files_of_json_conform() {
    staged_sink::run(&mut FilesUnderTest::new("json", IMPATIENT)).await;
}

#[tokio::test]
async fn files_of_csv_conform() {
    // A publisher that gives up at once leaves more to its successor.
    staged_sink::run(&mut FilesUnderTest::new("csv", IMPATIENT.once())).await;
}

struct Text;

#[async_trait]
impl StagedReader for Text {
    async fn read(&self, object: &ObjectRef) -> Result<Bytes, String> {
        if object.key == "gone" {
            Err("there is no object gone".to_owned())
        } else {
            Ok(object.key.clone().into())
        }
    }
}

/// An output whose segments hold their own keys.
fn output(id: &str, partition: &str, segments: &[&str]) -> StagedOutput {
    let segment = |text: &&str| StagedSegment {
        sink: OperatorUid("out".to_owned()),
        slot: 0,
        partition: partition.to_owned(),
        object: ObjectRef { key: (*text).to_owned(), length: text.len() as u64, checksum: 0 },
        rows: 1,
        closed_at_ms: 0,
    };
    StagedOutput {
        id: id.to_owned(),
        slot: 0,
        partition: partition.to_owned(),
        segments: segments.iter().map(segment).collect(),
    }
}

fn publisher(store: &MemoryStorage) -> FilePublisher {
    FilePublisher::new("out", "json", Arc::new(store.clone())).with_patience(IMPATIENT)
}

async fn keys(store: &MemoryStorage) -> Vec<String> {
    store.list("").await.unwrap().into_iter().map(|o| o.key).collect()
}

#[tokio::test]
async fn files_have_fixed_names_and_a_list_per_epoch() {
    let store = MemoryStorage::new();
    let mut publisher = publisher(&store);
    publisher.set_owner("default.demo.local#1");
    let outputs = [output("7-2-0-0", "", &["a", "b"]), output("7-2-0-1", "day=2024-01-01/who=x%2Fy", &["c"])];
    publisher.publish(Epoch(4), &outputs, &Text).await.unwrap();
    assert_eq!(
        keys(&store).await,
        [
            "_millstream/out/epoch-00000000000000000004",
            "day=2024-01-01/who=x%2Fy/part-7-2-0-1.json",
            "part-7-2-0-0.json"
        ]
    );
    assert_eq!(store.get("part-7-2-0-0.json").await.unwrap(), "ab");
    assert_eq!(
        store.get("_millstream/out/epoch-00000000000000000004").await.unwrap(),
        "{\"version\":1,\"sink\":\"out\",\"owner\":\"default.demo.local#1\",\"epoch\":4,\"files\":[\
         {\"file\":\"part-7-2-0-0.json\",\"bytes\":2,\"rows\":2},\
         {\"file\":\"day=2024-01-01/who=x%2Fy/part-7-2-0-1.json\",\"bytes\":1,\"rows\":1}]}\n"
    );
}

#[tokio::test]
async fn empty_epochs_leave_one_record() {
    let store = MemoryStorage::new();
    let mut publisher = publisher(&store);
    publisher.publish(Epoch(1), &[output("1-1-0-0", "", &["a"])], &Text).await.unwrap();
    for epoch in 2..20 {
        publisher.publish(Epoch(epoch), &[], &Text).await.unwrap();
    }
    assert_eq!(
        keys(&store).await,
        [
            "_millstream/out/epoch-00000000000000000001",
            "_millstream/out/epoch-00000000000000000019",
            "part-1-1-0-0.json"
        ]
    );
    // Whoever starts now finds the newest, and removes it when there is a newer one.
    let mut next = super::FilePublisher::new("out", "json", Arc::new(store.clone()));
    assert_eq!(next.progress().await.unwrap(), Some(Epoch(19)));
    next.publish(Epoch(20), &[], &Text).await.unwrap();
    assert_eq!(keys(&store).await.len(), 3);
}

#[tokio::test]
async fn output_of_others_is_found_and_said() {
    let afresh = "the folder belongs to another job, or to this one before it was started afresh; write to another path, or \
                  remove that output";
    let store = MemoryStorage::new();
    let mut first = publisher(&store);
    first.set_owner("default.demo.local#1");
    first.publish(Epoch(5), &[output("3-1-0-0", "", &["a"])], &Text).await.unwrap();

    // A job that starts afresh has lower epochs, which must not count as published.
    let mut other = publisher(&store);
    let error = other.publish(Epoch(2), &[output("1-1-0-0", "", &["b"])], &Text).await.unwrap_err();
    let says = "memory:// is at epoch 5 already, with 0 files of epoch 2 where this job has 1 others";
    assert_eq!(
        error.to_string(),
        format!("table `out`: the target refuses the output of epoch 2: {says}: {afresh}")
    );
    assert_eq!(error.kind(), millstream_model::ErrorKind::State);

    let error = other.publish(Epoch(5), &[output("9-1-0-0", "", &["b"])], &Text).await.unwrap_err();
    let says = "memory:// is at epoch 5 already, with 1 files of epoch 5 where this job has 1 others";
    assert_eq!(
        error.to_string(),
        format!("table `out`: the target refuses the output of epoch 5: {says}: {afresh}")
    );

    // The same name with other content.
    let error = other.publish(Epoch(6), &[output("3-1-0-0", "", &["b"])], &Text).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "table `out`: the target refuses the output of epoch 6: memory:///part-3-1-0-0.json exists with other content: it \
         belongs to another job, or to this one before it was started afresh; write to another path, or remove that output"
    );

    let mut stranger = publisher(&store);
    stranger.set_owner("default.demo.local#2");
    let error = stranger.progress().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "table `out`: the target refuses the output of epoch 5: memory:///_millstream/out/epoch-00000000000000000005 belongs \
         to `default.demo.local#1`, and this is `default.demo.local#2`: another job, or this one before it was started afresh; \
         write to another path, or remove that output"
    );
}

#[tokio::test]
async fn damaged_records_are_found_and_said() {
    let store = MemoryStorage::new();
    publisher(&store).publish(Epoch(5), &[], &Text).await.unwrap();
    let key = "_millstream/out/epoch-00000000000000000005";
    let record = |epoch: u64, sink: &str| {
        let record = ProgressRecord {
            version: 1,
            sink: sink.to_owned(),
            owner: String::new(),
            epoch,
            files: Vec::new(),
        };
        Bytes::from(record.encode())
    };
    let table = [
        (
            Bytes::from("{"),
            "not a progress record: EOF while parsing an object at line 1 column 1; restore it or write to another path",
        ),
        (record(4, "out"), "is about epoch 4 of `out`; somebody moved it; write to another path"),
        (record(5, "in"), "is about epoch 5 of `in`; somebody moved it; write to another path"),
    ];
    for (body, message) in table {
        store.damage(key, Some(body));
        let error = publisher(&store).progress().await.unwrap_err().to_string();
        assert!(error.ends_with(message), "{error}");
        assert!(error.contains(key), "{error}");
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_a_passing_fault() {
    let store = Arc::new(FaultStorage::new(
        Arc::new(MemoryStorage::new()),
        FaultPlan::at(2, Fault::NotApplied).and_at(3, Fault::NotApplied),
    ));
    let mut publisher = FilePublisher::new("out", "json", store).with_patience(IMPATIENT);
    let error = publisher.publish(Epoch(1), &[output("1-1-0-0", "", &["a"])], &Text).await.unwrap_err();
    assert_eq!(error.kind(), millstream_model::ErrorKind::Transient);
    assert!(
        error.to_string().starts_with("table `out`: no definite answer to create part-1-1-0-0.json in"),
        "{error}"
    );
    publisher.publish(Epoch(1), &[output("1-1-0-0", "", &["a"])], &Text).await.unwrap();
}

#[tokio::test]
async fn lost_staged_output_is_named() {
    let mut publisher = publisher(&MemoryStorage::new());
    let error = publisher.publish(Epoch(1), &[output("1-1-0-0", "", &["gone"])], &Text).await.unwrap_err();
    assert_eq!(error.to_string(), "table `out`: cannot read the staged output gone: there is no object gone");
    let _ = StagedObjects::default();
}
