use std::sync::Arc;

use arrow::array::{AsArray, Int32Array, StringArray};
use arrow::datatypes::{Field, Int32Type, Schema};
use datafusion_common::DFSchema;

use super::*;
use crate::testing::plan;

fn schema() -> DFSchema {
    let fields = vec![
        Field::new("a", DataType::Int32, true),
        Field::new("b", DataType::Int32, true),
        Field::new("s", DataType::Utf8, true),
    ];
    DFSchema::try_from(Schema::new(fields)).unwrap()
}

fn batch() -> RecordBatch {
    let a = Int32Array::from(vec![Some(10), Some(7), None, Some(-1)]);
    let b = Int32Array::from(vec![Some(2), Some(0), Some(0), None]);
    let s = StringArray::from(vec![Some("5"), Some("x"), None, Some("")]);
    RecordBatch::try_new(Arc::clone(schema().inner()), vec![Arc::new(a), Arc::new(b), Arc::new(s)]).unwrap()
}

fn compile(sql: &str) -> CompiledExpr {
    CompiledExpr::compile(&plan(sql, &schema()).unwrap(), &schema()).unwrap()
}

#[test]
fn a_literal_fills_every_row() {
    let compiled = compile("1 + 1");
    let array = compiled.evaluate(&batch()).unwrap();
    assert_eq!(array.as_primitive::<Int32Type>().values(), &[2, 2, 2, 2]);
    assert_eq!(compiled.column_index(), None);
    assert!(compiled.evaluate(&batch().slice(0, 0)).unwrap().is_empty());
}

#[test]
fn a_bare_column_is_known_and_not_copied() {
    let compiled = compile("b");
    assert_eq!(compiled.column_index(), Some(1));
    assert_eq!(compiled.text(), "b@1");
    assert!(compiled.nullable());
    let by_hand = CompiledExpr::column(1, "b", DataType::Int32);
    assert_eq!(by_hand.text(), compiled.text());
    assert_eq!(by_hand.data_type(), compiled.data_type());
    assert_eq!(&by_hand.evaluate(&batch()).unwrap(), batch().column(1));
    assert_eq!(format!("{by_hand} {by_hand:?}"), "b@1 CompiledExpr(b@1: Int32)");
    assert_eq!(by_hand.field("x"), Field::new("x", DataType::Int32, true));
}

#[test]
fn the_text_names_what_is_computed() {
    let cases = [
        ("a + 1", "a@0 + 1"),
        ("CAST(s AS INT)", "CAST AS INT (s@2)"),
        ("TRY_CAST(s AS DECIMAL(10, 2))", "TRY_CAST AS DECIMAL(10, 2) (s@2)"),
        ("UPPER(s)", "upper(s@2)"),
        ("a / b", "exact_divide(a@0, b@1)"),
    ];
    for (sql, text) in cases {
        assert_eq!(compile(sql).text(), text, "{sql}");
        assert_eq!(compile(sql).text(), compile(sql).text());
    }
}

#[test]
fn a_predicate_counts_null_as_false() {
    let truth = compile("a > 0").evaluate_predicate(&batch()).unwrap();
    assert_eq!(truth, BooleanArray::from(vec![true, true, false, false]));
    let truth = compile("NULL").evaluate_predicate(&batch()).unwrap();
    assert_eq!(truth, BooleanArray::from(vec![false; 4]));
    let error = compile("a").evaluate_predicate(&batch()).unwrap_err();
    assert!(error.to_string().contains("a condition must be BOOLEAN"), "{error}");
}

#[test]
fn only_the_rows_that_need_it_are_evaluated() {
    // The second row would divide 7 by zero, the second and fourth cannot be cast.
    let cases = [
        ("b <> 0 AND a / b > 1", vec![true, false, false, false]),
        ("b = 0 OR a / b > 1", vec![true, true, true, false]),
        ("IF(b = 0, 0, a / b) = 5", vec![true, false, false, false]),
        ("CASE WHEN b = 0 THEN FALSE ELSE a / b = 5 END", vec![true, false, false, false]),
        ("COALESCE(a > 0, CAST(s AS INT) > 0)", vec![true, true, false, false]),
        ("s = '5' AND CAST(s AS INT) = 5", vec![true, false, false, false]),
        ("NULLIF(a, 7) IS NULL", vec![false, true, true, false]),
        ("IFNULL(b, 3) = 3", vec![false, false, false, true]),
    ];
    for (sql, expected) in cases {
        let truth = compile(sql).evaluate_predicate(&batch()).unwrap();
        assert_eq!(truth, BooleanArray::from(expected), "{sql}");
    }
}

