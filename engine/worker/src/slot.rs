//! A slot: one thread with a current-thread runtime, holding one subtask of every chain.

use std::panic::AssertUnwindSafe;
use std::thread::JoinHandle;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use millstream_model::{ErrorKind, JobError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::error::TaskError;

/// Builds a task's future on the slot's thread; tasks are not `Send`.
pub(crate) type TaskBuilder = Box<dyn FnOnce() -> LocalBoxFuture<'static, Result<(), TaskError>> + Send>;

/// A task to run until it ends or is cancelled, and whom to tell.
pub(crate) struct SlotTask {
    pub(crate) build: TaskBuilder,
    pub(crate) cancelled: CancellationToken,
    /// Called once with the outcome: `None` when it was cancelled.
    pub(crate) done: Box<dyn FnOnce(Option<Result<(), JobError>>) + Send>,
}

/// Handle of a slot's thread. The thread ends when the handle is dropped and its tasks are done, which nobody waits for: they may
/// hang.
pub(crate) struct Slot {
    tasks: mpsc::UnboundedSender<SlotTask>,
    thread: JoinHandle<()>,
}

impl Slot {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread left, or a runtime cannot be built.
    pub(crate) fn start(index: u32) -> std::io::Result<Self> {
        // Bounded by the number of chains of the job: tasks enter only by deployment.
        let (tasks, mut incoming) = mpsc::unbounded_channel::<SlotTask>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name(format!("slot-{index}")).spawn(move || {
            let local = tokio::task::LocalSet::new();
            local.spawn_local(async move {
                while let Some(task) = incoming.recv().await {
                    tokio::task::spawn_local(run(task));
                }
            });
            runtime.block_on(local);
            // Reading a file that hangs is not a reason to stay.
            runtime.shutdown_background();
        })?;
        Ok(Self { tasks, thread })
    }

    pub(crate) fn spawn(&self, task: SlotTask) {
        // The thread is alive as long as the handle.
        let _ = self.tasks.send(task);
    }

    /// Waits until the thread has ended.
    pub(crate) fn join(self) {
        drop(self.tasks);
        let _ = self.thread.join();
    }
}

async fn run(task: SlotTask) {
    let future = AssertUnwindSafe(async move { (task.build)().await }).catch_unwind();
    let outcome = tokio::select! {
        biased;
        () = task.cancelled.cancelled() => None,
        result = future => Some(match result {
            Ok(result) => result.map_err(TaskError::into_job_error),
            Err(panic) => Err(JobError::new(ErrorKind::Bug, format!("a task panicked: {}; this is a bug in Millstream", text_of(&*panic)))),
        }),
    };
    (task.done)(outcome);
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
