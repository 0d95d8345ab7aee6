//! Lines that containers wrote, with the time at which containerd read each.
//!
//! A kubelet deletes the log of a pod with the pod, and rotates that of a long one. So each file gets a second name, a hard link, as soon as
//! it is there: what is written to it after that is kept, whatever becomes of the first name.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tempfile::TempDir;

/// How often new files are looked for. A container lives longer.
const LOOK: Duration = Duration::from_millis(200);

/// A line on standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it was read.
    pub at: DateTime<Utc>,
    /// Without its end.
    pub text: String,
}

/// All logs of a job's workers, also of those that are gone.
pub struct Logs {
    folder: Arc<TempDir>,
    is_over: Arc<AtomicBool>,
    collector: Option<JoinHandle<()>>,
}

impl Logs {
    /// Keeps the logs of pods whose names begin like this, in a namespace; `homes` are the nodes' folders. The links lie beside them, since
    /// both names must be on one file system.
    pub fn keep(homes: Vec<PathBuf>, namespace: &str, pods: &str) -> Self {
        let folder = Arc::new(tempfile::tempdir_in(homes[0].parent().unwrap()).unwrap());
        let is_over = Arc::new(AtomicBool::new(false));
        let begin = format!("{namespace}_{pods}");
        let collector = thread::spawn({
            let (folder, is_over) = (Arc::clone(&folder), Arc::clone(&is_over));
            move || {
                while !is_over.load(Ordering::Relaxed) {
                    homes.iter().for_each(|home| link_all(home, &begin, folder.path()));
                    thread::sleep(LOOK);
                }
            }
        });
        Self { folder, is_over, collector: Some(collector) }
    }

    /// Every line so far that `print` wrote, by time.
    ///
    /// # Panics
    /// If a log is not one of containerd.
    pub fn printed(&self) -> Vec<Line> {
        let files = fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path());
        let mut lines: Vec<Line> = files
            .flat_map(|file| {
                let text = fs::read_to_string(file).unwrap();
                text.lines().filter_map(line).collect::<Vec<_>>()
            })
            .collect();
        lines.sort_by_key(|line| line.at);
        lines
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(collector) = self.collector.take() {
            let _ = collector.join();
        }
    }
}

/// `NAMESPACE_POD_UID/CONTAINER/N.log`. What vanishes meanwhile was linked before.
fn link_all(home: &Path, begin: &str, to: &Path) {
    let entries =
        |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_wanted =
        |pod: &PathBuf| pod.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin));
    for log in entries(home)
        .filter(is_wanted)
        .flat_map(|pod| entries(&pod).collect::<Vec<_>>())
        .flat_map(|c| entries(&c).collect::<Vec<_>>())
    {
        if let Ok(metadata) = fs::metadata(&log)
            && !log.extension().is_some_and(|end| end == "gz" || end == "tmp")
        {
            let _ = fs::hard_link(&log, to.join(metadata.ino().to_string()));
        }
    }
}

/// `TIME stdout F TEXT` is a whole line on standard output; `P` would be a part of one. Only changes are wanted, not messages.
fn line(text: &str) -> Option<Line> {
    let mut words = text.splitn(4, ' ');
    let (at, stream, whole, text) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let is_change = stream == "stdout"
        && whole == "F"
        && text.ends_with(']')
        && text.contains('[')
        && !text.starts_with('{');
    let at = DateTime::parse_from_rfc3339(at).unwrap().with_timezone(&Utc);
    is_change.then(|| Line { at, text: text.to_owned() })
}

/// The longest time without a line that began or ended between two moments, in seconds. Lines are in the order of time.
///
/// # Panics
/// If there is no line before or behind both: nothing can be said then.
pub fn longest_pause_s(lines: &[Line], from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    let first = lines.partition_point(|line| line.at <= from);
    let last = lines.partition_point(|line| line.at < to);
    assert!(first > 0 && last < lines.len(), "nothing was printed before {from} or since {to}");
    let pauses = lines[first - 1..=last].windows(2).map(|pair| pair[1].at - pair[0].at);
    pauses.map(|pause| pause.as_seconds_f64()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    #[test]
    fn whole_lines_of_changes_are_read_and_messages_are_not() {
        let read = line("2026-01-01T10:00:00.25Z stdout F 2> +U[3, 17]").unwrap();
        assert_eq!(read, Line { at: at("2026-01-01T10:00:00.25Z"), text: "2> +U[3, 17]".to_owned() });
        assert_eq!(line("2026-01-01T10:00:00.25Z stderr F {\"message\":\"[x]\"}"), None);
        assert_eq!(line("2026-01-01T10:00:00.25Z stdout P 2> +U[3,"), None);
    }

    #[test]
    fn the_longest_pause_counts_those_that_reach_over_the_ends() {
        let lines: Vec<Line> = ["00", "01", "04", "05", "12"]
            .iter()
            .map(|s| Line { at: at(&format!("2026-01-01T10:00:{s}Z")), text: String::new() })
            .collect();
        let pause = |from, to| {
            longest_pause_s(
                &lines,
                at(&format!("2026-01-01T10:00:{from}Z")),
                at(&format!("2026-01-01T10:00:{to}Z")),
            )
        };
        assert_eq!(pause("00", "05"), 3.0);
        assert_eq!(pause("03", "03"), 3.0);
        assert_eq!(pause("04", "06"), 7.0);
    }
}
