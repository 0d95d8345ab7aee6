//! Stable names of operators, and hashes of what they mean.
//!
//! State belongs to a uid. A stateful operator's uid is made of its kind, keys and calls, written in terms of where their
//! columns come from, and of the uids of its nearest stateful or source ancestors: so neither a filter in between, nor an
//! alias, nor the order of statements changes it. Its first hash, the shape, leaves the calls out, also those of its
//! ancestors: a savepoint finds the operator again when a query computes one thing more for every key. The meaning is a hash of
//! everything, upstream included: it tells
//! `Kept` from `Kept, input changed`. Both are persistent formats: a change of either loses users' state.
//!
//! Keys have their types with them, since the same key of another type is other bytes in the state.

use arrow::datatypes::SchemaRef;
use datafusion_expr::Expr;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use millstream_expr::type_name;
use millstream_model::OperatorUid;

use super::text::sql_text;

/// Lineages longer than this are hashed, so that deep expressions stay small.
const MAX_LINEAGE_CHARS: usize = 160;

/// 16 hexadecimal digits for a uid.
pub(crate) fn short_hash(text: &str) -> String {
    format!("{:016x}", xxh3_64(text.as_bytes()))
}

/// 32 hexadecimal digits for a meaning or a fingerprint.
pub(crate) fn long_hash(text: &str) -> String {
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

/// Uid of a stateful operator: `<kind>-<16 digits of its shape>_<8 digits of its calls>`.
pub(crate) fn stateful_uid(kind: &str, keys: &[String], calls: &[String], anchors: &[String]) -> String {
    let ancestors: Vec<&str> = anchors.iter().map(|uid| shape_of(uid)).collect();
    let shape = short_hash(&format!("{kind}\nkeys {}\nof {}", keys.join(", "), ancestors.join(", ")));
    let computed = short_hash(&format!("calls {}\nof {}", calls.join(", "), anchors.join(", ")));
    format!("{kind}-{shape}_{}", &computed[..8])
}

/// Lineages of key columns with the types that they are stored in.
pub(crate) fn typed_keys(lineages: &[String], keys: &[usize], schema: &SchemaRef) -> Vec<String> {
    let typed = |(lineage, key): (&String, &usize)| {
        format!("{lineage} {}", type_name(schema.field(*key).data_type()))
    };
    lineages.iter().zip(keys).map(typed).collect()
}

/// The part of an ancestor's uid that does not tell what it computes.
pub(crate) fn shape_of(uid: &str) -> &str {
    OperatorUid::shape_of(uid).unwrap_or(uid)
}

/// Where an expression's value comes from: its text with each column replaced by that column's lineage.
pub(crate) fn lineage_of(expr: &Expr, names: &dyn Fn(&str) -> Option<String>) -> String {
    shorten(sql_text(expr, names))
}

fn shorten(text: String) -> String {
    if text.chars().count() <= MAX_LINEAGE_CHARS { text } else { format!("#{}", short_hash(&text)) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    /// Golden values: they are part of every savepoint.
    #[test]
    fn hashes_never_change() {
        assert_eq!(short_hash("millstream"), "bd33922758440f84");
        let keys = ["flights.origin".to_owned()];
        let calls = ["COUNT(*)".to_owned()];
        let uid = stateful_uid("aggregate", &keys, &calls, &["source-flights".to_owned()]);
        assert_eq!(uid, "aggregate-2d5760c71469c849_6088cfc5");
        let above = stateful_uid("aggregate", &keys, &calls, std::slice::from_ref(&uid));
        let other = stateful_uid(
            "aggregate",
            &keys,
            &["MAX(flights.delay)".to_owned()],
            &["source-flights".to_owned()],
        );
        assert_eq!(shape_of(&other), shape_of(&uid));
        let above_other = stateful_uid("aggregate", &keys, &calls, &[other]);
        assert_eq!(shape_of(&above), shape_of(&above_other));
        assert_ne!(above, above_other);
    }

    #[test]
    fn a_key_of_another_type_is_another_shape() {
        let uid = |data_type| {
            let schema = Arc::new(Schema::new(vec![Field::new("n", data_type, true)]));
            let keys = typed_keys(&["t.k".to_owned()], &[0], &schema);
            stateful_uid("aggregate", &keys, &[], &[])
        };
        assert_eq!(
            typed_keys(
                &["t.k".to_owned()],
                &[0],
                &Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, true)]))
            ),
            ["t.k INT"]
        );
        assert_ne!(shape_of(&uid(DataType::Int32)), shape_of(&uid(DataType::Int64)));
    }

    #[test]
    fn lineage_speaks_of_origins() {
        let names = |name: &str| (name == "x").then(|| "t.a".to_owned());
        let column = crate::lower::stream::reference;
        assert_eq!(lineage_of(&column("x"), &names), "t.a");
        assert_eq!(lineage_of(&(column("x") + column("y")).alias("z"), &names), "t.a + y");
        let long = (0..100).fold(column("x"), |sum, _| sum + column("x"));
        assert_eq!(lineage_of(&long, &names).len(), 17);
    }
}
