//! `SET 'key' = 'value'`: what the compiler itself obeys, what others obey, and what nobody does.
//!
//! Keys are Flink's. Keys without an effect are a warning, not an error, so that scripts run unchanged; keys that would
//! change results in a way that is not there are an error. Example: `SET 'execution.runtime-mode' = 'batch'` is refused, because
//! every job runs as a stream.

use std::collections::BTreeMap;

use datafusion_sql::sqlparser::tokenizer::Span;
use millstream_connectors::options::{parse_bytes, parse_duration};
use millstream_plan::{StateTtl, TtlTime};

use crate::diagnostic::{Problem, did_you_mean};
use crate::dialect::statement::Setting;

const DEFAULT_MAX_PARALLELISM: u32 = 256;
const LARGEST_MAX_PARALLELISM: u32 = 32_768;
/// The same limit as in a manifest.
const LEAST_CHECKPOINT_MS: u64 = 10;

/// The clock by which state expires. Not Flink's: there it is always the wall clock.
const TTL_TIME: &str = "table.exec.state.ttl.time";

/// Keys that are obeyed, here or by what runs the job.
const KEYS: &[&str] = &[
    "parallelism.default",
    "table.exec.resource.default-parallelism",
    "pipeline.max-parallelism",
    "pipeline.auto-watermark-interval",
    "table.local-time-zone",
    "table.exec.source.idle-timeout",
    "table.exec.state.ttl",
    TTL_TIME,
    "table.optimizer.agg-phase-strategy",
    "execution.runtime-mode",
    "execution.checkpointing.interval",
    "execution.checkpointing.timeout",
    "execution.checkpointing.min-pause",
    "state.backend.type",
    "state.backend.rocksdb.memory.fixed-per-slot",
    "taskmanager.memory.task.heap.size",
    "state.backend.local-recovery",
];

/// Prefixes of keys that mean something to Flink and nothing here, and what to do instead.
const FOREIGN: &[(&str, &str)] = &[
    ("pipeline.name", "a job is named by metadata.name, by --name or by its file"),
    ("restart-strategy", "write spec.restart in the job's manifest"),
    (
        "state.",
        "of these, state.backend.type and state.backend.rocksdb.memory.fixed-per-slot are obeyed; storage is --storage or \
         spec.state in the job's manifest",
    ),
    (
        "execution.checkpointing.",
        "of these, interval, timeout and min-pause are obeyed; the others are in spec.checkpoint",
    ),
    ("table.exec.mini-batch.", "rows are always taken in batches, and results do not depend on it"),
    ("table.dynamic-table-options.", "write the option where the table is created"),
    ("table.dml-sync", "`run` always waits for the job"),
    ("sql-client.", "the form of a result is -o"),
    ("table.optimizer.", "it only tunes Flink"),
    ("taskmanager.", "of these, taskmanager.memory.task.heap.size is obeyed"),
    ("jobmanager.", "it only tunes Flink"),
    ("rest.", "it only tunes Flink; see --http"),
];

/// The settings of a job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    values: BTreeMap<String, String>,
}

impl Settings {
    /// Sets a key, checked.
    ///
    /// # Errors
    /// Values that do not fit their key. The warning is for keys that have no effect.
    pub(crate) fn set(&mut self, setting: &Setting) -> Result<Option<Problem>, Problem> {
        let (key, value) = (&setting.key.value, &setting.value.value);
        check(key, value).map_err(|(message, help)| {
            Problem::new(setting.value.span, message).label("this value").maybe_help(help)
        })?;
        self.values.insert(key.clone(), value.clone());
        Ok(warning(key, setting.key.span))
    }

    /// Sets a key from outside of the text; it wins over the text.
    ///
    /// # Errors
    /// Values that do not fit their key. The warning is for keys that have no effect.
    pub(crate) fn override_with(&mut self, key: &str, value: &str) -> Result<Option<Problem>, Problem> {
        check(key, value).map_err(|(message, help)| {
            Problem::new(Span::empty(), format!("setting '{key}': {message}")).maybe_help(help)
        })?;
        self.values.insert(key.to_owned(), value.to_owned());
        Ok(warning(key, Span::empty()))
    }

    pub(crate) fn reset(&mut self, key: Option<&str>) {
        match key {
            Some(key) => drop(self.values.remove(key)),
            None => self.values.clear(),
        }
    }

