//! Uids and meanings: what changes them, and what must not.

use std::collections::BTreeMap;

use millstream_model::graph::OperatorRole;
use millstream_sql::CompileOptions;

use crate::support::{TABLES, compile_at, registry};

/// Uid to meaning of every stateful operator, source and sink.
fn identities(text: &str) -> BTreeMap<String, String> {
    let compiled = compile_at(&format!("{TABLES}\n{text}"), 2).expect(text);
    let job = compiled.job.expect("an INSERT");
    let operators = job.graph.operators().filter(|(_, operator)| operator.role != OperatorRole::Stateless);
    operators.map(|(_, operator)| (operator.uid.0.clone(), operator.meaning.clone())).collect()
}

fn uids(text: &str) -> Vec<String> {
    identities(text).into_keys().collect()
}

fn fingerprint(text: &str, parallelism: u32) -> String {
    let compiled = compile_at(&format!("{TABLES}\n{text}"), parallelism).expect(text);
    compiled.job.expect("an INSERT").graph.fingerprint
}

const QUERY: &str = "INSERT INTO p SELECT k, COUNT(*) AS n FROM t GROUP BY k";

#[test]
fn a_uid_survives_what_does_not_change_the_state() {
    let before = uids(QUERY);
    assert_eq!(before.len(), 3, "{before:?}");
    assert!(before.contains(&"source-t".to_owned()) && before.contains(&"p".to_owned()));
    let same = [
        "INSERT INTO p SELECT k, COUNT(*) AS m FROM t GROUP BY k",
        "INSERT INTO p SELECT x.k, COUNT(*) FROM t AS x GROUP BY x.k",
        "INSERT INTO p SELECT k, COUNT(*) FROM t WHERE a > 5 GROUP BY k",
        "INSERT INTO p SELECT k, COUNT(*) + 1 FROM t GROUP BY k HAVING COUNT(*) > 3",
        "INSERT INTO p SELECT key1, COUNT(1) FROM (SELECT k AS key1, a FROM t WHERE a > 0) GROUP BY key1",
        "-- a comment\nSET 'parallelism.default' = '3'; INSERT INTO p SELECT k, COUNT(*) FROM t GROUP BY k",
        "CREATE VIEW v AS SELECT k, ts FROM t; INSERT INTO p SELECT k, COUNT(*) FROM v GROUP BY k",
        "SET 'table.exec.state.ttl' = '1 h'; INSERT INTO p SELECT k, COUNT(*) FROM t GROUP BY k",
        "INSERT INTO p SELECT /*+ STATE_TTL('t' = '1 d') */ k, COUNT(*) FROM t WHERE a > 5 GROUP BY k",
        "INSERT INTO p SELECT /*+ STATE_TTL('v' = '1 d') */ v.k, COUNT(1) FROM (SELECT k, a FROM t WHERE a > 0) AS v GROUP BY v.k",
    ];
    for text in same {
        assert_eq!(uids(text), before, "{text}");
    }
}

#[test]
fn a_uid_changes_with_kind_keys_calls_and_ancestors() {
    let before = uids(QUERY);
    let other = [
        "INSERT INTO p SELECT k, COUNT(a) FROM t GROUP BY k",
        "INSERT INTO p SELECT k, SUM(b) FROM t GROUP BY k",
        "INSERT INTO p SELECT UPPER(k), COUNT(*) FROM t GROUP BY UPPER(k)",
        "INSERT INTO p SELECT k, COUNT(*) FROM plain GROUP BY k",
        "INSERT INTO p SELECT k, COUNT(*) FROM t GROUP BY k, a",
        "INSERT INTO p SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY k, window_start, window_end",
        "INSERT INTO p SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '2' HOUR)) GROUP BY k, window_start, window_end",
        "INSERT INTO p SELECT k, COUNT(*) FILTER (WHERE flag) FROM t GROUP BY k",
        "INSERT INTO p SELECT k, COUNT(DISTINCT a) FROM t GROUP BY k",
    ];
    let mut seen = vec![before];
    for text in other {
        let found = uids(text);
        assert!(!seen.contains(&found), "{text}\n{found:?}");
        seen.push(found);
    }
}

