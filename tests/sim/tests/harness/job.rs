//! The jobs that are simulated, as SQL.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use millstream_connectors::ConnectorRegistry;
use millstream_model::graph::Partitioning;
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
    pub(crate) chains: Chains,
}

/// How many parts the job has, with an exchange between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Chains {
    /// Sources with a sink, and groups with the other one, all of one parallelism.
    Two,
    /// Sources of parallelism 1, groups of 2, and behind another exchange a sink of 3: three workers with a slot each differ in
    /// what they run.
    Three,
}

pub(crate) const SHAPES: [Shape; 4] = [
    Shape { target: Target::Files, parallelism: 1, chains: Chains::Two },
    Shape { target: Target::Files, parallelism: 2, chains: Chains::Two },
    Shape { target: Target::Transactions, parallelism: 1, chains: Chains::Two },
    Shape { target: Target::Transactions, parallelism: 2, chains: Chains::Two },
];

const FILES_IN_THREE: &str = "
CREATE TABLE numbers (id BIGINT, k BIGINT, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'numbers');
CREATE TABLE plain (id BIGINT, k BIGINT, v BIGINT)
  WITH ('connector' = 'filesystem', 'path' = 'plain', 'format' = 'csv');
CREATE TABLE windows (k BIGINT, c BIGINT, s BIGINT, low BIGINT)
  WITH ('connector' = 'filesystem', 'path' = 'windows', 'format' = 'csv');
EXECUTE STATEMENT SET BEGIN
INSERT INTO plain SELECT id, k, v FROM numbers;
INSERT INTO windows SELECT DISTINCT k, c, s, low FROM (SELECT k, COUNT(*) AS c, SUM(v) AS s, MIN(id) AS low
  FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end, k);
END;
";

const TRANSACTIONS_IN_THREE: &str = "
CREATE TABLE numbers (id BIGINT, k BIGINT, v BIGINT, ts TIMESTAMP(3)) WITH ('connector' = 'numbers');
CREATE TABLE plain (id BIGINT, k BIGINT, v BIGINT) WITH ('connector' = 'mock-transactional');
CREATE TABLE totals (k BIGINT, c BIGINT, s BIGINT, low BIGINT) WITH ('connector' = 'mock-transactional');
EXECUTE STATEMENT SET BEGIN
INSERT INTO plain SELECT id, k, v FROM numbers;
INSERT INTO totals SELECT k, c, s, low FROM (SELECT k, COUNT(*) AS c, SUM(v) AS s, MIN(id) AS low
  FROM numbers GROUP BY k) GROUP BY k, c, s, low;
END;
";

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
        let text = match (self.target, self.chains) {
            (Target::Files, Chains::Two) => FILES,
            (Target::Transactions, Chains::Two) => TRANSACTIONS,
            (Target::Files, Chains::Three) => FILES_IN_THREE,
            (Target::Transactions, Chains::Three) => TRANSACTIONS_IN_THREE,
        };
        let options = CompileOptions {
            parallelism: Some(self.parallelism),
            max_parallelism: Some(16),
            ..CompileOptions::new(connectors)
        };
        match compile(text, &options) {
            Ok(compiled) => self.widened(compiled.job.unwrap()),
            Err(diagnostics) => panic!("{}", diagnostics.render(false)),
        }
    }

    /// Gives what lies between exchanges a parallelism of its own, which SQL cannot say.
    fn widened(self, mut job: CompiledJob) -> CompiledJob {
        if self.chains == Chains::Three {
            let mut exchanges = vec![0; job.graph.chains.len()];
            for edge in &job.graph.edges {
                let is_exchange = !matches!(edge.partitioning, Partitioning::Forward);
                let (from, to) = (edge.from.0 as usize, edge.to.0 as usize);
                assert!(from < to, "chains come in the order of their edges");
                exchanges[to] = exchanges[from] + u32::from(is_exchange);
            }
            assert_eq!(exchanges.iter().max(), Some(&2), "{:?}", job.graph);
            for (chain, exchanges) in job.graph.chains.iter_mut().zip(exchanges) {
                chain.parallelism = 1 + exchanges;
            }
        }
        job
    }
}
