use std::sync::Arc;

use arrow::array::{AsArray, BinaryArray, Decimal128Array, Float32Array, Int32Array, UInt16Array};
use arrow::datatypes::{Decimal128Type, Float64Type, Int64Type};
use millstream_checkpoint::{Manifest, OperatorState, Outcome};
use millstream_model::snapshot::{OperatorCounters, OperatorFacts};
use millstream_model::{Attempt, CheckpointId, Epoch, Generation, JobIdentity, KeyGroupRange, Watermark};

use super::*;
use crate::manifest::{SavedColumn, SavedFile};

fn uid(name: &str) -> OperatorUid {
    OperatorUid(name.to_owned())
}

/// `i INT32 NOT NULL, f FLOAT32, d DECIMAL(10, 2)`
fn saved_fields() -> Vec<Field> {
    vec![
        Field::new("i", DataType::Int32, false),
        Field::new("f", DataType::Float32, true),
        Field::new("d", DataType::Decimal128(10, 2), true),
    ]
}

fn table(operator: &str, name: &str, fields: &[Field]) -> SavedTable {
    let column = |(i, f): (usize, &Field)| SavedColumn {
        field_id: 1_000 + i as i32,
        name: f.name().clone(),
        data_type: f.data_type().clone(),
        is_nullable: f.is_nullable(),
    };
    let key_groups = KeyGroupRange { start: 0, end: 8 };
    SavedTable {
        operator: uid(operator),
        name: name.to_owned(),
        buckets: 1,
        columns: fields.iter().enumerate().map(column).collect(),
        files: vec![SavedFile { key: "0/x".to_owned(), length: 1, checksum: 2, rows: 7, key_groups }],
    }
}

fn manifest(tables: Vec<SavedTable>) -> SavepointManifest {
    let operator = |name: &str| OperatorState {
        uid: uid(name),
        name: format!("Operator({name})"),
        meaning: String::new(),
        parallelism: 1,
        is_stateful: true,
        segments: vec![],
        facts: OperatorFacts {
            operator: uid(name),
            watermark: Watermark::MIN,
            counters: OperatorCounters::default(),
        },
    };
    let state = Manifest {
        job: JobIdentity { namespace: "n".into(), name: "j".into(), uid: "u".into() },
        checkpoint: CheckpointId(1),
        generation: Generation(1),
        attempt: Attempt(1),
        created_at_ms: 0,
        max_parallelism: 8,
        fingerprint: String::new(),
        sql: String::new(),
        engine_version: String::new(),
        outcome: Outcome::Running,
        operators: vec![operator("agg"), operator("join")],
        sources: vec![],
        sinks: vec![],
        finished: vec![],
    };
    SavepointManifest {
        name: "s".into(),
        attempt: 0,
        epoch: Epoch(1),
        lineage: String::new(),
        created_at_ms: 0,
        engine_version: String::new(),
        state,
        tables,
    }
}

fn expected(tables: &[(&str, &str, Vec<Field>)], droppable: &[&str]) -> ExpectedState {
    let mut operators: Vec<ExpectedOperator> = Vec::new();
    for (operator, name, columns) in tables {
        let table = ExpectedTable {
            name: (*name).to_owned(),
            columns: columns.clone(),
            dispensable: vec!["seen".to_owned()],
            indispensable: Vec::new(),
        };
        match operators.iter_mut().find(|o| o.uid == uid(operator)) {
            Some(operator) => operator.tables.push(table),
            None => operators.push(ExpectedOperator {
                uid: uid(operator),
                name: format!("Operator({operator})"),
                tables: vec![table],
            }),
        }
    }
    ExpectedState { operators, droppable: droppable.iter().map(|d| (*d).to_owned()).collect() }
}

fn with(change: impl Fn(&mut Vec<Field>)) -> Vec<Field> {
    let mut fields = saved_fields();
    change(&mut fields);
    fields
}

