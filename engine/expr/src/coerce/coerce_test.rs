use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion_common::ScalarValue;
use datafusion_expr::expr::Cast;
use datafusion_expr::logical_plan::builder::LogicalTableSource;
use datafusion_expr::{LogicalPlanBuilder, col, when};

use super::*;
use crate::cast::type_field;

fn table() -> LogicalPlanBuilder {
    let schema = Schema::new(vec![
        Field::new("a", DataType::Int32, true),
        Field::new("d", DataType::Decimal128(10, 2), true),
        Field::new("s", DataType::Utf8, true),
    ]);
    let source = Arc::new(LogicalTableSource::new(Arc::new(schema)));
    LogicalPlanBuilder::scan("t", source, None).unwrap()
}

#[test]
fn a_plan_gets_flinks_types_and_keeps_its_names() {
    let case = when(col("a").gt(lit(1)), col("a")).otherwise(col("d")).unwrap();
    let cut = Expr::Cast(Cast::new_from_field(Box::new(col("s")), type_field(&SqlType::Varchar(3))));
    let plan = table()
        .filter(col("s").like(lit(r"a\_%")))
        .unwrap()
        .project(vec![case.clone(), cut.clone(), col("a").alias("b")])
        .unwrap()
        .build()
        .unwrap();
    let names: Vec<String> = plan.schema().field_names();
    let coerced = coerce_plan(plan).unwrap();
    assert_eq!(coerced.schema().field_names(), names);
    let types: Vec<&DataType> = coerced.schema().fields().iter().map(|field| field.data_type()).collect();
    assert_eq!(types, [&DataType::Decimal128(12, 2), &DataType::Utf8, &DataType::Int32]);
    let shown = coerced.display_indent().to_string();
    assert!(shown.contains("CAST AS VARCHAR(3)"), "{shown}");
    assert!(shown.contains(r"a\\_%"), "{shown}");
    assert_eq!(coerce_plan(coerced.clone()).unwrap(), coerced, "twice is once");
}

#[test]
fn branches_of_a_union_get_flinks_common_type() {
    let branch = |name: &str| table().project(vec![col(name).alias("x")]).unwrap();
    let plan = branch("a").union(branch("d").build().unwrap()).unwrap().build().unwrap();
    let coerced = coerce_plan(plan).unwrap();
    for input in coerced.inputs() {
        assert_eq!(input.schema().field(0).data_type(), &DataType::Decimal128(12, 2));
        assert_eq!(input.schema().field(0).name(), "x");
    }
    assert_eq!(coerced.schema().field(0).data_type(), &DataType::Decimal128(12, 2));
    assert_eq!(coerce_plan(coerced.clone()).unwrap(), coerced, "twice is once");
}

#[test]
fn what_has_nothing_in_common_is_refused() {
    let case = when(col("a").gt(lit(1)), col("a")).otherwise(col("s")).unwrap();
    let plan = table().project(vec![case]).unwrap().build().unwrap();
    let error = crate::plain_message(&coerce_plan(plan).unwrap_err());
    assert_eq!(error, "the branches of a CASE have no type in common: INT, STRING");
}

#[test]
fn integer_literals_stay_literals() {
    let schema = DFSchema::empty();
    let ten = lit(10_i64);
    let cases = [
        (cast(ten.clone(), &SqlType::Int, false), ScalarValue::Int32(Some(10))),
        (cast(ten.clone(), &SqlType::TinyInt, false), ScalarValue::Int8(Some(10))),
        (Expr::Cast(Cast::new(Box::new(ten), DataType::Int16)), ScalarValue::Int16(Some(10))),
    ];
    for (expr, expected) in cases {
        assert_eq!(coerce(expr, &schema).unwrap(), Expr::Literal(expected, None));
    }
    let wide = cast(lit(3_000_000_000_i64), &SqlType::Int, false);
    assert!(
        matches!(coerce(wide, &schema).unwrap(), Expr::ScalarFunction(_)),
        "wrapping happens at run time"
    );
    let ten_million = Expr::Literal(ScalarValue::Decimal128(Some(1), 1, -7), None);
    assert_eq!(coerce(ten_million, &schema).unwrap(), lit(1e7));
}
