//! The contract of the command line: identity, storage, paths, going on, output, exit codes.

mod continuing;
mod job;
mod results;
mod running;
mod terminal;
mod words;

use std::fs;
use std::path::Path;

use crate::harness::{Ended, run_in};

/// A folder with a bounded job: 6 rows of `orders.csv` into `out/`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rows = "1,ann,10.50\n2,bob,5.00\n3,ann,1.25\n4,ann,7.00\n5,bob,3.00\n6,cat,2.00\n";
    fs::write(folder.path().join("orders.csv"), rows).unwrap();
    fs::write(folder.path().join("job.yaml"), manifest("", &format!("{ORDERS}{COPY}"))).unwrap();
    fs::write(folder.path().join("query.sql"), format!("{ORDERS}{SUMS}")).unwrap();
    folder
}

const ORDERS: &str = "CREATE TABLE orders (id INT, customer STRING, amount DECIMAL(8, 2))
  WITH ('connector' = 'filesystem', 'path' = 'orders.csv', 'format' = 'csv');\n";
const COPY: &str = "CREATE TABLE copied (id INT, customer STRING)
  WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
INSERT INTO copied SELECT id, customer FROM orders;\n";
const COPIED: [&str; 6] = ["1,ann", "2,bob", "3,ann", "4,ann", "5,bob", "6,cat"];
const SUMS: &str =
    "SELECT customer, COUNT(*) AS orders, SUM(amount) AS total FROM orders GROUP BY customer;\n";

/// A manifest of the job `orders`, with more lines of `spec`.
fn manifest(spec: &str, sql: &str) -> String {
    let spec: String = spec.lines().map(|l| format!("  {l}\n")).collect();
    let sql: String = sql.lines().map(|l| format!("    {l}\n")).collect();
    format!(
        "apiVersion: millstream.dev/v1alpha1\nkind: StreamJob\nmetadata:\n  name: orders\nspec:\n{spec}  sql: |\n{sql}"
    )
}

fn millstream_in(folder: &Path, line: &str) -> Ended {
    run_in(folder, &line.split_whitespace().collect::<Vec<_>>())
}
