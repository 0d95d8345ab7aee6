use super::*;
use crate::diagnostic::Diagnostics;
use crate::source_text::SourceText;
use std::collections::BTreeMap;

fn problems(text: &str) -> Diagnostics {
    let source = SourceText::fill("job.sql", text, &BTreeMap::new()).unwrap();
    let found = parse_script(source.text()).and_then(|statements| {
        statements.iter().try_for_each(|s| check(&s.statement, &s.tokens)).map_err(|problem| vec![problem])
    });
    source.diagnostics(found.expect_err(text))
}

fn check(statement: &Statement, tokens: &[TokenWithSpan]) -> Result<(), Problem> {
    match statement {
        Statement::Query(query) => crate::check::check_query(query, tokens),
        Statement::Insert(insert) => crate::check::check_query(&insert.query, tokens),
        _ => Ok(()),
    }
}

#[test]
fn statements_are_read() {
    let table = [
        ("SET 'a' = 'b'; SET a.b-c = 5 s; RESET 'a'; RESET", "Set Set Reset Reset"),
        (
            "CREATE TABLE t (a INT, `b c` STRING NOT NULL COMMENT 'x', PRIMARY KEY (a) NOT ENFORCED) WITH ('k'='v')",
            "CreateTable",
        ),
        (
            "CREATE TEMPORARY TABLE IF NOT EXISTS t (ts TIMESTAMP(3), d AS CAST(ts AS DATE) COMMENT 'y', \
             WATERMARK FOR ts AS ts - INTERVAL '5' SECOND, CONSTRAINT pk PRIMARY KEY (ts) NOT ENFORCED) \
             COMMENT 'z' PARTITIONED BY (d) WITH ('k'='v', 'l' = 'w');",
            "CreateTable",
        ),
        ("CREATE VIEW v AS SELECT * FROM t", "CreateView"),
        (
            "CREATE TEMPORARY VIEW IF NOT EXISTS v (a, b COMMENT 'x') COMMENT 'y' AS SELECT a, b FROM t",
            "CreateView",
        ),
        ("DROP TABLE IF EXISTS t; DROP TEMPORARY VIEW v", "DropTable DropView"),
        ("INSERT INTO t SELECT a FROM s;;", "Insert"),
        ("INSERT INTO t (a, b) SELECT a, b FROM s", "Insert"),
        ("INSERT INTO t (SELECT a FROM s)", "Insert"),
        ("EXECUTE INSERT INTO t SELECT a FROM s", "Insert"),
        ("INSERT INTO default_catalog.default_database.t WITH x AS (SELECT 1) SELECT * FROM x", "Insert"),
        ("EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END;", "Inserts"),
        ("BEGIN STATEMENT SET; INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END;", "Inserts"),
        (
            "EXPLAIN SELECT 1; EXPLAIN PLAN FOR SELECT 1; EXPLAIN CHANGELOG_MODE, ESTIMATED_COST SELECT 1",
            "Explain Explain Explain",
        ),
        ("EXPLAIN STATEMENT SET BEGIN INSERT INTO a SELECT 1; END", "Explain"),
        ("SELECT CASE WHEN a THEN 1 ELSE 2 END FROM t; (SELECT 1) UNION ALL SELECT 2", "Query Query"),
        ("SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))", "Query"),
        (
            "SELECT * FROM TUMBLE(DATA => TABLE a.t, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '10' SECOND) AS w",
            "Query",
        ),
        (
            "SELECT * FROM TABLE(HOP((SELECT * FROM t), DESCRIPTOR(ts), INTERVAL '1' DAY, INTERVAL '2' DAY))",
            "Query",
        ),
        (
            "SELECT CAST(a AS TIMESTAMP(3) WITH LOCAL TIME ZONE), TRY_CAST(b AS DECIMAL(10, 2)) FROM t WHERE a != 1",
            "Query",
        ),
        ("SELECT `SELECT`, 'it''s', U&'\\0041' FROM `select`", "Query"),
    ];
    for (text, expected) in table {
        let statements = parse_script(text).unwrap_or_else(|p| panic!("{text}: {p:?}"));
        let found: Vec<String> = statements
            .iter()
            .map(|s| format!("{:?}", s.statement).split(['(', ' ']).next().unwrap_or("").to_owned())
            .collect();
        assert_eq!(found.join(" "), expected, "{text}");
    }
}