#[test]
fn a_ttl_is_no_part_of_what_an_operator_is_but_keeps_twins_apart() {
    let hinted = QUERY.replace("SELECT k", "SELECT /*+ STATE_TTL('t' = '1 d') */ k");
    assert_eq!(identities(&hinted), identities(QUERY), "a job goes on with its state");
    assert_ne!(fingerprint(&hinted, 2), fingerprint(QUERY, 2), "but workers must agree on it");
    let twins = |second: &str| {
        let text = format!("{QUERY}; {};", second.replace("INTO p", "INTO f0"));
        let sink = "CREATE TABLE f0 (k STRING, n BIGINT) WITH ('connector' = 'print');";
        uids(&format!("{sink} {text}")).iter().filter(|uid| uid.starts_with("aggregate-")).count()
    };
    assert_eq!((twins(QUERY), twins(&hinted)), (1, 2));
}

#[test]
fn a_meaning_tells_kept_from_input_changed() {
    let before = identities(QUERY);
    let filtered = identities("INSERT INTO p SELECT k, COUNT(*) AS n FROM t WHERE a > 5 GROUP BY k");
    let again = identities(QUERY);
    assert_eq!(before, again);
    let aggregate = before.keys().find(|uid| uid.starts_with("aggregate-")).unwrap();
    assert_ne!(before[aggregate], filtered[aggregate], "the filter changes what the aggregate gets");
    assert_ne!(before["p"], filtered["p"]);
    assert_eq!(before["source-t"], filtered["source-t"]);
}

#[test]
fn order_of_statements_does_not_matter_and_twins_are_numbered() {
    let a = "INSERT INTO p SELECT k, COUNT(*) FROM t GROUP BY k;";
    let b = "INSERT INTO f SELECT k, b FROM plain2;";
    let table = "CREATE TABLE plain2 (k STRING, b BIGINT) WITH ('connector' = 'events');";
    assert_eq!(uids(&format!("{table}{a}{b}")), uids(&format!("{table}{b}{a}")));
    let twins = uids("INSERT INTO p SELECT k, b FROM t; INSERT INTO p SELECT k, a FROM t;");
    assert_eq!(twins, ["p", "p-2", "source-t"]);
}

#[test]
fn all_uids_of_a_job_differ() {
    let text = "INSERT INTO p SELECT k, COUNT(*) FROM t GROUP BY k; INSERT INTO p SELECT k, COUNT(*) FROM t WHERE a > 1 GROUP BY k; \
                INSERT INTO f SELECT k, a + 1 FROM t; INSERT INTO f SELECT k, a + 1 FROM t;";
    let job = compile_at(&format!("{TABLES}\n{text}"), 2).unwrap().job.unwrap();
    let mut all: Vec<String> = job.graph.operators().map(|(_, operator)| operator.uid.0.clone()).collect();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "{all:?}");
}

#[test]
fn the_fingerprint_holds_everything_that_runs() {
    let base = fingerprint(QUERY, 2);
    assert_eq!(base, fingerprint(QUERY, 2));
    assert_ne!(base, fingerprint(QUERY, 3));
    assert_ne!(base, fingerprint(&QUERY.replace("COUNT(*) AS n", "COUNT(*) + 1 AS n"), 2));
    assert_ne!(base, fingerprint(&format!("SET 'pipeline.max-parallelism' = '64'; {QUERY}"), 2));
    assert_ne!(base, fingerprint(&format!("SET 'table.exec.source.idle-timeout' = '1 s'; {QUERY}"), 2));
}

#[test]
fn variables_and_overrides_reach_the_job() {
    let connectors = registry();
    let mut options = CompileOptions::new(&connectors);
    options.variables.insert("LEAST".to_owned(), "7".to_owned());
    options.settings.insert("parallelism.default".to_owned(), "3".to_owned());
    let text = format!("{TABLES}\nSET 'parallelism.default' = '9'; SELECT k FROM t WHERE a > ${{LEAST}}");
    let compiled = millstream_sql::compile(&text, &options).unwrap();
    assert!(compiled.plan.unwrap().to_text().contains('7'));
    let job = compiled.job.unwrap();
    assert!(job.sql.contains("a > 7"));
    assert_eq!(job.graph.chains[0].parallelism, 3);
    assert_eq!(compiled.settings["parallelism.default"], "3");
    options.parallelism = Some(300);
    let error = millstream_sql::compile(&text, &options).unwrap_err();
    assert!(error.items[0].message.contains("greater than the maximum parallelism"), "{error}");
}