#[test]
fn what_is_allowed_and_what_is_listed() {
    let field = |name: &str, data_type, nullable| Field::new(name, data_type, nullable);
    let at = "operator agg (Operator(agg)), table main, column ";
    // (columns of the job, differences)
    let table_of_cases: Vec<(Vec<Field>, Vec<String>)> = vec![
        (saved_fields(), vec![]),
        (with(|f| f.reverse()), vec![]),
        (with(|f| f.push(field("new", DataType::Utf8, true))), vec![]),
        (with(|f| f.insert(0, field("new", DataType::Decimal128(38, 10), true))), vec![]),
        (with(|f| f[0] = field("i", DataType::Int64, false)), vec![]),
        (with(|f| f[0] = field("i", DataType::Int64, true)), vec![]),
        (with(|f| f[0] = field("i", DataType::Int32, true)), vec![]),
        (with(|f| f[1] = field("f", DataType::Float64, true)), vec![]),
        (with(|f| f[2] = field("d", DataType::Decimal128(38, 2), true)), vec![]),
        (
            with(|f| f.push(field("new", DataType::Utf8, false))),
            vec![format!("{at}new: was absent, is Utf8 NOT NULL")],
        ),
        (with(|f| drop(f.remove(1))), vec![format!("{at}f: was Float32, is absent")]),
        (
            with(|f| f[0] = field("i", DataType::Int16, false)),
            vec![format!("{at}i: was Int32 NOT NULL, is Int16 NOT NULL")],
        ),
        (
            with(|f| f[0] = field("i", DataType::Float64, false)),
            vec![format!("{at}i: was Int32 NOT NULL, is Float64 NOT NULL")],
        ),
        (
            with(|f| f[1] = field("f", DataType::Float32, false)),
            vec![format!("{at}f: was Float32, is Float32 NOT NULL")],
        ),
        (
            with(|f| f[2] = field("d", DataType::Decimal128(38, 3), true)),
            vec![format!("{at}d: was Decimal128(10, 2), is Decimal128(38, 3)")],
        ),
        (
            with(|f| f[2] = field("d", DataType::Decimal128(9, 2), true)),
            vec![format!("{at}d: was Decimal128(10, 2), is Decimal128(9, 2)")],
        ),
        (
            vec![field("x", DataType::Int8, true), field("i", DataType::Utf8, true)],
            vec![
                format!("{at}i: was Int32 NOT NULL, is Utf8"),
                format!("{at}f: was Float32, is absent"),
                format!("{at}d: was Decimal128(10, 2), is absent"),
            ],
        ),
    ];
    let saved = manifest(vec![table("agg", "main", &saved_fields())]);
    for (columns, differences) in table_of_cases {
        let wanted = expected(&[("agg", "main", columns.clone())], &[]);
        let found = match plan(&saved, Some(&wanted)) {
            Ok(plans) => {
                assert_eq!(plans[0].fields, columns);
                vec![]
            }
            Err(found) => found.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(found, differences, "{columns:?}");
    }
}

#[test]
fn what_must_know_all_rows_does_not_begin_empty() {
    let saved = manifest(vec![table("agg", "main", &saved_fields())]);
    let columns = with(|f| f.push(Field::new("COUNT(*)", DataType::Int64, true)));
    let wanted = |droppable: &[&str], is_needed| {
        let mut wanted = expected(&[("agg", "main", columns.clone())], droppable);
        wanted.operators[0].tables[0].indispensable =
            if is_needed { vec!["COUNT(*)".into()] } else { vec![] };
        plan(&saved, Some(&wanted)).map(|plans| plans.len())
    };
    assert_eq!(wanted(&[], false), Ok(1));
    let found = wanted(&[], true).unwrap_err();
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "operator agg (Operator(agg)), table main, column COUNT(*): was absent, is Int64 over rows that are updated, which must \
          know all of them (name agg.main to count anew)"
        ]
    );
    assert_eq!(wanted(&["agg.main"], true), Ok(0));
}

