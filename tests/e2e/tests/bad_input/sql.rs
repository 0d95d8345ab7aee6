//! SQL and the options of tables: message, line and column, and what to write instead.

use super::{Case, check};

const CASES: &[Case] = &[
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELEC id FROM t;"#)], line: "run q.sql", code: 2, says: &["expected a statement, found `SELEC`", "q.sql:2:1", "did you mean `SELECT`?"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT idd FROM t;"#)], line: "run q.sql", code: 2, says: &["unknown column `idd`", "q.sql:2:8"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT id FROM tt;"#)], line: "run q.sql", code: 2, says: &["unknown table `tt`", "q.sql:2:16", "did you mean `t`?"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT NOFUNC(id) FROM t;"#)], line: "run q.sql", code: 2, says: &["unknown function `nofunc`", "q.sql:2:8"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT id FROM t ORDER BY id;"#)], line: "run q.sql", code: 2, says: &["ORDER BY is not supported yet", "q.sql:2:18", "remove it"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT a.id FROM t a JOIN t b ON a.id = b.id;"#)], line: "run q.sql", code: 2, says: &["JOIN is not supported yet", "q.sql:2:22", "UNION ALL"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT id FROM t LIMIT 3;"#)], line: "run q.sql", code: 2, says: &["LIMIT is not supported yet", "q.sql:2:18", "'number-of-rows'"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
CREATE TABLE o (id INT, name STRING) WITH ('connector'='filesystem','path'='out','format'='csv');
INSERT INTO o SELECT id FROM t;"#)], line: "run q.sql", code: 2, says: &["the query has 1 column, but table `o` has 2 columns", "q.sql:3:13"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
CREATE TABLE o (id INT, name STRING) WITH ('connector'='filesystem','path'='out','format'='csv');
INSERT INTO o SELECT name, id FROM t;"#)], line: "run q.sql", code: 2, says: &["column `id` of table `o` is INT, but the query gives STRING", "q.sql:3:22", "write CAST(... AS INT)"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
CREATE TABLE o (id INT, name STRING) WITH ('connector'='filesystem','path'='out','format'='csv');
INSERT INTO o SELECT id, name FROM t GROUP BY id;"#)], line: "run q.sql", code: 2, says: &["column `name` is neither grouped nor aggregated", "q.sql:3:26"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
CREATE TABLE o (id INT, name STRING) WITH ('connector'='filesystem','path'='out','format'='csv');
INSERT INTO o SELECT id, MAX(name) FROM t GROUP BY id;"#)], line: "run q.sql", code: 2, says: &["table `o` takes inserts only, but GROUP BY without a window updates earlier results", "q.sql:3:", "aggregate by windows"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(at), INTERVAL '1' HOUR)) GROUP BY window_start, window_end;"#)], line: "run q.sql", code: 2, says: &["`at` is not a time attribute", "q.sql:2:69", "declare WATERMARK FOR at"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT id FROM t;"#)], line: "run q.sql", code: 2, says: &["`t` exists already", "q.sql:2:14"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT 'abc FROM t;"#)], line: "run q.sql", code: 2, says: &["unterminated string literal", "q.sql:2:8"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT id FROM t;
SELECT name FROM t;"#)], line: "run q.sql", code: 2, says: &["a bare SELECT must be the only query of a job", "q.sql:2:1"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT id FROM t WHERE id;"#)], line: "run q.sql", code: 2, says: &["a condition must be BOOLEAN, but `t.id` is INT", "q.sql:2:24"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT ${X} FROM t;"#)], line: "run q.sql", code: 2, says: &["unknown variable `X`", "q.sql:2:8", "--var X=..."] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT CAST(id AS NOTYPE) FROM t;"#)], line: "run q.sql", code: 2, says: &["unknown type `NOTYPE`", "q.sql:2:19"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT SUM(name) FROM t;"#)], line: "run q.sql", code: 2, says: &["SUM does not take an argument of type STRING", "q.sql:2:8"] },
    Case { files: &[("q.sql", b"")], line: "run q.sql", code: 2, says: &["q.sql: there is nothing to run"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT) WITH ('connector'='kafka');
SELECT id FROM t;"#)], line: "run q.sql", code: 2, says: &["unknown connector 'kafka'", "q.sql:1:43", "connectors are blackhole, datagen, filesystem, nexmark, print"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT) WITH ('path'='x');
SELECT id FROM t;"#)], line: "run q.sql", code: 2, says: &["table `t` has no connector", "q.sql:1:14"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT) WITH ('connector'='filesystem','path'='t.csv','format'='xml');
SELECT id FROM t;"#)], line: "run q.sql", code: 2, says: &["'format' = 'xml': must be one of: json, csv", "q.sql:1:71"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT) WITH ('connector'='filesystem','format'='csv');
SELECT id FROM t;"#)], line: "run q.sql", code: 2, says: &["the option 'path' is missing", "q.sql:1:14"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT) WITH ('connector'='filesystem','path'='t.csv','format'='csv','pathh'='x');
SELECT id FROM t;"#)], line: "run q.sql", code: 2, says: &["the connector 'filesystem' has no option 'pathh'", "q.sql:1:", "did you mean 'path'?"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT) WITH ('connector'='filesystem','path'='t.csv','format'='csv','auto-compaction'='true');
SELECT id FROM t;"#)], line: "run q.sql", code: 2, says: &["the option 'auto-compaction' is not supported: files are never rewritten", "q.sql:1:86"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT) WITH ('connector'='datagen','rows-per-second'='fast');
SELECT id FROM t;"#)], line: "run q.sql", code: 2, says: &["'rows-per-second' = 'fast': must be a whole number", "q.sql:1:53"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT) WITH ('connector'='blackhole');
SELECT id FROM t;"#)], line: "run q.sql", code: 2, says: &["table `t` cannot be read", "q.sql:2:16"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (a ARRAY<INT>) WITH ('connector'='datagen');
SELECT a FROM t;"#)], line: "run q.sql", code: 2, says: &["columns of type ARRAY are not supported yet", "q.sql:1:19"] },
];

#[test]
fn every_mistake_in_sql_has_its_place_and_a_way_on() {
    check(CASES);
}