#[test]
fn a_shared_source_decodes_what_any_reader_needs() {
    use millstream_plan::OperatorSpec;
    let text =
        format!("{TABLES}\nINSERT INTO f SELECT k, a FROM t; INSERT INTO f SELECT k, b FROM t WHERE flag;");
    let job = compile_at(&text, 1).unwrap().job.unwrap();
    let sources: Vec<_> = job
        .chains
        .iter()
        .flat_map(|chain| &chain.operators)
        .filter_map(|operator| match operator {
            OperatorSpec::Source(source) => Some(source),
            _ => None,
        })
        .collect();
    let [source] = sources.as_slice() else { panic!("{} sources", sources.len()) };
    let decoded: Vec<_> = source.decode.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(decoded, ["k", "a", "b", "ts", "flag"], "ts is for the watermark; d and x are not decoded");
    let output: Vec<_> = source.schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(output, ["k", "a", "b", "flag"]);
    assert_eq!(source.watermark.as_ref().unwrap().time_name, "ts");
}

/// Of columns that are rows only the fields that somebody reads are decoded, through views, windows and aggregates.
#[test]
fn of_rows_only_the_read_fields_are_decoded() {
    use millstream_expr::type_name;
    use millstream_plan::OperatorSpec;
    const EVENTS: &str = "CREATE TABLE n (kind INT, person ROW<id BIGINT, at TIMESTAMP(3), name STRING>,
        bid ROW<price BIGINT, at TIMESTAMP(3), more ROW<a INT, b STRING>>,
        ts AS CASE WHEN kind = 0 THEN person.at ELSE bid.at END,
        WATERMARK FOR ts AS ts - INTERVAL '4' SECOND) WITH ('connector' = 'events');
        CREATE VIEW bids AS SELECT bid.price, bid.more, ts FROM n WHERE kind = 2;";
    let decoded = |query: &str| {
        let job = compile_at(&format!("{EVENTS}\n{query}"), 2)
            .unwrap_or_else(|e| panic!("{query}: {e}"))
            .job
            .unwrap();
        let mut operators = job.chains.iter().flat_map(|chain| &chain.operators);
        let source = operators.find_map(|operator| match operator {
            OperatorSpec::Source(source) => Some(source),
            _ => None,
        });
        let fields = source.unwrap().decode.fields().iter();
        fields
            .map(|f| format!("{} {}", f.name(), type_name(f.data_type()).replace('`', "")))
            .collect::<Vec<_>>()
            .join("; ")
    };
    let times = "person ROW<at TIMESTAMP(3)>; bid ROW<at TIMESTAMP(3)>";
    let price = "kind INT; person ROW<at TIMESTAMP(3)>; bid ROW<price BIGINT, at TIMESTAMP(3)>";
    let cases = [
        ("SELECT kind FROM n", format!("kind INT; {times}")),
        ("SELECT price FROM bids", price.to_owned()),
        ("SELECT ts, SUM(b.price) FROM bids AS b GROUP BY ts", price.to_owned()),
        ("SELECT window_end, MAX(bid.price) FROM TABLE(TUMBLE(TABLE n, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end", price.to_owned()),
        ("SELECT q.bid.price FROM (SELECT * FROM n) AS q WHERE q.kind = 2", price.to_owned()),
        ("SELECT bid.price FROM n UNION ALL SELECT person.id FROM n", "kind INT; person ROW<id BIGINT, at TIMESTAMP(3)>; bid ROW<price BIGINT, at TIMESTAMP(3)>".to_owned()),
        ("SELECT b.more.b FROM bids AS b", "kind INT; person ROW<at TIMESTAMP(3)>; bid ROW<at TIMESTAMP(3), more ROW<b STRING>>".to_owned()),
        ("SELECT bid FROM n", "kind INT; person ROW<at TIMESTAMP(3)>; bid ROW<price BIGINT, at TIMESTAMP(3), more ROW<a INT, b STRING>>".to_owned()),
    ];
    for (query, expected) in cases {
        assert_eq!(decoded(query), expected, "{query}");
    }
}
