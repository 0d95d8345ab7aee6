//! Manifests: the place is that in the file.

use super::{Case, check};

const CASES: &[Case] = &[
    Case { files: &[("m.yaml", b"a: [1")], line: "run m.yaml", code: 2, says: &["m.yaml:1:4: is not valid YAML"] },
    Case { files: &[("m.yaml", b"")], line: "run m.yaml", code: 2, says: &["m.yaml:1:1: is empty"] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v9
kind: StreamJob
metadata:
  name: j
spec:
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT id FROM t;
"#)], line: "run m.yaml", code: 2, says: &[r#"m.yaml:1:13: apiVersion: "millstream.dev/v9" is not millstream.dev/v1alpha1"#] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v1alpha1
kind: Deployment
metadata:
  name: j
spec:
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT id FROM t;
"#)], line: "run m.yaml", code: 2, says: &[r#"m.yaml:2:7: kind: "Deployment" is not StreamJob"#] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata:
  name: j
spec:
  paralelism: 2
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT id FROM t;
"#)], line: "run m.yaml", code: 2, says: &["m.yaml:6:3: spec.paralelism: is not a field (did you mean parallelism?)"] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata:
  name: j
spec:
  parallelism: 0
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT id FROM t;
"#)], line: "run m.yaml", code: 2, says: &["m.yaml:6:16: spec.parallelism: 0 is not at least 1"] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata:
  name: j
spec:
  parallelism: two
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT id FROM t;
"#)], line: "run m.yaml", code: 2, says: &[r#"m.yaml:6:16: spec.parallelism: is the text "two", not a whole number"#] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata:
  name: j
spec:
  parallelism: 200
  maxParallelism: 100
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT id FROM t;
"#)], line: "run m.yaml", code: 2, says: &["m.yaml:6:16: spec.parallelism: 200 is larger than spec.maxParallelism (100)"] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata:
  name: j
spec:
  checkpoint: {interval: 5}
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT id FROM t;
"#)], line: "run m.yaml", code: 2, says: &["m.yaml:6:26: spec.checkpoint.interval: is the number 5, not a text (add a unit"] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata:
  name: j
spec:
  checkpoint: {interval: 10 parsecs}
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT id FROM t;
"#)], line: "run m.yaml", code: 2, says: &[r#"m.yaml:6:26: spec.checkpoint.interval: "10 parsecs" is not a duration"#] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata:
  name: j
spec:
  checkpoint: {retained: 0}
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT id FROM t;
"#)], line: "run m.yaml", code: 2, says: &["m.yaml:6:26: spec.checkpoint.retained: 0 is outside of 1 to 1000"] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata:
  name: j
spec:
"#)], line: "run m.yaml", code: 2, says: &["m.yaml:5:5: spec: is nothing, not a map"] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata:
  name: J_1
spec:
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT id FROM t;
"#)], line: "run m.yaml", code: 2, says: &[r#"m.yaml:4:9: metadata.name: "J_1" is not a name that Kubernetes accepts"#] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata:
  name: j
spec:
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT id FROM t;
  sqlFrom: {configMapKeyRef: {name: a, key: b}}
"#)], line: "run m.yaml", code: 2, says: &["m.yaml:9:12: spec.sqlFrom: stands beside spec.sql"] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata:
  name: j
spec:
  state: {backend: Disk}
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT id FROM t;
"#)], line: "run m.yaml", code: 2, says: &[r#"m.yaml:6:20: spec.state.backend: "Disk" is none of Memory, RocksDB"#] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata:
  name: j
spec:
  desiredState: Paused
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT id FROM t;
"#)], line: "run m.yaml", code: 2, says: &[r#"m.yaml:6:17: spec.desiredState: "Paused" is none of Running, Suspended"#] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata:
  name: j
spec:
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT id FROM t;
---
apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata:
  name: j
spec:
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT id FROM t;
"#)], line: "run m.yaml", code: 2, says: &["m.yaml:10:1: holds 2 documents"] },
    Case { files: &[("m.json", br#"{"apiVersion": "millstream.dev/v1alpha1"}"#)], line: "run m.json", code: 2, says: &["m.json:1:1: kind: is missing"] },
    Case { files: &[("m.yaml", b"\xff\xfe\x00")], line: "run m.yaml", code: 2, says: &["m.yaml: is not UTF-8 text (byte 0)"] },
    Case { files: &[("m.yaml", br#"apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata:
  name: j
spec:
  sql: |
    CREATE TABLE t (id INT, name STRING, at TIMESTAMP(3)) WITH ('connector'='filesystem','path'='t.csv','format'='csv');
    SELECT idd FROM t;
"#)], line: "run m.yaml", code: 2, says: &["unknown column `idd`", "m.yaml:2:8", "in the manifest: m.yaml:8:12", "did you mean `id`?"] },
];

#[test]
fn every_bad_manifest_is_refused_with_its_place() {
    check(CASES);
}