#[test]
fn casts_and_table_arguments_become_calls() {
    let table = [
        ("CAST(a AS VARCHAR(3))", "$cast(a, 'VARCHAR(3)')"),
        ("TRY_CAST(a + 1 AS TIMESTAMP(3) WITH LOCAL TIME ZONE)", "$try_cast(a + 1, 'TIMESTAMP_LTZ(3)')"),
        ("f(TABLE t, 1)", "f($table(t), 1)"),
        ("f(TABLE t PARTITION BY k, 1)", "f($partitioned($table(t), k), 1)"),
        ("f(TABLE t PARTITION BY (a, b), 1)", "f($partitioned($table(t), a, b), 1)"),
        ("CAST(CAST(a AS INT) AS STRING) || 'x'", "$cast($cast(a, 'INT'), 'STRING') || 'x'"),
    ];
    for (text, expected) in table {
        assert_eq!(
            parse_expression(text).map(|e| e.to_string()).map_err(|p| p.message),
            Ok(expected.to_owned())
        );
    }
}

#[test]
fn mistakes_are_shown_in_place() {
    // (text, line, column, length, message, help or "")
    let table = [
        ("CREATE TABLE t (a INT,)", 1, 23, 1, "expected a column name, found `)`", ""),
        ("CREATE TABLE t (a INT", 1, 22, 0, "expected `,` or `)`, found the end of the statement", ""),
        ("CREATE TABLE t (a STRNG)", 1, 19, 5, "unknown type `STRNG`", "did you mean `STRING`?"),
        ("CREATE TABLE t (a TEXT)", 1, 19, 4, "unknown type `TEXT`", "write STRING"),
        (
            "CREATE TABLE t (a ARRAY<INT>)",
            1,
            19,
            5,
            "columns of type ARRAY are not supported yet",
            "declare the fields",
        ),
        ("CREATE TABLE t (a INT, a INT)", 1, 24, 1, "column `a` is declared twice", ""),
        (
            "CREATE TABLE t (a INT PRIMARY KEY)",
            1,
            17,
            17,
            "a primary key must be NOT ENFORCED",
            "write `NOT ENFORCED`",
        ),
        ("CREATE TABLE t (a INT METADATA)", 1, 23, 8, "METADATA is not supported", "remove the column"),
        ("CREATE TABLE t (a INT DEFAULT 1)", 1, 23, 7, "DEFAULT is not part of a column in Flink SQL", ""),
        ("CREATE TABLE t LIKE s", 1, 16, 4, "CREATE TABLE ... LIKE is not supported", "repeat"),
        (
            "CREATE TABLE t AS SELECT 1",
            1,
            16,
            2,
            "CREATE TABLE ... AS SELECT is not supported",
            "INSERT INTO",
        ),
        ("CREATE TABLE t (a INT) WITH ('a'='b', 'a'='c')", 1, 39, 3, "option `a` is given twice", ""),
        (
            "CREATE TABLE t (a INT) WITH (a = 'b')",
            1,
            30,
            1,
            "expected the name of an option in quotes, found `a`",
            "",
        ),
        (
            "CREATE TABLE x.y.t (a INT)",
            1,
            14,
            3,
            "catalogs and databases are not supported",
            "write `t` alone",
        ),
        ("CREATE CATALOG c", 1, 8, 7, "CREATE CATALOG is not supported", "create the tables"),
        ("CREATE FUNCTION f AS 'x'", 1, 8, 8, "CREATE FUNCTION is not supported yet", ""),
        (
            "CREATE OR REPLACE VIEW v AS SELECT 1",
            1,
            8,
            2,
            "CREATE OR REPLACE is not supported",
            "drop the object",
        ),
        ("CREATE INDEX i", 1, 8, 5, "expected `TABLE` or `VIEW`, found `INDEX`", ""),
        ("ALTER TABLE t", 1, 1, 5, "ALTER is not supported", "change the CREATE"),
        ("UPDATE t SET a = 1", 1, 1, 6, "UPDATE is not supported", "tables are streams"),
        ("SHOW TABLES", 1, 1, 4, "SHOW is not supported", "remove it"),
        ("SELCT 1", 1, 1, 5, "expected a statement, found `SELCT`", "did you mean `SELECT`?"),
        ("INSERT OVERWRITE t SELECT 1", 1, 8, 9, "INSERT OVERWRITE is not supported", "write INSERT INTO"),
        ("INSERT INTO t", 1, 14, 0, "expected a query, found the end of the statement", ""),
        ("INSERT INTO t (a, a) SELECT 1, 2", 1, 19, 1, "column `a` is named twice", ""),
        (
            "BEGIN STATEMENT SET; INSERT INTO t SELECT 1 FROM x;",
            1,
            1,
            5,
            "the statement set is not closed",
            "END;",
        ),
        (
            "BEGIN STATEMENT SET; SELECT 1; END;",
            1,
            22,
            6,
            "a statement set holds INSERT statements only",
            "move it",
        ),
        ("BEGIN STATEMENT SET; END;", 1, 1, 19, "the statement set is empty", "put INSERT"),
        ("END", 1, 1, 3, "END without a statement set", ""),
        ("EXPLAIN CREATE TABLE t (a INT)", 1, 9, 6, "EXPLAIN takes a query or an INSERT", ""),
        ("SELECT a b c FROM t", 1, 12, 1, "expected the end of the statement or `;`, found `c`", ""),
        ("SELECT\n  FROM t", 2, 3, 4, "expected an expression", ""),
        ("SELECT a FROM t WHERE", 1, 22, 0, "expected an expression", ""),
        (
            "SELECT \"a\" FROM t",
            1,
            8,
            3,
            "double quotes are not part of Flink SQL",
            "write `a` in backquotes",
        ),
        ("SELECT /*+ x */ a FROM t", 1, 8, 8, "hints are not supported", "WITH clause"),
        ("SELECT CAST(a AS TEXT) FROM t", 1, 18, 4, "unknown type `TEXT`", "write STRING"),
        ("SELECT a FROM t ORDER BY a", 1, 17, 5, "ORDER BY is not supported yet", "remove it"),
        ("SELECT a FROM t LIMIT 5", 1, 17, 5, "LIMIT is not supported yet", "remove it"),
        ("SELECT a FROM t OFFSET 5", 1, 17, 6, "OFFSET is not supported yet", ""),
        ("SELECT a FROM t FETCH FIRST 5 ROWS ONLY", 1, 17, 5, "FETCH FIRST is not supported yet", ""),
        ("SELECT * FROM a INTERSECT SELECT * FROM b", 1, 17, 9, "INTERSECT is not supported yet", ""),
        ("SELECT * FROM a EXCEPT ALL SELECT * FROM b", 1, 17, 6, "EXCEPT is not supported yet", ""),
        ("SELECT a FROM (VALUES (1), (2)) AS t (a)", 1, 23, 8, "VALUES is not supported yet", "filesystem"),
        ("SELECT 1", 1, 1, 6, "a query needs a FROM clause", "add FROM"),
        ("SELECT * FROM a JOIN b ON a.x = b.x", 1, 17, 4, "JOIN is not supported yet", "UNION ALL"),
        (
            "SELECT * FROM a LEFT OUTER JOIN b ON a.x = b.x",
            1,
            28,
            4,
            "LEFT JOIN is not supported yet",
            "UNION ALL",
        ),
        ("SELECT * FROM a, b", 1, 18, 1, "joins are not supported yet", "UNION ALL"),
        (
            "SELECT * FROM a JOIN b FOR SYSTEM_TIME AS OF a.ts AS b ON a.x = b.x",
            1,
            17,
            4,
            "temporal joins",
            "",
        ),
        ("SELECT * FROM a CROSS JOIN UNNEST(a.arr) AS t (x)", 1, 23, 4, "UNNEST is not supported yet", ""),
        ("SELECT SUM(a) OVER (PARTITION BY b) FROM t", 1, 15, 4, "OVER is not supported yet", "GROUP BY"),
        ("SELECT ROW_NUMBER() OVER (ORDER BY b) FROM t", 1, 21, 4, "OVER is not supported yet", "Top-N"),
        (
            "SELECT a FROM t WHERE a IN (SELECT b FROM s)",
            1,
            25,
            2,
            "IN with a subquery is not supported yet",
            "",
        ),
        ("SELECT a FROM t WHERE EXISTS (SELECT b FROM s)", 1, 23, 6, "EXISTS is not supported yet", ""),
        ("SELECT (SELECT 1 FROM s) FROM t", 1, 9, 15, "subqueries in expressions are not supported yet", ""),
        (
            "SELECT a FROM t GROUP BY GROUPING SETS ((a), ())",
            1,
            26,
            8,
            "GROUPING SETS is not supported yet",
            "UNION ALL",
        ),
        ("SELECT a FROM t GROUP BY CUBE (a)", 1, 26, 4, "CUBE is not supported yet", "UNION ALL"),
        ("SELECT ARRAY[1, 2] FROM t", 1, 8, 5, "values of type ARRAY are not supported yet", ""),
        ("SELECT ROW(1, 2) FROM t", 1, 8, 3, "values of type ROW are not supported yet", ""),
        ("SELECT a[1] FROM t", 1, 8, 3, "access to elements and fields is not supported yet", ""),
        ("SELECT RAND() FROM t", 1, 8, 4, "RAND, which gives another value every time, is not", "restart"),
        (
            "SELECT COUNT(DISTINCT a, b) FROM t",
            1,
            8,
            5,
            "DISTINCT over several arguments is not supported yet",
            "",
        ),
        (
            "SELECT * FROM TABLE(TUMBEL(TABLE t))",
            1,
            21,
            6,
            "unknown table function `TUMBEL`",
            "did you mean `TUMBLE`?",
        ),
        (
            "SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A) DEFINE A AS TRUE) AS m",
            1,
            17,
            15,
            "MATCH_RECOGNIZE is not",
            "",
        ),
        ("SELECT * FROM t, LATERAL TABLE(f(a)) AS x (b)", 1, 26, 19, "joins are not supported yet", ""),
        (
            "WITH RECURSIVE x AS (SELECT 1 FROM x) SELECT * FROM x",
            1,
            6,
            9,
            "recursive queries are not supported yet",
            "",
        ),
        ("SELECT DISTINCT ON (a) a FROM t", 1, 8, 8, "DISTINCT ON is not part of Flink SQL", ""),
    ];
    let mut wrong = Vec::new();
    for (text, line, column, length, message, help) in table {
        let found = problems(text);
        let first = &found.items[0];
        let span = first.span.unwrap();
        let help_found = first.help.as_deref().unwrap_or("");
        let fits = first.message.contains(message)
            && (span.line, span.column, span.length) == (line, column, length)
            && help_found.contains(help);
        if !fits {
            wrong.push(format!("{text}\n{}\n", found.render(false)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_wrong_statement_is_shown() {
    let found = problems("SELCT 1; CREATE TABLE t (a INT); SELECT FROM; DROP x");
    let places: Vec<_> = found.items.iter().map(|item| item.span.unwrap().column).collect();
    assert_eq!(places, [1, 45, 52]);
}
