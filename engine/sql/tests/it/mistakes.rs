//! Mistakes that only planning can see: place, message and advice. Syntax and refused clauses are tested beside `dialect`.

use crate::support::{TABLES, compile_at};

/// Text after the tables' line, so that its first line is line 2.
type Case = (&'static str, usize, usize, &'static str, &'static str);

/// A query over a table with rows; the query is on line 3.
macro_rules! ROW_TABLE {
    ($query:literal) => {
        concat!(
            "CREATE TABLE n (id INT, who ROW<name STRING>, bid ROW<price BIGINT, who ROW<name STRING>>) \
             WITH ('connector' = 'events');\n",
            $query
        )
    };
}

/// A query over a view of `t` with a column `p` of processing time; the query is on line 3.
macro_rules! TIMED {
    ($query:literal) => {
        concat!("CREATE VIEW v AS SELECT *, PROCTIME() AS p FROM t;\n", $query)
    };
}

const CASES: &[Case] = &[
    // names
    ("SELECT amuont FROM t", 2, 8, "unknown column `amuont`", ""),
    ("SELECT K FROM t", 2, 8, "unknown column `K`", "did you mean `k`?"),
    ("SELECT k\nFROM t\nWHERE latr > ts", 4, 7, "unknown column `latr`", "did you mean `later`?"),
    ("SELECT x.k FROM t", 2, 8, "unknown column `x.k`", ""),
    ("SELECT k FROM tt", 2, 15, "unknown table `tt`", "did you mean `t`?"),
    ("SELECT k FROM nowhere", 2, 15, "unknown table `nowhere`", ""),
    ("INSERT INTO ff SELECT k, b FROM t", 2, 13, "unknown table `ff`", "did you mean `f`?"),
    ("SELECT UPER(k) FROM t", 2, 8, "unknown function `uper`", "did you mean `UPPER`?"),
    ("SELECT no_such_thing(k) FROM t", 2, 8, "unknown function `no_such_thing`", ""),
    ("DROP TABLE x", 2, 12, "unknown table `x`", ""),
    ("DROP VIEW t", 2, 11, "unknown view `t`", ""),
    ("CREATE TABLE t (a INT) WITH ('connector' = 'events')", 2, 14, "`t` exists already", "IF NOT EXISTS"),
    (
        "CREATE VIEW v AS SELECT k FROM t; INSERT INTO v SELECT k FROM t",
        2,
        47,
        "`v` is a view",
        "INSERT INTO a table",
    ),
    ("CREATE VIEW v (a, b) AS SELECT k FROM t", 2, 13, "the view names 2 columns, but its query has 1", ""),
    // rows
    (ROW_TABLE!("SELECT bid.prize FROM n"), 3, 8, "`bid` has no field `prize`", "its fields are price, who"),
    (ROW_TABLE!("SELECT n.bid.who.nme FROM n"), 3, 8, "`who` has no field `nme`", "its fields are name"),
    (ROW_TABLE!("SELECT bid.price.x FROM n"), 3, 8, "`price` is BIGINT and has no field `x`", ""),
    (
        ROW_TABLE!("SELECT id FROM n WHERE bid = bid"),
        3,
        0,
        "rows cannot be compared by '='",
        "compare their fields",
    ),
    (
        ROW_TABLE!("SELECT bid, COUNT(*) FROM n GROUP BY bid"),
        3,
        0,
        "`bid` is a row, which cannot be a key of GROUP BY",
        "name the fields",
    ),
    (
        ROW_TABLE!("SELECT DISTINCT bid FROM n"),
        3,
        0,
        "cannot be a key of SELECT DISTINCT yet",
        "name the fields",
    ),
    (
        ROW_TABLE!("SELECT MAX(bid) FROM n"),
        3,
        8,
        "MAX does not take an argument of type ROW<`price` BIGINT",
        "",
    ),
    (ROW_TABLE!("SELECT CAST(bid AS STRING) FROM n"), 3, 8, "cannot be cast to STRING", ""),
    (
        ROW_TABLE!("SELECT CAST(id AS ROW<a INT>) FROM n"),
        3,
        19,
        "ROW is not supported here yet",
        "as `column.field`",
    ),
    (ROW_TABLE!("SELECT bid + 1 FROM n"), 3, 8, "cannot apply '+' to ROW<`price` BIGINT", ""),
    (ROW_TABLE!("SELECT id FROM n WHERE bid"), 3, 0, "a condition must be BOOLEAN", ""),
    (ROW_TABLE!("SELECT bid FROM n UNION ALL SELECT who FROM n"), 3, 0, "column 1 of this UNION is ROW<", ""),
    (
        ROW_TABLE!("INSERT INTO p SELECT who.name, bid FROM n"),
        3,
        32,
        "is BIGINT, but the query gives ROW<",
        "columns of their own",
    ),
    (
        "CREATE TABLE n (r ROW<a TIMESTAMP(3)>, WATERMARK FOR r AS r.a) WITH ('connector' = 'events')",
        2,
        54,
        "the time of a watermark cannot be ROW<`a` TIMESTAMP(3)>",
        "ts AS the column.field",
    ),
    (
        "CREATE TABLE n (r ROW<a INT>, PRIMARY KEY (r) NOT ENFORCED) WITH ('connector' = 'events')",
        2,
        44,
        "`r` is a row",
        "column of its own",
    ),
    // grouping
    (
        "SELECT k, a FROM t GROUP BY k",
        2,
        11,
        "column `a` is neither grouped nor aggregated",
        "add it to GROUP BY",
    ),
    ("SELECT k, COUNT(*) FROM t", 2, 8, "", "add it to GROUP BY"),
    ("SELECT k FROM t WHERE COUNT(*) > 1", 2, 0, "an aggregate cannot stand in WHERE", "HAVING"),
    ("SELECT k FROM t HAVING k > 'a'", 2, 0, "", ""),
    // types
    ("SELECT k + ts FROM t", 2, 8, "cannot apply '+' to STRING and TIMESTAMP(3)", "cast the string"),
    (
        "SELECT a, b FROM t WHERE a > 1 AND\n  UPPER(k || 'x') - 1 > 2",
        3,
        3,
        "cannot apply '-' to STRING and INT",
        "",
    ),
    ("SELECT k FROM (SELECT k, ABS(k) AS y FROM t) AS q", 2, 26, "", ""),
    ("SELECT k FROM t UNION ALL SELECT k + ts FROM t", 2, 34, "cannot apply '+'", ""),
    ("CREATE VIEW v AS SELECT k * flag AS z FROM t", 2, 25, "cannot apply '*'", ""),
    ("SELECT k FROM t WHERE a", 2, 23, "a condition must be BOOLEAN, but `t.a` is INT", "compare"),
    ("SELECT SUM(k) FROM t", 2, 8, "SUM does not take an argument of type STRING", "number"),
    ("SELECT UPPER(1, 2) FROM t", 2, 8, "UPPER takes 1 argument, not 2", ""),
    ("SELECT ts - ts FROM t", 2, 8, "cannot apply '-'", "TIMESTAMPDIFF"),
    ("SELECT CAST(flag AS DATE) FROM t", 2, 8, "a value of type BOOLEAN cannot be cast to DATE", ""),
    ("SELECT DATE '2024-13-01' FROM t", 2, 13, "'2024-13-01' is not of the form yyyy-mm-dd", ""),
    ("SELECT ts > TIMESTAMP 'noon' FROM t", 2, 23, "'noon' is not of the form yyyy-mm-dd hh:mm:ss", ""),
    ("SELECT ts + INTERVAL 'x' DAY FROM t", 2, 22, "'x' is not an interval of DAY", ""),
    ("SELECT ts + INTERVAL '5' FROM t", 2, 22, "an interval needs a unit", "INTERVAL '10' SECOND"),
    (
        "SELECT k FROM t UNION ALL SELECT k, a FROM t",
        2,
        0,
        "the queries of this UNION have different numbers of columns",
        "",
    ),
    (
        "SELECT k FROM t UNION ALL SELECT a FROM t",
        2,
        0,
        "column 1 of this UNION is STRING in one query and INT in another",
        "cast one",
    ),
    ("SELECT CASE WHEN flag THEN 1 ELSE 'x' END FROM t", 2, 8, "", ""),
    ("SELECT k FROM t WHERE k = a", 2, 23, "", ""),
    ("SELECT k FROM t WHERE k IN (1, 2)", 2, 23, "", ""),
    // INSERT
    (
        "INSERT INTO f SELECT k FROM t",
        2,
        13,
        "the query has 1 column, but table `f` has 2 columns",
        "its columns are k STRING, n BIGINT",
    ),
    (
        "INSERT INTO f (k) SELECT k, b FROM t",
        2,
        13,
        "the query has 2 columns, but the INSERT names 1 column",
        "",
    ),
    (
        "INSERT INTO f SELECT b, k FROM t",
        2,
        22,
        "column `k` of table `f` is STRING, but the query gives BIGINT",
        "write CAST(... AS STRING)",
    ),
    (
        "INSERT INTO f SELECT k, x FROM t",
        2,
        25,
        "column `n` of table `f` is BIGINT, but the query gives DOUBLE",
        "write CAST",
    ),
    ("INSERT INTO f SELECT * FROM t", 2, 13, "the query has 8 columns, but table `f` has 2 columns", ""),
    ("INSERT INTO f (k, m) SELECT k, b FROM t", 2, 19, "unknown column `m`", ""),
    ("INSERT INTO t (later) SELECT ts FROM t", 2, 16, "`later` is a computed column", "remove it"),
    (
        "CREATE TABLE nn (a INT NOT NULL, b INT) WITH ('connector' = 'print');\nINSERT INTO nn (b) SELECT a FROM t",
        3,
        13,
        "column `a` is NOT NULL",
        "add it",
    ),
    (
        "CREATE TABLE nn (a INT NOT NULL) WITH ('connector' = 'print');\nINSERT INTO nn SELECT NULL FROM t",
        3,
        23,
        "column `a` is NOT NULL",
        "",
    ),
    ("INSERT INTO t SELECT k, a, b, d, x, ts, flag FROM t", 2, 13, "table `t` cannot be written", ""),
    ("SELECT n FROM p", 2, 15, "table `p` cannot be read", ""),
    // changelogs
    (
        "INSERT INTO f SELECT k, COUNT(*) FROM t GROUP BY k",
        2,
        41,
        "table `f` takes inserts only, but GROUP BY without a window updates earlier results",
        "TUMBLE",
    ),
    ("INSERT INTO f SELECT 'x', COUNT(*) FROM t", 2, 15, "an aggregate over the whole stream", "windows"),
    (
        "INSERT INTO f SELECT DISTINCT k, n FROM (SELECT k, COUNT(*) AS n FROM t GROUP BY k)",
        2,
        0,
        "takes inserts only",
        "",
    ),
    // time and windows
    (
        "SELECT * FROM TABLE(TUMBLE(TABLE plain, DESCRIPTOR(k), INTERVAL '1' HOUR))",
        2,
        52,
        "`k` is not a time attribute",
        "WATERMARK FOR k",
    ),
    (
        "SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(later), INTERVAL '1' HOUR))",
        2,
        48,
        "`later` is not a time attribute",
        "time attributes here: ts",
    ),
    (
        "SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(tz), INTERVAL '1' HOUR))",
        2,
        48,
        "unknown column `tz`",
        "did you mean `ts`?",
    ),
    (
        "CREATE VIEW v AS SELECT CAST(ts AS TIMESTAMP(3)) AS ts FROM t;\nSELECT * FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(ts), INTERVAL '1' HOUR))",
        3,
        48,
        "`ts` is not a time attribute",
        "pass the column on unchanged",
    ),
    (
        "SELECT * FROM TABLE(TUMBLE(t, DESCRIPTOR(ts), INTERVAL '1' HOUR))",
        2,
        28,
        "the first argument of a window is a table",
        "write `TABLE t`",
    ),
    (
        "SELECT * FROM TABLE(TUMBLE(TABLE t, ts, INTERVAL '1' HOUR))",
        2,
        37,
        "the second argument of a window is DESCRIPTOR(column)",
        "write DESCRIPTOR",
    ),
    (
        "SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts)))",
        2,
        21,
        "the window's SIZE is missing",
        "write TUMBLE",
    ),
    (
        "SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), 10))",
        2,
        53,
        "expected an interval",
        "INTERVAL '10' MINUTE",
    ),
    (
        "SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '0' SECOND))",
        2,
        0,
        "the size of a window must be positive",
        "",
    ),
    (
        "SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MONTH))",
        2,
        0,
        "windows of months and years are not supported",
        "DAY",
    ),
    (
        "SELECT * FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '5' MINUTE))",
        2,
        0,
        "the slide of HOP must not be longer than its size",
        "the slide comes first",
    ),
    (
        "SELECT * FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '7' MINUTE, INTERVAL '1' HOUR))",
        2,
        0,
        "whole number of slides",
        "",
    ),
    (
        "SELECT * FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '5' MINUTE))",
        2,
        0,
        "the step of CUMULATE must not be longer than its size",
        "the step comes first",
    ),
    (
        "SELECT * FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '7' MINUTE, INTERVAL '1' HOUR))",
        2,
        0,
        "the size of CUMULATE must be a whole number of steps",
        "",
    ),
    (
        "SELECT * FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '7' MINUTE))",
        2,
        21,
        "the window's SIZE is missing",
        "write CUMULATE(",
    ),
    (
        "SELECT * FROM TABLE(TUMBLE(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '7' MINUTE))",
        2,
        49,
        "only SESSION takes PARTITION BY",
        "group by the column",
    ),
    // sessions
    (
        "SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY kk, DESCRIPTOR(ts), INTERVAL '7' MINUTE))",
        2,
        50,
        "unknown column `kk`",
        "did you mean `k`?",
    ),
    (
        "SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '7' MINUTE))",
        2,
        0,
        "SESSION windows need an aggregate",
        "GROUP BY",
    ),
    (
        "SELECT window_start, COUNT(*) FROM SESSION(TABLE t, DESCRIPTOR(ts), INTERVAL '7' MINUTE) GROUP BY window_start",
        2,
        0,
        "SESSION windows need an aggregate",
        "GROUP BY",
    ),
    (
        "SELECT COUNT(*) FROM SESSION(TABLE t, DESCRIPTOR(ts), INTERVAL '7' MINUTE) GROUP BY k, window_start, window_end",
        2,
        0,
        "GROUP BY must name the columns of the SESSION window's PARTITION BY and no others",
        "PARTITION BY k",
    ),
    (
        "SELECT COUNT(*) FROM SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '7' MINUTE) GROUP BY window_start, window_end",
        2,
        0,
        "GROUP BY must name the columns of the SESSION window's PARTITION BY and no others",
        "PARTITION BY k",
    ),
    (
        "SELECT COUNT(*) FROM SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '7' MINUTE) WHERE b > 1 GROUP BY k, window_start, window_end",
        2,
        0,
        "rows behind a SESSION window cannot be filtered",
        "in a view below the window",
    ),
    (
        "SELECT SESSION_START(ts, INTERVAL '2' HOUR) FROM t GROUP BY SESSION(ts, INTERVAL '1' HOUR)",
        2,
        8,
        "SESSION_START without its window in GROUP BY",
        "add `SESSION",
    ),
    (
        "SELECT COUNT(*) FROM t GROUP BY SESSION(ts, INTERVAL '0' HOUR)",
        2,
        0,
        "the gap of a window must be positive",
        "",
    ),
    (
        "SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), SIZ => INTERVAL '1' HOUR))",
        2,
        53,
        "unknown argument `SIZ`",
        "did you mean `SIZE`?",
    ),
    (
        "SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '1' HOUR, 5))",
        2,
        0,
        "too many arguments",
        "",
    ),
    (
        "SELECT COUNT(*) FROM plain GROUP BY TUMBLE(k, INTERVAL '1' HOUR)",
        2,
        44,
        "`k` is not a time attribute",
        "",
    ),
    (
        "SELECT TUMBLE_START(ts, INTERVAL '2' HOUR) FROM t GROUP BY TUMBLE(ts, INTERVAL '1' HOUR)",
        2,
        8,
        "TUMBLE_START without its window in GROUP BY",
        "add `TUMBLE",
    ),
    // processing time
    (
        TIMED!("SELECT * FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(p), INTERVAL '1' HOUR))"),
        3,
        0,
        "a window over processing time must be aggregated",
        "in a query around the aggregate",
    ),
    (
        TIMED!(
            "SELECT MAX(window_start) FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(p), INTERVAL '1' HOUR)) \
             GROUP BY window_start, window_end"
        ),
        3,
        0,
        "a window over processing time must be aggregated",
        "",
    ),
    (
        TIMED!(
            "SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(p), INTERVAL '1' HOUR)) GROUP BY window_start"
        ),
        3,
        0,
        "a window over processing time must be aggregated",
        "compute with window_start and window_end",
    ),
    (
        "CREATE VIEW v AS SELECT PROCTIME() + INTERVAL '1' HOUR AS p FROM t;\n\
         SELECT COUNT(*) FROM v GROUP BY TUMBLE(p, INTERVAL '1' HOUR)",
        3,
        40,
        "`p` is not a time attribute",
        "declare WATERMARK FOR p",
    ),
    (
        TIMED!("SELECT TUMBLE_ROWTIME(p, INTERVAL '1' HOUR) FROM v GROUP BY TUMBLE(p, INTERVAL '1' HOUR)"),
        3,
        68,
        "a window over processing time has no ROWTIME",
        "write TUMBLE_PROCTIME",
    ),
    (
        TIMED!(
            "SELECT HOP_PROCTIME(ts, INTERVAL '1' HOUR, INTERVAL '1' DAY) FROM v \
             GROUP BY HOP(ts, INTERVAL '1' HOUR, INTERVAL '1' DAY)"
        ),
        3,
        82,
        "a window over event time has no PROCTIME",
        "HOP_ROWTIME",
    ),
    (
        TIMED!(
            "SELECT TUMBLE_PROCTIME(p, INTERVAL '1' HOUR), TUMBLE_ROWTIME(p, INTERVAL '1' HOUR) FROM v \
             GROUP BY TUMBLE(p, INTERVAL '1' HOUR)"
        ),
        3,
        47,
        "TUMBLE_ROWTIME and TUMBLE_PROCTIME of one window",
        "",
    ),
    (
        "CREATE VIEW v AS SELECT k, COUNT(*) AS n, PROCTIME() AS p FROM t GROUP BY k;\n\
         SELECT SUM(n) FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(p), INTERVAL '1' HOUR)) GROUP BY window_start, window_end",
        3,
        0,
        "a window over processing time cannot read rows that are updated",
        "over event time",
    ),
    (
        "CREATE TABLE c (k STRING, p AS PROCTIME(), WATERMARK FOR p AS p) WITH ('connector' = 'events')",
        2,
        58,
        "`p` is processing time",
        "leave the WATERMARK out",
    ),
    (
        TIMED!("SELECT k, COUNT(*) FROM v GROUP BY k, SESSION(p, INTERVAL '1' HOUR)"),
        3,
        47,
        "SESSION over processing time is not supported yet",
        "a column with a WATERMARK",
    ),
    (TIMED!("SELECT k, p FROM v ORDER BY p"), 3, 20, "ORDER BY is not supported yet", ""),
    (
        "SELECT HOP_END(ts, INTERVAL '1' HOUR, INTERVAL '2' HOUR) FROM t",
        2,
        8,
        "HOP_END without its window in GROUP BY",
        "",
    ),
    (
        "SELECT k, n, NOW() FROM (SELECT k, COUNT(*) AS n FROM t GROUP BY k)",
        2,
        14,
        "a query over rows that are updated cannot read the clock",
        "below the aggregate",
    ),
    ("SELECT NOW(5) FROM t", 2, 8, "CURRENT_TIMESTAMP takes 0 arguments, not 1", ""),
    ("SELECT TYPEOF(UPPER(k)) FROM t", 2, 8, "TYPEOF does not know the exact type", "casts and arithmetic"),
    ("SELECT JSON_VALUE(k, '$.a' RETURNING BIGINT) FROM t", 2, 38, "JSON_VALUE cannot return BIGINT", "CAST"),
    ("SELECT x.*, t.a FROM t", 2, 8, "no table or alias `x` in this query", ""),
    ("SELECT x.* FROM t", 2, 8, "no table or alias `x` in this query", ""),
    // CREATE TABLE
    ("CREATE TABLE q (a INT)", 2, 14, "table `q` has no connector", "connectors are events, files, print"),
    (
        "CREATE TABLE q (a INT) WITH ('connector' = 'kafak')",
        2,
        44,
        "unknown connector 'kafak'",
        "connectors are",
    ),
    (
        "CREATE TABLE q (a INT) WITH ('connector' = 'fles')",
        2,
        44,
        "unknown connector 'fles'",
        "did you mean `files`?",
    ),
    (
        "CREATE TABLE q (a INT) WITH ('connector' = 'files', 'fromat' = 'csv')",
        2,
        53,
        "has no option 'fromat'",
        "format",
    ),
    ("CREATE TABLE q (a INT) WITH ('connector' = 'files', 'format' = 'cvs')", 2, 53, "'format' = 'cvs'", ""),
    (
        "CREATE TABLE q (a INT) WITH ('connector' = 'files'); INSERT INTO q SELECT a FROM t",
        2,
        66,
        "the option 'path' is missing",
        "",
    ),
    (
        "CREATE TABLE q (a INT, WATERMARK FOR b AS b) WITH ('connector' = 'events')",
        2,
        38,
        "unknown column `b`",
        "",
    ),
    (
        "CREATE TABLE q (a INT, WATERMARK FOR a AS a) WITH ('connector' = 'events')",
        2,
        38,
        "the time of a watermark cannot be INT",
        "computed column",
    ),
    (
        "CREATE TABLE q (a TIMESTAMP(6), WATERMARK FOR a AS a) WITH ('connector' = 'events')",
        2,
        47,
        "cannot be TIMESTAMP(6)",
        "TIMESTAMP(3)",
    ),
    (
        "CREATE TABLE q (a TIMESTAMP(3), WATERMARK FOR a AS 'x') WITH ('connector' = 'events')",
        2,
        33,
        "a watermark must be a timestamp, not STRING",
        "INTERVAL '5' SECOND",
    ),
    (
        "CREATE TABLE q (a INT, b AS UPPER(a, a)) WITH ('connector' = 'events')",
        2,
        29,
        "UPPER takes 1 argument, not 2",
        "",
    ),
    ("CREATE TABLE q (a INT, b AS a + c) WITH ('connector' = 'events')", 2, 33, "unknown column `c`", ""),
    (
        "CREATE TABLE q (a INT, b AS a + 1, c AS b + 1) WITH ('connector' = 'events')",
        2,
        41,
        "`b` is a computed column itself",
        "repeat its expression",
    ),
    (
        "CREATE TABLE q (b AS 1) WITH ('connector' = 'events')",
        2,
        14,
        "a table needs a column that is not computed",
        "",
    ),
    (
        "CREATE TABLE q (a INT, PRIMARY KEY (x) NOT ENFORCED) WITH ('connector' = 'events')",
        2,
        37,
        "unknown column `x`",
        "",
    ),
    (
        "CREATE TABLE q (a INT) PARTITIONED BY (z) WITH ('connector' = 'files')",
        2,
        40,
        "unknown column `z`",
        "",
    ),
    // settings
    ("SET 'parallelism.default' = 'many'", 2, 29, "must be a whole number between 1 and 32768", ""),
    ("SET 'table.exec.state.ttl' = 'an hour'", 2, 30, "must be a duration", "10 s"),
    (
        "SET 'table.exec.state.ttl.time' = 'evnt'",
        2,
        35,
        "must be one of processing, event",
        "did you mean `event`?",
    ),
    // hints
    (
        "INSERT INTO p\n  SELECT /*+ STATE_TTL('T' = '1 d') */ k, COUNT(*) FROM t AS o GROUP BY k",
        3,
        24,
        "`T` is no input of this query",
        "did you mean `t`?",
    ),
    (
        "INSERT INTO p SELECT /*+ STATE_TTL('orders' = '1 d') */ k, COUNT(*) FROM t GROUP BY k",
        2,
        36,
        "`orders` is no input of this query",
        "its input is `t`",
    ),
    (
        "INSERT INTO p SELECT /*+ STATE_TTL('t' = '1 d') */ k, COUNT(*) FROM (SELECT k FROM t) GROUP BY k",
        2,
        36,
        "`t` is no input of this query",
        "with AS",
    ),
    (
        "INSERT INTO p SELECT /*+ STATE_TTL('o' = '1 d', 't' = '2 d') */ k, COUNT(*) FROM t AS o GROUP BY k",
        2,
        49,
        "the query has one input",
        "",
    ),
    (
        "INSERT INTO p SELECT /*+ STATE_TTL('t' = 'long') */ k, COUNT(*) FROM t GROUP BY k",
        2,
        42,
        "must be a duration",
        "'12 h'",
    ),
    (
        "INSERT INTO p SELECT k, COUNT(*) FROM t /*+ STATE_TTL('t' = '1 d') */ GROUP BY k",
        2,
        41,
        "does not stand behind SELECT",
        "SELECT /*+ STATE_TTL",
    ),
    (
        "INSERT INTO p SELECT /*+ STATE_TTL('t' = '1 d') */ k, b FROM t",
        2,
        22,
        "keeps no state that could expire",
        "GROUP BY without a window",
    ),
    (
        "INSERT INTO p SELECT /*+ STATE_TTL('t' = '1 d') */ k, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), \
         INTERVAL '1' HOUR)) GROUP BY k, window_start, window_end",
        2,
        22,
        "keeps no state that could expire",
        "watermark",
    ),
    (
        "CREATE VIEW v AS SELECT /*+ STATE_TTL('t' = '1 d') */ k, b FROM t; \
         INSERT INTO p SELECT k, COUNT(*) FROM v GROUP BY k",
        2,
        25,
        "keeps no state that could expire",
        "",
    ),
    (
        "INSERT INTO p SELECT k, n FROM (SELECT /*+ STATE_TTL('t' = '1 d') */ k, b AS n FROM t UNION SELECT k, n FROM f)",
        2,
        40,
        "keeps no state that could expire",
        "",
    ),
    (
        "INSERT INTO p SELECT /*+ LOOKUP('table' = 't') */ k, b FROM t",
        2,
        22,
        "hints are not supported",
        "WITH clause",
    ),
    ("SET 'execution.runtime-mode' = 'batch'", 2, 32, "every job runs as a stream", ""),
    // jobs
    ("SELECT k FROM t; SELECT a FROM t", 2, 1, "a bare SELECT must be the only query of a job", ""),
    (
        "INSERT INTO p SELECT k, b FROM t; SELECT a FROM t",
        2,
        35,
        "a bare SELECT must be the only query of a job",
        "INSERT INTO",
    ),
];

#[test]
fn mistakes_are_shown_where_they_are() {
    assert!(CASES.len() >= 60);
    let mut wrong = Vec::new();
    for (text, line, column, message, help) in CASES {
        let whole = format!("{TABLES}\n{text}");
        let found = match compile_at(&whole, 2) {
            Ok(compiled) => {
                wrong.push(format!(
                    "{text}\ncompiles to\n{}",
                    compiled.plan.map_or_else(String::new, |p| p.to_text())
                ));
                continue;
            }
            Err(found) => found,
        };
        let rendered = found.render(false);
        if let Some(path) = std::env::var_os("DUMP") {
            use std::io::Write as _;
            let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
            writeln!(file, "{text}\n{rendered}\n").unwrap();
        }
        let first = &found.items[0];
        let place = first.span.map(|span| (span.line, span.column));
        let place_fits = match (place, *column) {
            (Some((found, _)), 0) => found == *line,
            (Some(place), _) => place == (*line, *column),
            (None, _) => false,
        };
        let fits = first.message.contains(message) && first.help.as_deref().unwrap_or("").contains(help);
        let speaks_of_libraries = ["DataFusion", "Utf8", "Int64", "bug report", "Internal"]
            .iter()
            .any(|word| first.message.contains(word) || first.help.as_deref().unwrap_or("").contains(word));
        if !place_fits || !fits || speaks_of_libraries {
            let underlined: Vec<&str> = rendered.lines().filter(|line| line.len() < 250).collect();
            wrong.push(format!(
                "{text}\nexpected {line}:{column} {message} / {help}\n{}",
                underlined.join("\n")
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), CASES.len(), wrong.join("\n\n"));
}

#[test]
fn a_broken_table_is_reported_once() {
    let text = "CREATE TABLE a (x STRNG) WITH ('connector' = 'events');\nCREATE TABLE b (x INT, y AS z) WITH ('connector' = 'events');\nSELECT x FROM b;";
    let found = compile_at(text, 1).unwrap_err();
    assert_eq!(found.items.len(), 1, "{found}");
    let text = text.replace("STRNG", "STRING");
    let found = compile_at(&text, 1).unwrap_err();
    assert_eq!(found.items.len(), 1, "{found}");
    assert!(found.items[0].message.contains("unknown column `z`"));
}

#[test]
fn a_report_looks_like_a_compilers() {
    let text = "CREATE TABLE t (name STRING) WITH ('connector' = 'events');\nSELECT nme\nFROM t;";
    let report = compile_at(text, 1).unwrap_err().render(false);
    let expected = "error: unknown column `nme`\n --> job.sql:2:8\n  |\n2 | SELECT nme\n  |        ^^^ not in the tables of this query\n  |\n  = help: did you mean `name`?";
    assert_eq!(report, expected);
    assert!(compile_at(text, 1).unwrap_err().render(true).contains('\u{1b}'));
}
