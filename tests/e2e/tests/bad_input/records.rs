//! Records that cannot be read: file, line and column, and how to go on without them.

use super::{Case, check};

const CASES: &[Case] = &[
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT * FROM t;"#), ("t.csv", br#"1,a,2024-01-01 00:00:00
x,b,2024-01-01 00:00:00
"#)], line: "run q.sql", code: 1, says: &[r#"t.csv, line 2, column 1: field 1 (`id`) cannot be read as INT: "x""#, "'csv.ignore-parse-errors'"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT * FROM t;"#), ("t.csv", br#"2,b
"#)], line: "run q.sql", code: 1, says: &["t.csv, line 1, column 4: 2 fields for the 3 columns"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT * FROM t;"#), ("t.csv", br#"1,a,2024-01-01 00:00:00,4
"#)], line: "run q.sql", code: 1, says: &["t.csv, line 1, column 25: 4 fields for the 3 columns"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT * FROM t;"#), ("t.csv", br#"1,"a,2024-01-01 00:00:00
2,b"#)], line: "run q.sql", code: 1, says: &["t.csv, line 1, column 3: the quote that opens here is not closed"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT * FROM t;"#), ("t.csv", br#"1,a,yesterday
"#)], line: "run q.sql", code: 1, says: &[r#"t.csv, line 1, column 5: field 3 (`at`) cannot be read as TIMESTAMP(3): "yesterday""#] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT * FROM t;"#), ("t.csv", br#"99999999999,a,2024-01-01 00:00:00
"#)], line: "run q.sql", code: 1, says: &[r#"t.csv, line 1, column 1: field 1 (`id`) cannot be read as INT: "99999999999""#] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.json','format'='json');
SELECT * FROM t;"#), ("t.json", br#"{"id":"one"}
"#)], line: "run q.sql", code: 1, says: &[r#"t.json, line 1, column 7: the field `id` cannot be read as INT: "one""#, "'json.ignore-parse-errors'"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.json','format'='json');
SELECT * FROM t;"#), ("t.json", br#"{"id":
"#)], line: "run q.sql", code: 1, says: &["t.json, line 1, column 7: not a JSON object"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.json','format'='json');
SELECT * FROM t;"#), ("t.json", br#"[1]
"#)], line: "run q.sql", code: 1, says: &["t.json, line 1, column 1: not a JSON object"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.json','format'='json');
SELECT * FROM t;"#), ("t.json", b"{\x22id\x22:1,\x22name\x22:\x22\xff\x22}\n")], line: "run q.sql", code: 1, says: &["t.json, line 1, column 17: not UTF-8"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.json','format'='json');
SELECT * FROM t;"#), ("t.json", br#"{"id":1e99}
"#)], line: "run q.sql", code: 1, says: &["t.json, line 1, column 7: the field `id` cannot be read as INT: 1e99"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.json','format'='json');
SELECT * FROM t;"#), ("t.json", br#"{"id":1,"at":"2024-13-01 00:00:00"}
"#)], line: "run q.sql", code: 1, says: &["t.json, line 1, column 14: the field `at` cannot be read as TIMESTAMP(3)"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.json.gz','format'='json');
SELECT * FROM t;"#), ("t.json.gz", b"not gzip")], line: "run q.sql", code: 1, says: &["t.json.gz: damaged compressed data after 0 bytes of content"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.json.zst','format'='json');
SELECT * FROM t;"#), ("t.json.zst", b"not zstd")], line: "run q.sql", code: 1, says: &["t.json.zst: damaged compressed data after 0 bytes of content"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='none.json','format'='json');
SELECT * FROM t;"#)], line: "run q.sql", code: 1, says: &["table `t`: there is no file at ", "none.json"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT 1 / (id - 1) FROM t;"#)], line: "run q.sql", code: 1, says: &["division of 1 by zero"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
SELECT CAST(name AS INT) FROM t;"#)], line: "run q.sql", code: 1, says: &["cannot cast 'a' to INT"] },
    Case { files: &[("q.sql", br#"CREATE TABLE t (id INT, at TIMESTAMP(3), WATERMARK FOR at AS at) WITH ('connector'='filesystem','path'='e.csv','format'='csv');
SELECT id FROM t;"#), ("e.csv", br#"1,
"#)], line: "run q.sql", code: 1, says: &[r#"e.csv, line 1, column 3: field 2 (`at`) cannot be read as TIMESTAMP(3): """#, "'csv.null-literal' = ''"] },
];

#[test]
fn every_bad_record_is_named_by_file_line_and_column() {
    check(CASES);
}
