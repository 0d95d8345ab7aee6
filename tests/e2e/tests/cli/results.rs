//! The result of a bare SELECT on stdout.

use std::fs;

use super::{ORDERS, folder, millstream_in};

const VALUES: &str = "CREATE TABLE orders (id INT, customer STRING, amount DECIMAL(8, 2), f DOUBLE, b BOOLEAN, d DATE, t TIMESTAMP(3), l TIMESTAMP_LTZ(3))
  WITH ('connector' = 'filesystem', 'path' = 'values.json', 'format' = 'json');
SELECT * FROM orders;\n";
const RECORDS: &str = "{\"id\":1,\"customer\":\"a,\\\"b\\\"\",\"amount\":1.5,\"f\":0.5,\"b\":true,\"d\":\"2024-01-01\",\"t\":\"2024-01-01 10:00:00.5\",\"l\":\"2024-01-01 10:00:00Z\"}
{\"id\":2,\"customer\":\"\",\"amount\":null,\"f\":1e300}\n";

#[test]
fn each_form_writes_each_type_as_promised() {
    let folder = folder();
    fs::write(folder.path().join("values.json"), RECORDS).unwrap();
    fs::write(folder.path().join("values.sql"), VALUES).unwrap();
    for (form, expected) in [
        (
            "json",
            "{\"op\":\"+I\",\"id\":1,\"customer\":\"a,\\\"b\\\"\",\"amount\":\"1.50\",\"f\":0.5,\"b\":true,\"d\":\"2024-01-01\",\"t\":\"2024-01-01 10:00:00.500\",\"l\":\"2024-01-01 10:00:00.000Z\"}
{\"op\":\"+I\",\"id\":2,\"customer\":\"\",\"amount\":null,\"f\":1e+300,\"b\":null,\"d\":null,\"t\":null,\"l\":null}\n",
        ),
        (
            "changelog",
            "+I[1, a,\"b\", 1.50, 0.5, true, 2024-01-01, 2024-01-01T10:00:00.500, 2024-01-01T10:00:00Z]
+I[2, , null, 1.0E300, null, null, null, null]\n",
        ),
    ] {
        let ended = millstream_in(folder.path(), &format!("run values.sql -o {form}"));
        assert_eq!(ended.code(0).stdout, expected, "{form}");
    }
    let csv = millstream_in(folder.path(), "run values.sql -o csv");
    let lines: Vec<&str> = csv.code(0).stdout.lines().collect();
    assert_eq!(lines[0], "op,id,customer,amount,f,b,d,t,l");
    assert!(lines[1].starts_with("+I,1,\"a,\"\"b\"\"\",1.50,0.5,TRUE,2024-01-01,"), "{csv}");
    assert!(lines[2].starts_with("+I,2,\"\",,") && lines[2].ends_with(",,,,"), "{csv}");
}

#[test]
fn a_table_holds_the_final_rows_and_the_others_every_change() {
    let folder = folder();
    fs::write(
        folder.path().join("query.sql"),
        format!("{ORDERS}SELECT orders, COUNT(*) AS customers FROM (SELECT customer, COUNT(*) AS orders FROM orders GROUP BY customer) GROUP BY orders;"),
    )
    .unwrap();
    let table = millstream_in(folder.path(), "run query.sql -o table");
    table.code(0);
    let rows: Vec<String> = table
        .stdout
        .lines()
        .map(|l| l.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for row in ["orders customers", "3 1", "2 1", "1 1", "3 rows"] {
        assert!(rows.iter().any(|r| r == row), "{row}: {table}");
    }
    // Folded, every change gives the same rows.
    let json = millstream_in(folder.path(), "run query.sql -o json");
    let mut folded = std::collections::BTreeMap::new();
    for line in json.code(0).stdout.lines() {
        let change: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line.starts_with("{\"op\":\""), "{line}");
        let sign = if change["op"].as_str().unwrap().starts_with('+') { 1 } else { -1 };
        *folded.entry((change["orders"].as_i64(), change["customers"].as_i64())).or_insert(0) += sign;
    }
    folded.retain(|_, n| *n != 0);
    let expected = [(Some(1), Some(1)), (Some(2), Some(1)), (Some(3), Some(1))];
    assert_eq!(folded, expected.map(|row| (row, 1)).into());
}

/// The cells of a table, row by row.
fn rows_of(table: &str) -> Vec<String> {
    let rows = table.lines().filter(|l| l.contains('│'));
    rows.map(|l| l.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn groups_are_shown_in_the_order_of_their_key() {
    let folder = folder();
    let path = folder.path();
    let ids: Vec<String> = (0..500_u32).map(|n| (n * 7_919 % 1_000).to_string()).collect();
    for (name, part) in ["a", "b", "c"].into_iter().zip(ids.chunks(170)) {
        fs::create_dir_all(path.join("ids")).unwrap();
        fs::write(path.join(format!("ids/{name}.csv")), part.join("\n") + "\n").unwrap();
    }
    let table =
        "CREATE TABLE ids (id INT) WITH ('connector' = 'filesystem', 'path' = 'ids', 'format' = 'csv');\n";
    let by_key = format!("{table}SELECT COUNT(*) AS n, MOD(id, 120) AS k FROM ids GROUP BY MOD(id, 120);");
    let without = format!("{table}SELECT COUNT(*) AS n FROM ids GROUP BY MOD(id, 7);");
    fs::write(path.join("by_key.sql"), by_key).unwrap();
    fs::write(path.join("without.sql"), without).unwrap();
    for parallelism in [1, 3] {
        let run = |file: &str| {
            let line = format!("run {file} -o table --set parallelism.default={parallelism}");
            rows_of(&millstream_in(path, &line).code(0).stdout)
        };
        let keys: Vec<u32> = run("by_key.sql")[1..]
            .iter()
            .map(|row| row.split_whitespace().nth(1).unwrap().parse().unwrap())
            .collect();
        assert_eq!(keys, (0..120).collect::<Vec<_>>(), "numbers, not texts, at parallelism {parallelism}");
        // Where the key is not among the columns, everything is.
        let counts: Vec<u32> = run("without.sql")[1..].iter().map(|row| row.parse().unwrap()).collect();
        assert!(counts.len() == 7 && counts.is_sorted(), "{counts:?}");
    }
    // Rows that are only read stay as they come.
    fs::write(path.join("ids/b.csv"), "").unwrap();
    fs::write(path.join("ids/c.csv"), "").unwrap();
    fs::write(path.join("read.sql"), format!("{table}SELECT id FROM ids;")).unwrap();
    assert_eq!(rows_of(&millstream_in(path, "run read.sql -o table").code(0).stdout)[1..], ids[..170]);
}

#[test]
fn without_a_terminal_changes_are_printed_and_nothing_is_kept() {
    let folder = folder();
    for _ in 0..2 {
        let ended = millstream_in(folder.path(), "run query.sql");
        let mut lines: Vec<&str> = ended.code(0).stdout.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["+I[ann, 3, 18.75]", "+I[bob, 2, 8.00]", "+I[cat, 1, 2.00]"], "{ended}");
        assert!(!folder.path().join(".millstream").exists(), "a bare SELECT left state");
    }
}

#[test]
fn a_select_without_rows_has_an_empty_result() {
    let folder = folder();
    fs::write(folder.path().join("none.sql"), format!("{ORDERS}SELECT id FROM orders WHERE id > 99;"))
        .unwrap();
    for (form, stdout) in [("changelog", ""), ("json", ""), ("csv", "op,id\n")] {
        let ended = millstream_in(folder.path(), &format!("run none.sql -o {form}"));
        assert_eq!(ended.code(0).stdout, stdout, "{form}");
    }
    millstream_in(folder.path(), "run none.sql -o table").code(0).prints("0 rows");
}

#[test]
fn explain_prints_a_plan() {
    let folder = folder();
    fs::write(folder.path().join("explain.sql"), format!("{ORDERS}EXPLAIN SELECT id FROM orders;")).unwrap();
    millstream_in(folder.path(), "run explain.sql").code(0).prints("Source(orders)");
}
