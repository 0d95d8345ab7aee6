//! Workers that do not speak as they should, and one that does.

use millstream_model::Attempt;
use millstream_proto::dial;
use tonic::Code;

use super::*;
use crate::control::HandleOnly;
use crate::handle::Asked;
use crate::status::JobStatus;

/// A desk, and what its job sees.
struct Office {
    address: String,
    joining: mpsc::Receiver<WorkerLink>,
    reports: mpsc::Receiver<Report>,
    _over: watch::Sender<Option<JobOutcome>>,
    _asked: Asked,
}

impl Office {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (join, joining) = mpsc::channel(8);
        let (report, reports) = mpsc::channel(8);
        let (over, is_over) = watch::channel(None);
        let (handle, asked) = JobHandle::new(JobStatus { generation: Generation(3), ..JobStatus::default() });
        let settings = DeskSettings {
            document: b"the job".to_vec(),
            joining: join,
            reports: report,
            handle,
            compiler: Arc::new(HandleOnly),
            savepoints: Arc::new(HandleOnly),
            over: is_over,
            security: Security::Plaintext,
            silence: Duration::from_secs(60),
        };
        tokio::spawn(serve(listener, settings));
        Self { address, joining, reports, _over: over, _asked: asked }
    }

    /// Says all of this, and waits for the end of what is answered.
    async fn hear(&self, messages: Vec<FromWorker>) -> (Vec<ToWorker>, Status) {
        let dialed = dial(&self.address, &Security::Plaintext, None).await.unwrap();
        let mut client = millstream_proto::WorkersClient::new(dialed.channel);
        let (said, stream) = mpsc::channel(8);
        for message in messages {
            said.send(message).await.unwrap();
        }
        let mut answers = match client.work(ReceiverStream::new(stream)).await {
            Ok(answers) => answers.into_inner(),
            Err(status) => return (Vec::new(), status),
        };
        let mut heard = Vec::new();
        loop {
            match answers.message().await {
                Ok(Some(message)) => heard.push(message),
                Ok(None) => return (heard, Status::ok("")),
                Err(status) => return (heard, status),
            }
        }
    }
}

fn message(message: FromWorkerMessage) -> FromWorker {
    FromWorker { message: Some(message) }
}

fn hello(version: &str) -> FromWorker {
    let (name, address) = ("w1".into(), "127.0.0.1:1".into());
    message(FromWorkerMessage::Hello(Hello { version: version.into(), name, address }))
}

fn report(report: &Report) -> FromWorker {
    message(FromWorkerMessage::Report(encode(report).unwrap()))
}

fn cancelled(worker: WorkerId) -> FromWorker {
    report(&Report::Cancelled { attempt: Attempt(1), worker })
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[tokio::test]
async fn whoever_says_something_else_than_who_it_is_gets_no_number() {
    let mut office = Office::open().await;
    let first = "a worker says first who it is";
    let other = format!(
        "this coordinator is millstream {VERSION}, worker w1 is 9.9.9: all processes of a job are of one version"
    );
    let table: Vec<(Vec<FromWorker>, &str)> = vec![
        (vec![cancelled(1)], first),
        (vec![message(FromWorkerMessage::Report(b"garbage".to_vec()))], first),
        (vec![FromWorker { message: None }], first),
        (vec![hello("9.9.9")], &other),
        (vec![hello("")], "this coordinator is millstream"),
    ];
    for (said, expected) in table {
        let (heard, status) = office.hear(said).await;
        assert!(heard.is_empty(), "{heard:?}");
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert!(status.message().starts_with(expected), "{status:?} instead of {expected}");
    }
    assert!(office.joining.try_recv().is_err() && office.reports.try_recv().is_err());
}

#[tokio::test]
async fn whoever_says_what_it_should_not_is_believed_nothing_more_and_told_why() {
    let mut office = Office::open().await;
    let table: Vec<(FromWorker, &str)> = vec![
        (hello(VERSION), "it said who it is again"),
        (FromWorker { message: None }, "it said who it is again"),
        (message(FromWorkerMessage::Report(b"garbage".to_vec())), "a message cannot be read: "),
        (message(FromWorkerMessage::Report(Vec::new())), "a message cannot be read: "),
        (cancelled(77), "it says that it is worker 77"),
    ];
    for (number, (wrong, expected)) in (1..).zip(table) {
        let (heard, status) =
            office.hear(vec![hello(VERSION), cancelled(number), wrong, cancelled(number)]).await;
        assert!(
            matches!(heard[0].message, Some(ToWorkerMessage::Welcome(Welcome { worker, .. })) if worker == number)
        );
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert!(status.message().starts_with(expected), "{status:?} instead of {expected}");
        let link = office.joining.recv().await.unwrap();
        assert_eq!(link.worker, number);
        assert!(
            matches!(office.reports.recv().await, Some(Report::Cancelled { worker, .. }) if worker == number)
        );
        // Its connection is over, which the job notices by that.
        link.sender.closed().await;
        assert!(office.reports.try_recv().is_err(), "what it said afterwards is not heard");
    }
}
