//! The jobs that are simulated, as SQL.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use millstream_connectors::ConnectorRegistry;
use millstream_plan::CompiledJob;
use millstream_sql::{CompileOptions, compile};

/// Where output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// Every row, and windows over them, to two folders of files. All splits are found at once.
    Files,
    /// Every row, and a changelog of groups, to a target with transactions. Splits are found one after the other.
    Transactions,
}

/// What runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shape {
    pub(crate) target: Target,
    pub(crate) parallelism: u32,
}

pub(crate) const SHAPES: [Shape; 4] = [
    Shape { target: Target::Files, parallelism: 1 },
    Shape { target: Target::Files, parallelism: 2 },
    Shape { target: Target::Transactions, parallelism: 1 },
    Shape { target: Target::Transactions, parallelism: 2 },
];

const FILES: &str = "
CREATE TABLE numbers (id BIGINT, k BIGINT, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'numbers');
CREATE TABLE plain (id BIGINT, k BIGINT, v BIGINT)
  WITH ('connector' = 'filesystem', 'path' = 'plain', 'format' = 'csv');
CREATE TABLE windows (k BIGINT, c BIGINT, s BIGINT, low BIGINT)
  WITH ('connector' = 'filesystem', 'path' = 'windows', 'format' = 'csv');
EXECUTE STATEMENT SET BEGIN
INSERT INTO plain SELECT id, k, v FROM numbers;
INSERT INTO windows SELECT k, COUNT(*), SUM(v), MIN(id)
  FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end, k;
END;
";

const TRANSACTIONS: &str = "
CREATE TABLE numbers (id BIGINT, k BIGINT, v BIGINT, ts TIMESTAMP(3))
  WITH ('connector' = 'numbers', 'gradual' = 'true');
CREATE TABLE plain (id BIGINT, k BIGINT, v BIGINT) WITH ('connector' = 'mock-transactional');
CREATE TABLE totals (k BIGINT, c BIGINT, s BIGINT, low BIGINT) WITH ('connector' = 'mock-transactional');
EXECUTE STATEMENT SET BEGIN
INSERT INTO plain SELECT id, k, v FROM numbers;
INSERT INTO totals SELECT k, COUNT(*), SUM(v), MIN(id) FROM numbers GROUP BY k;
END;
";

static COMPILED: Mutex<BTreeMap<Shape, Arc<CompiledJob>>> = Mutex::new(BTreeMap::new());

impl Shape {
    /// The compiled job; compiled once.
    pub(crate) fn job(self, connectors: &ConnectorRegistry) -> Arc<CompiledJob> {
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.entry(self).or_insert_with(|| Arc::new(self.compiled(connectors))).clone()
    }

    fn compiled(self, connectors: &ConnectorRegistry) -> CompiledJob {
        let text = match self.target {
            Target::Files => FILES,
            Target::Transactions => TRANSACTIONS,
        };
        let options = CompileOptions {
            parallelism: Some(self.parallelism),
            max_parallelism: Some(16),
            ..CompileOptions::new(connectors)
        };
        match compile(text, &options) {
            Ok(compiled) => compiled.job.unwrap(),
            Err(diagnostics) => panic!("{}", diagnostics.render(false)),
        }
    }
}