#[test]
fn tables_are_lost_only_by_name() {
    let saved = manifest(vec![
        table("agg", "main", &saved_fields()),
        table("agg", "call1", &saved_fields()),
        table("join", "left", &saved_fields()),
    ]);
    let main = || ("agg", "main", saved_fields());
    let is_absent = |place: &str, uid: &str, label: &str| {
        format!("operator {place}: was 7 rows, is absent (name {uid} or {label} to lose it)")
    };
    let call1 = is_absent("agg (Operator(agg)), table call1", "agg", "agg.call1");
    let left = is_absent("join (Operator(join)), table left", "join", "join.left");
    // (expected, restored tables or differences)
    let cases: Vec<(ExpectedState, Result<Vec<&str>, Vec<String>>)> = vec![
        (expected(&[main()], &[]), Err(vec![call1.clone(), left.clone()])),
        (expected(&[main()], &["join"]), Err(vec![call1])),
        (expected(&[main()], &["agg.call1"]), Err(vec![left])),
        (expected(&[main()], &["agg.call1", "join"]), Ok(vec!["agg.main"])),
        (expected(&[main()], &["agg.call1", "join.left"]), Ok(vec!["agg.main"])),
        (expected(&[main()], &["agg", "join"]), Ok(vec![])),
        (
            expected(&[main(), ("agg", "call1", saved_fields()), ("agg", "call2", saved_fields())], &["join"]),
            Err(vec![
                "operator agg (Operator(agg)), table call2: was absent, is (i Int32 NOT NULL, f Float32, d Decimal128(10, 2))"
                    .to_owned(),
            ]),
        ),
        (
            expected(&[main(), ("new", "main", saved_fields())], &["agg.call1", "join"]),
            Ok(vec!["agg.main"]),
        ),
    ];
    for (wanted, outcome) in cases {
        let found = plan(&saved, Some(&wanted));
        let found = found
            .map(|plans| plans.iter().map(|p| p.table.label()).collect::<Vec<_>>())
            .map_err(|differences| differences.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(found, outcome.map(|o| o.into_iter().map(str::to_owned).collect()), "{wanted:?}");
    }
    assert_eq!(plan(&saved, None).unwrap().len(), 3);
}

#[test]
fn columns_of_one_name_are_not_told_apart() {
    let twice = vec![Field::new("x", DataType::Int32, true), Field::new("x", DataType::Int64, true)];
    let saved = manifest(vec![table("agg", "main", &twice)]);
    assert!(plan(&saved, Some(&expected(&[("agg", "main", twice.clone())], &[]))).is_ok());
    let wider = vec![Field::new("x", DataType::Int64, true), Field::new("x", DataType::Int64, true)];
    let differences = plan(&saved, Some(&expected(&[("agg", "main", wider)], &[]))).unwrap_err();
    assert_eq!((differences.len(), differences[0].was.as_str()), (1, "x Int32, x Int64"));
}

#[test]
fn values_keep_their_meaning() {
    let saved = manifest(vec![table("agg", "main", &saved_fields())]);
    let wanted = vec![
        Field::new("new", DataType::Utf8, true),
        Field::new("d", DataType::Decimal128(38, 2), true),
        Field::new("i", DataType::Int64, true),
        Field::new("f", DataType::Float64, true),
    ];
    let wanted = expected(&[("agg", "main", wanted)], &[]);
    let plans = plan(&saved, Some(&wanted)).unwrap();
    let decimals = Decimal128Array::from(vec![Some(-1_234_567_890), None]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt16Array::from(vec![1, 2])),
        Arc::new(BinaryArray::from_iter_values([b"a", b"b"])),
        Arc::new(Int32Array::from(vec![i32::MIN, 7])),
        Arc::new(Float32Array::from(vec![Some(1.5), None])),
        Arc::new(decimals.with_precision_and_scale(10, 2).unwrap()),
    ];
    let rows = RecordBatch::try_new(plans[0].table.schema(), columns).unwrap();
    let values = plans[0].values(&rows).unwrap();
    assert_eq!(values[0].null_count(), 2);
    assert_eq!(
        values[1].as_primitive::<Decimal128Type>().iter().collect::<Vec<_>>(),
        [Some(-1_234_567_890), None]
    );
    assert_eq!(values[2].as_primitive::<Int64Type>().values().to_vec(), [i64::from(i32::MIN), 7]);
    assert_eq!(values[3].as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), [Some(1.5), None]);
}

#[test]
fn a_column_that_may_be_missing_is_no_difference() {
    let mut fields = saved_fields();
    fields.push(Field::new("seen", DataType::Int64, true));
    let saved = manifest(vec![table("agg", "main", &fields)]);
    let wanted = expected(&[("agg", "main", saved_fields())], &[]);
    assert_eq!(plan(&saved, Some(&wanted)).unwrap()[0].fields, saved_fields());
}

#[test]
fn an_operator_is_found_again_by_its_shape_if_it_is_the_only_one() {
    let shape = |shape: char, computed: char| {
        format!("aggregate-{}_{}", shape.to_string().repeat(16), computed.to_string().repeat(8))
    };
    let (old, new, third) = (shape('a', '1'), shape('a', '2'), shape('a', '3'));
    let other = shape('b', '1');
    // (in the savepoint, in the job, what goes on as what)
    type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 7] = [
        (&[&old], &[&old], &[]),
        (&[&old], &[&new], &[(&old, &new)]),
        (&[&old], &[&other], &[]),
        (&[&old], &[&new, &third], &[]),
        (&[&old, &new], &[&third], &[]),
        (&[&old, &new], &[&new, &third], &[(&old, &third)]),
        (&["my-alias", &old], &["my-name", &new], &[(&old, &new)]),
    ];
    for (saved, wanted, pairs) in cases {
        let mut saved_state = manifest(saved.iter().map(|uid| table(uid, "main", &saved_fields())).collect());
        let template = saved_state.state.operators[0].clone();
        saved_state.state.operators =
            saved.iter().map(|name| OperatorState { uid: uid(name), ..template.clone() }).collect();
        let tables: Vec<_> = wanted.iter().map(|uid| (*uid, "main", saved_fields())).collect();
        let found = successors(&saved_state, &expected(&tables, &[]));
        let pairs: BTreeMap<_, _> = pairs.iter().map(|(old, new)| (uid(old), uid(new))).collect();
        assert_eq!(found, pairs, "{saved:?} -> {wanted:?}");
    }
    let saved = manifest(vec![table("agg", "main", &saved_fields())]);
    assert!(successors(&saved, &expected(&[("new", "main", saved_fields())], &["agg"])).is_empty());
}