    pub(crate) fn values(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    pub(crate) fn time_zone(&self) -> &str {
        self.values.get("table.local-time-zone").map_or("UTC", String::as_str)
    }

    pub(crate) fn parallelism(&self) -> Option<u32> {
        ["parallelism.default", "table.exec.resource.default-parallelism"]
            .iter()
            .filter_map(|key| self.values.get(*key)?.trim().parse::<u32>().ok())
            .find(|parallelism| *parallelism > 0)
    }

    pub(crate) fn max_parallelism(&self) -> u32 {
        let given = self.values.get("pipeline.max-parallelism").and_then(|value| value.trim().parse().ok());
        given.unwrap_or(DEFAULT_MAX_PARALLELISM)
    }

    pub(crate) fn idle_timeout_ms(&self) -> Option<u64> {
        self.millis("table.exec.source.idle-timeout").filter(|millis| *millis > 0)
    }

    pub(crate) fn watermark_interval_ms(&self) -> u64 {
        self.millis("pipeline.auto-watermark-interval").unwrap_or(0)
    }

    pub(crate) fn one_phase(&self) -> bool {
        self.values
            .get("table.optimizer.agg-phase-strategy")
            .is_some_and(|value| value.eq_ignore_ascii_case("ONE_PHASE"))
    }

    /// How long state outlives its last write where no hint says otherwise.
    pub(crate) fn state_ttl(&self) -> Option<StateTtl> {
        self.state_ttl_of(self.millis("table.exec.state.ttl").unwrap_or(0))
    }

    /// The same for a duration of a hint; `None` if it is 0.
    pub(crate) fn state_ttl_of(&self, millis: u64) -> Option<StateTtl> {
        let is_event = self.values.get(TTL_TIME).is_some_and(|v| v.trim().eq_ignore_ascii_case("event"));
        let time = if is_event { TtlTime::Event } else { TtlTime::Processing };
        (millis > 0).then_some(StateTtl { millis, time })
    }

    fn millis(&self, key: &str) -> Option<u64> {
        self.values.get(key).and_then(|value| millis(value))
    }
}

/// A duration in whole milliseconds; `None` also for one that is none of them: cut to 0 it would mean the opposite.
pub(crate) fn millis(text: &str) -> Option<u64> {
    let duration = parse_duration(text)?;
    let millis = u64::try_from(duration.as_millis()).ok()?;
    (millis > 0 || duration.is_zero()).then_some(millis)
}

fn check(key: &str, value: &str) -> Result<(), (String, Option<String>)> {
    let number = |low: u32, high: u32| match value.trim().parse::<u32>() {
        Ok(n) if (low..=high).contains(&n) => Ok(()),
        _ => Err((format!("must be a whole number between {low} and {high}"), None)),
    };
    match key {
        "parallelism.default" => number(1, LARGEST_MAX_PARALLELISM),
        "table.exec.resource.default-parallelism" if value.trim() == "-1" => Ok(()),
        "table.exec.resource.default-parallelism" => number(1, LARGEST_MAX_PARALLELISM),
        "pipeline.max-parallelism" => number(1, LARGEST_MAX_PARALLELISM),
        "execution.checkpointing.interval" | "execution.checkpointing.timeout"
            if millis(value).is_some_and(|millis| millis < LEAST_CHECKPOINT_MS) =>
        {
            Err((format!("must be at least {LEAST_CHECKPOINT_MS} ms"), None))
        }
        "pipeline.auto-watermark-interval"
        | "table.exec.source.idle-timeout"
        | "table.exec.state.ttl"
        | "execution.checkpointing.interval"
        | "execution.checkpointing.timeout"
        | "execution.checkpointing.min-pause" => match millis(value) {
            Some(_) => Ok(()),
            None => Err((
                "must be a duration, 0 or at least 1 ms".to_owned(),
                Some("write a number with a unit: '10 s', '500 ms', '1 min'".to_owned()),
            )),
        },
        TTL_TIME => one_of(value.trim(), &["processing", "event"]),
        "execution.runtime-mode" if value.eq_ignore_ascii_case("streaming") => Ok(()),
        "execution.runtime-mode" => Err((
            "every job runs as a stream".to_owned(),
            Some("remove it: bounded input ends by itself and gives the batch answer".to_owned()),
        )),
        "state.backend.local-recovery" => one_of(value.trim(), &["true", "false"]),
        "state.backend.type" => one_of(value.trim(), &["hashmap", "rocksdb"]),
        "state.backend.rocksdb.memory.fixed-per-slot" | "taskmanager.memory.task.heap.size" => {
            match parse_bytes(value) {
                Some(1..) => Ok(()),
                _ => Err((
                    "must be a size".to_owned(),
                    Some("write a number with a unit: '256 mb', '2 gb'".to_owned()),
                )),
            }
        }
        "table.optimizer.agg-phase-strategy" => one_of(value, &["AUTO", "ONE_PHASE", "TWO_PHASE"]),
        "table.local-time-zone" => match value {
            "UTC" | "Z" | "GMT" | "Etc/UTC" => Ok(()),
            _ if looks_like_zone(value) => Ok(()),
            _ => Err((
                format!("'{value}' is not a time zone"),
                Some("write a name such as 'UTC' or 'Europe/Berlin'".to_owned()),
            )),
        },
        _ => Ok(()),
    }
}

fn one_of(value: &str, known: &[&str]) -> Result<(), (String, Option<String>)> {
    if known.iter().any(|word| value.eq_ignore_ascii_case(word)) {
        return Ok(());
    }
    Err((format!("must be one of {}", known.join(", ")), did_you_mean(value, known.iter().copied())))
}

/// The name is checked for real when an expression is compiled in it; this finds what cannot be one.
fn looks_like_zone(value: &str) -> bool {
    value.contains('/')
        && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+'))
}

fn warning(key: &str, span: Span) -> Option<Problem> {
    if KEYS.contains(&key) {
        return None;
    }
    let problem = Problem::new(span, format!("setting '{key}' has no effect"));
    Some(match FOREIGN.iter().find(|(prefix, _)| key.starts_with(prefix)) {
        Some((_, instead)) => problem.label("not used here").help(*instead),
        None => problem.label("not known").maybe_help(did_you_mean(key, KEYS.iter().copied())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked() {
        let table = [
            ("parallelism.default", "4", true),
            ("parallelism.default", "0", false),
            ("parallelism.default", "x", false),
            ("pipeline.max-parallelism", "40000", false),
            ("table.exec.source.idle-timeout", "10 s", true),
            ("table.exec.source.idle-timeout", "soon", false),
            ("table.exec.state.ttl", "0", true),
            ("table.exec.state.ttl", "1 h", true),
            ("table.exec.state.ttl", "an hour", false),
            ("table.exec.state.ttl.time", "EVENT", true),
            ("table.exec.state.ttl.time", "watermark", false),
            ("execution.runtime-mode", "STREAMING", true),
            ("execution.runtime-mode", "batch", false),
            ("table.local-time-zone", "Europe/Berlin", true),
            ("table.local-time-zone", "nowhere", false),
            ("table.optimizer.agg-phase-strategy", "one_phase", true),
            ("table.optimizer.agg-phase-strategy", "THREE", false),
            ("state.backend.type", "RocksDB", true),
            ("state.backend.type", "forst", false),
            ("state.backend.rocksdb.memory.fixed-per-slot", "64 mb", true),
            ("state.backend.rocksdb.memory.fixed-per-slot", "0", false),
            ("state.backend.rocksdb.memory.fixed-per-slot", "much", false),
            ("execution.checkpointing.interval", "10ms", true),
            ("execution.checkpointing.interval", "9 ms", false),
            ("execution.checkpointing.timeout", "0", false),
            ("execution.checkpointing.min-pause", "0", true),
            ("anything.else", "x", true),
        ];
        for (key, value, fits) in table {
            let mut settings = Settings::default();
            assert_eq!(settings.override_with(key, value).is_ok(), fits, "{key} = {value}");
        }
    }

    #[test]
    fn unknown_keys_are_only_a_warning() {
        assert!(warning("parallelism.default", Span::empty()).is_none());
        let help = |key: &str| warning(key, Span::empty()).unwrap().help;
        for (key, advice) in [
            ("paralelism.default", "did you mean `parallelism.default`?"),
            ("sql-client.execution.result-mode", "the form of a result is -o"),
            ("restart-strategy.type", "write spec.restart in the job's manifest"),
            ("pipeline.name", "a job is named by metadata.name, by --name or by its file"),
        ] {
            assert_eq!(help(key).as_deref(), Some(advice), "{key}");
        }
        assert_eq!(help("no.such.option.at.all"), None);
        for key in KEYS {
            assert!(warning(key, Span::empty()).is_none(), "{key}");
        }
    }

    #[test]
    fn what_is_set_is_obeyed() {
        let mut settings = Settings::default();
        assert_eq!(
            (settings.parallelism(), settings.max_parallelism(), settings.time_zone()),
            (None, 256, "UTC")
        );
        for (key, value) in [
            ("parallelism.default", "3"),
            ("pipeline.max-parallelism", "64"),
            ("table.local-time-zone", "Europe/Berlin"),
            ("table.exec.source.idle-timeout", "2 s"),
            ("pipeline.auto-watermark-interval", "200"),
        ] {
            settings.override_with(key, value).unwrap();
        }
        assert_eq!((settings.parallelism(), settings.max_parallelism()), (Some(3), 64));
        assert_eq!((settings.idle_timeout_ms(), settings.watermark_interval_ms()), (Some(2_000), 200));
        assert_eq!(settings.state_ttl(), None);
        settings.override_with("table.exec.state.ttl", "0 s").unwrap();
        assert_eq!(settings.state_ttl(), None);
        settings.override_with("table.exec.state.ttl", "2 s").unwrap();
        assert_eq!(settings.state_ttl(), Some(StateTtl { millis: 2_000, time: TtlTime::Processing }));
        settings.override_with("table.exec.state.ttl.time", "Event").unwrap();
        assert_eq!(settings.state_ttl(), Some(StateTtl { millis: 2_000, time: TtlTime::Event }));
        assert_eq!(
            (settings.state_ttl_of(0), settings.state_ttl_of(7).map(|ttl| ttl.millis)),
            (None, Some(7))
        );
        settings.reset(Some("parallelism.default"));
        assert_eq!(settings.parallelism(), None);
        settings.reset(None);
        assert!(settings.values().is_empty());
    }
}
