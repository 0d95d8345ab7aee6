//! Stable names of operators, and hashes of what they mean.
//!
//! State belongs to a uid. A stateful operator's uid is a hash of its kind, keys and calls, written in terms of where
//! their columns come from, and of the uids of its nearest stateful or source ancestors: so neither a filter in between,
//! nor an alias, nor the order of statements changes it. The meaning is a hash of everything, upstream included: it tells
//! `Kept` from `Kept, input changed`. Both are persistent formats: a change of either loses users' state.

use datafusion_expr::Expr;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

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

/// Uid of a stateful operator.
pub(crate) fn stateful_uid(kind: &str, keys: &[String], calls: &[String], anchors: &[String]) -> String {
    let text =
        format!("{kind}\nkeys {}\ncalls {}\nof {}", keys.join(", "), calls.join(", "), anchors.join(", "));
    format!("{kind}-{}", short_hash(&text))
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
    use super::*;

    /// Golden values: they are part of every savepoint.
    #[test]
    fn hashes_never_change() {
        assert_eq!(short_hash("millstream"), "bd33922758440f84");
        let keys = ["flights.origin".to_owned()];
        let calls = ["COUNT(*)".to_owned()];
        let uid = stateful_uid("aggregate", &keys, &calls, &["source-flights".to_owned()]);
        assert_eq!(uid, "aggregate-f1ba80c217865b92");
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