#[test]
fn errors_name_the_value_and_the_expression() {
    let error = compile("a / b").evaluate(&batch()).unwrap_err();
    assert_eq!(error.to_string(), "exact_divide(a@0, b@1): division of 7 by zero");
    let error = compile("CAST(s AS INT) + 1").evaluate(&batch()).unwrap_err();
    let ExprError::Value { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.to_string(), "cannot cast 'x' to INT");

    let missing = Expr::Column(datafusion_common::Column::from_name("zzz"));
    let error = CompiledExpr::compile(&missing, &schema()).unwrap_err();
    assert!(error.to_string().starts_with("cannot compile zzz: "), "{error}");
    let column = Expr::Column(datafusion_common::Column::from_name("a"));
    let error = CompiledExpr::compile_in_zone(&column, &schema(), "Nowhere").unwrap_err();
    assert!(error.to_string().contains("'Nowhere' is not a time zone"), "{error}");
}

/// 2024-01-01 00:00:00.123 UTC.
const NOW_MS: i64 = 1_704_067_200_123;

#[test]
fn the_clock_is_the_one_that_is_handed_in() {
    // (expression, in UTC, in Kolkata, which is 5:30 ahead)
    let cases = [
        ("CAST(CURRENT_TIMESTAMP AS STRING)", "2024-01-01 00:00:00.123", "2024-01-01 05:30:00.123"),
        ("CAST(NOW() AS STRING)", "2024-01-01 00:00:00.123", "2024-01-01 05:30:00.123"),
        ("CAST(PROCTIME() AS STRING)", "2024-01-01 00:00:00.123", "2024-01-01 05:30:00.123"),
        ("CAST(LOCALTIMESTAMP AS STRING)", "2024-01-01 00:00:00.123", "2024-01-01 05:30:00.123"),
        ("CAST(CURRENT_DATE AS STRING)", "2024-01-01", "2024-01-01"),
        ("CAST(LOCALTIME AS STRING)", "00:00:00", "05:30:00"),
        ("CAST(`$unix_timestamp`() AS STRING)", "1704067200", "1704067200"),
        ("IF(a > 8, CAST(CURRENT_TIME AS STRING), s)", "00:00:00", "05:30:00"),
    ];
    for (sql, utc, kolkata) in cases {
        let expr = plan(sql, &schema()).unwrap();
        for (zone, expected) in [("UTC", utc), ("Asia/Kolkata", kolkata)] {
            let compiled = CompiledExpr::compile_in_zone(&expr, &schema(), zone).unwrap();
            assert!(compiled.reads_clock(), "{sql}");
            let array = compiled.evaluate_at(&batch(), NOW_MS).unwrap();
            assert_eq!((array.len(), array.as_string::<i32>().value(0)), (4, expected), "{sql} in {zone}");
        }
    }
}

#[test]
fn without_a_time_an_expression_that_reads_the_clock_fails() {
    let compiled = compile("CURRENT_DATE > DATE '2020-01-01'");
    let error = compiled.evaluate_predicate(&batch()).unwrap_err().to_string();
    assert!(error.contains("nobody says what time it is"), "{error}");
    assert_eq!(compiled.evaluate_predicate_at(&batch(), NOW_MS).unwrap().true_count(), 4);
    assert_eq!(compiled.evaluate_predicate_at(&batch(), 0).unwrap().true_count(), 0);
    assert!(!compile("a > 1").reads_clock());
}

#[test]
fn a_column_may_have_the_name_of_the_time() {
    let schema = DFSchema::try_from(Schema::new(vec![Field::new("$now", DataType::Int32, true)])).unwrap();
    let expr = plan("IF(`$now` = 5, CURRENT_DATE, DATE '2000-01-01') > DATE '2010-01-01'", &schema).unwrap();
    let compiled = CompiledExpr::compile(&expr, &schema).unwrap();
    let column = Int32Array::from(vec![5, 6]);
    let batch = RecordBatch::try_new(Arc::clone(schema.inner()), vec![Arc::new(column)]).unwrap();
    let truth = compiled.evaluate_predicate_at(&batch, NOW_MS).unwrap();
    assert_eq!((truth.value(0), truth.value(1)), (true, false));
}

#[test]
fn the_optimizer_leaves_the_clock_alone() {
    use datafusion_expr::simplify::SimplifyContext;
    use datafusion_optimizer::simplify_expressions::ExprSimplifier;

    let expr = plan("CURRENT_DATE > DATE '2020-01-01' AND NOW() = NOW()", &schema()).unwrap();
    let context = SimplifyContext::builder().with_schema(Arc::new(schema())).build();
    let simplified = ExprSimplifier::new(context).simplify(expr).unwrap();
    let compiled = CompiledExpr::compile(&simplified, &schema()).unwrap();
    assert!(compiled.reads_clock());
    assert_eq!(compiled.evaluate_predicate_at(&batch(), 0).unwrap().true_count(), 0);
}
