//! A process that is watched, signalled, and never outlives its test.

use std::fs::File;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use std::os::unix::process::ExitStatusExt as _;

use tempfile::TempDir;

use super::enough_time::too_early;

/// Nothing that these tests wait for takes longer than this, on a machine that does much else; only a failure waits so long.
pub(crate) const LIMIT: Duration = Duration::from_secs(180);

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// A running process. Its output goes to files, so that it never waits for a reader.
pub(crate) struct Process {
    child: Child,
    what: String,
    started: Instant,
    output: TempDir,
}

/// A process that has ended, and what it said.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    what: String,
    status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    /// Starts a command without a terminal.
    pub(crate) fn start(command: &mut Command) -> Self {
        let output = tempfile::tempdir().unwrap();
        let file = |name| File::create(output.path().join(name)).unwrap();
        command.stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr"));
        let what = format!("{command:?}");
        let child = command.spawn().unwrap_or_else(|e| panic!("{what}: {e}"));
        Self { child, what, started: now(), output }
    }

    /// Time since its start.
    pub(crate) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it printed so far.
    pub(crate) fn stdout(&self) -> String {
        self.text("stdout")
    }

    /// What it said so far.
    pub(crate) fn stderr(&self) -> String {
        self.text("stderr")
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until it is true; `false` if the process ended before.
    pub(crate) fn wait_until(&mut self, limit: Duration, mut is_true: impl FnMut(&Self) -> bool) -> bool {
        let begin = now();
        while self.is_running() {
            if is_true(self) {
                return true;
            }
            assert!(
                begin.elapsed() < limit,
                "{}: nothing within {limit:?}\n{}",
                self.what,
                self.text("stderr")
            );
            thread::sleep(LOOK);
        }
        is_true(self)
    }

    /// Waits for what has to come while the job still reads. One that finished well before is of no use to
    /// [`super::with_enough_time`].
    ///
    /// # Panics
    /// It ended in another way.
    #[track_caller]
    pub(crate) fn wait_amid(&mut self, is_true: impl FnMut(&Self) -> bool) {
        let is_true = self.wait_until(LIMIT, is_true);
        self.goes_on();
        assert!(is_true, "{}: ended too early\n{}", self.what, self.stderr());
    }

    /// A job that finished well has no use for the rest of the attempt.
    #[track_caller]
    pub(crate) fn goes_on(&mut self) {
        let status = self.child.try_wait().unwrap();
        if let Some(ended) = status.map(|status| self.ended(status)) {
            ended.not_finished();
        }
    }

    /// `kill -9` while the job still reads.
    #[track_caller]
    pub(crate) fn kill_amid(self) -> Ended {
        let ended = self.kill();
        ended.not_finished();
        assert!(ended.was_killed_by(9), "{ended}");
        ended
    }

    /// Waits for it to end by itself.
    pub(crate) fn end(self, limit: Duration) -> Ended {
        match self.end_within(limit) {
            Ok(ended) => ended,
            Err(mut process) => {
                let _ = process.child.kill();
                panic!("{}: did not end within {limit:?}\n{}", process.what, process.text("stderr"));
            }
        }
    }

    /// The same, and the process if it does not.
    pub(crate) fn end_within(mut self, limit: Duration) -> Result<Ended, Self> {
        let begin = now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Ok(self.ended(status));
            }
            if begin.elapsed() >= limit {
                return Err(self);
            }
            thread::sleep(LOOK);
        }
    }

    /// `kill -9`. The exit says whether it was the kill that ended it.
    pub(crate) fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        self.ended(status)
    }

    /// Sends a signal by its name: `STOP`, `CONT`, `INT`, `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.id());
        assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success(), "{line}");
    }

    /// The address of `--http 127.0.0.1:0`, once it is there.
    pub(crate) fn address(&mut self) -> String {
        self.told("status on http://", "/")
    }

    /// What it says between these words, once it has said it.
    pub(crate) fn told(&mut self, before: &str, behind: &str) -> String {
        assert!(
            self.wait_until(LIMIT, |p| p.said(before, behind).is_some()),
            "{}: ended without saying `{before}`\n{}",
            self.what,
            self.stderr()
        );
        self.said(before, behind).unwrap()
    }

    /// What it has said so far between these words.
    pub(crate) fn said(&self, before: &str, behind: &str) -> Option<String> {
        let text = self.stderr();
        let (_, rest) = text.split_once(before)?;
        Some(rest.split_once(behind)?.0.to_owned())
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.output.path().join(name)).unwrap()).into_owned()
    }

    fn ended(&self, status: ExitStatus) -> Ended {
        Ended { what: self.what.clone(), status, stdout: self.text("stdout"), stderr: self.text("stderr") }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Whether a signal of this number ended it.
    pub(crate) fn was_killed_by(&self, signal: i32) -> bool {
        self.status.signal() == Some(signal)
    }

    /// Whether the job ended because all of its input was read.
    pub(crate) fn has_finished(&self) -> bool {
        self.status.success() && self.stderr.contains(": finished at epoch ")
    }

    /// For a job that something was to end before it had read everything.
    #[track_caller]
    pub(crate) fn not_finished(&self) -> &Self {
        if self.has_finished() {
            too_early(&self.what);
        }
        self
    }

    /// How it ended: the status and the last line that it said.
    pub(crate) fn last_words(&self) -> String {
        format!("{}: {}", self.status, self.stderr.lines().last().unwrap_or("no word"))
    }

    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn code(&self, expected: i32) -> &Self {
        assert_eq!(self.status.code(), Some(expected), "{self}");
        assert!(!self.stderr.contains("panicked at"), "{self}");
        self
    }

    /// Checks that stderr holds a text.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "`{text}` is missing in {self}");
        self
    }

    /// Checks that stderr does not hold a text.
    #[track_caller]
    pub(crate) fn is_silent_on(&self, text: &str) -> &Self {
        assert!(!self.stderr.contains(text), "`{text}` is in {self}");
        self
    }

    /// Checks that stdout holds a text.
    #[track_caller]
    pub(crate) fn prints(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "`{text}` is missing in {self}");
        self
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, status, stdout, stderr } = self;
        write!(f, "{what}\n{status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// The only clock of these tests.
#[expect(clippy::disallowed_methods, reason = "processes live in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
