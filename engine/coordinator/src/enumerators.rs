//! The search for splits: one enumerator a source, started anew for each attempt, each on a thread that may block.

use std::collections::BTreeMap;
use std::sync::Arc;

use millstream_connectors::ConnectorError;
use millstream_connectors::source::{Discovery, Enumerator, Source};
use millstream_jobmaster::Event;
use millstream_model::{Attempt, ErrorKind, JobError, OperatorUid};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};

/// The enumerators of the attempt under way.
pub(crate) struct Enumerators {
    sources: BTreeMap<OperatorUid, Arc<dyn Source>>,
    events: mpsc::Sender<Event>,
    running: JoinSet<()>,
}

impl Enumerators {
    /// None runs yet. What they find goes to `events`.
    pub(crate) fn new(sources: BTreeMap<OperatorUid, Arc<dyn Source>>, events: mpsc::Sender<Event>) -> Self {
        Self { sources, events, running: JoinSet::new() }
    }

    /// Starts the search of one source, from what it remembered or from nothing.
    pub(crate) fn start(&mut self, attempt: Attempt, uid: OperatorUid, state: Option<Vec<u8>>) {
        let source = self.sources.get(&uid).cloned();
        let events = self.events.clone();
        self.running.spawn(async move {
            let outcome = match source {
                Some(source) => search(source, attempt, &uid, state, &events).await,
                None => Err(JobError::new(ErrorKind::Bug, "the job was given no such source")),
            };
            if let Err(error) = outcome {
                // The driver may be gone; then nobody needs to know.
                let _ = events.send(Event::EnumeratorFailed { attempt, source: uid, error }).await;
            }
        });
    }

    /// Ends every search. A call that blocks ends by itself; what it finds is dropped.
    pub(crate) fn stop(&mut self) {
        self.running.abort_all();
    }
}

async fn search(
    source: Arc<dyn Source>,
    attempt: Attempt,
    uid: &OperatorUid,
    state: Option<Vec<u8>>,
    events: &mpsc::Sender<Event>,
) -> Result<(), JobError> {
    let mut enumerator = blocking(move || opened(source.as_ref(), state.as_deref())).await?;
    let mut told: Option<Vec<u8>> = None;
    loop {
        let (searched, found) = blocking(move || {
            let found = enumerator.discover()?;
            Ok((enumerator, found))
        })
        .await?;
        enumerator = searched;
        let Discovery { splits, is_complete } = found;
        let memory = enumerator.snapshot();
        if is_complete || !splits.is_empty() || told.as_ref() != Some(&memory) {
            told = Some(memory.clone());
            let event = Event::SplitsDiscovered {
                attempt,
                source: uid.clone(),
                splits,
                enumerator: memory,
                no_more: is_complete,
            };
            if events.send(event).await.is_err() || is_complete {
                return Ok(());
            }
        }
        tokio::time::sleep(enumerator.interval()).await;
    }
}

fn opened(source: &dyn Source, state: Option<&[u8]>) -> Result<Box<dyn Enumerator>, ConnectorError> {
    let mut enumerator = source.enumerator()?;
    if let Some(state) = state {
        enumerator.restore(state)?;
    }
    Ok(enumerator)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ConnectorError> + Send + 'static,
) -> Result<T, JobError> {
    match spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(JobError::new(error.kind(), error.to_string())),
        Err(panicked) => Err(JobError::new(ErrorKind::Bug, format!("the connector failed: {panicked}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{FakeSource, names, uid};

    async fn next(events: &mut mpsc::Receiver<Event>) -> String {
        match events.recv().await {
            Some(Event::SplitsDiscovered { splits, enumerator, no_more, .. }) => {
                format!(
                    "{}/{}{}",
                    names(&splits),
                    String::from_utf8_lossy(&enumerator),
                    if no_more { "!" } else { "" }
                )
            }
            other => format!("{other:?}"),
        }
    }

    fn enumerators(source: FakeSource) -> (Enumerators, mpsc::Receiver<Event>) {
        let (events, receiver) = mpsc::channel(16);
        let source: Arc<dyn Source> = Arc::new(source);
        (Enumerators::new([(uid("src"), source)].into(), events), receiver)
    }

    #[tokio::test]
    async fn a_search_tells_what_it_finds_with_what_it_remembers() {
        let (mut enumerators, mut events) = enumerators(FakeSource::new(&["a b", "", "c"], true));
        enumerators.start(Attempt(1), uid("src"), None);
        assert_eq!(next(&mut events).await, "a,b/2");
        assert_eq!(next(&mut events).await, "c/3!");
    }

    #[tokio::test]
    async fn a_restored_search_does_not_repeat_itself() {
        let (mut enumerators, mut events) = enumerators(FakeSource::new(&["a b", "c"], true));
        enumerators.start(Attempt(2), uid("src"), Some(b"2".to_vec()));
        assert_eq!(next(&mut events).await, "/2", "nothing new, but it says what it remembers");
        assert_eq!(next(&mut events).await, "c/3!");
    }

    #[tokio::test]
    async fn failures_name_the_source_and_keep_their_kind() {
        let (mut enumerators, mut events) = enumerators(FakeSource::broken());
        enumerators.start(Attempt(1), uid("src"), None);
        enumerators.start(Attempt(1), uid("other"), None);
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let Some(Event::EnumeratorFailed { source, error, .. }) = events.recv().await else { panic!() };
            kinds.push((source.0, error.kind));
        }
        kinds.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(kinds, [("other".into(), ErrorKind::Bug), ("src".into(), ErrorKind::Transient)]);
    }

    #[tokio::test]
    async fn a_stopped_search_is_silent() {
        let (mut enumerators, mut events) = enumerators(FakeSource::new(&["a", "", "", "b"], false));
        enumerators.start(Attempt(1), uid("src"), None);
        assert_eq!(next(&mut events).await, "a/1");
        enumerators.stop();
        drop(enumerators);
        assert_eq!(events.recv().await, None);
    }
}
