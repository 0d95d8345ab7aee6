//! Types of state columns as they stand in a manifest. A persistent format: a name is never used for another type.
//!
//! The names are our own, because what Arrow prints changes with its versions. Example: `TIMESTAMP_US('UTC')`.

use arrow::datatypes::{DataType, TimeUnit};

/// Types without parameters.
const PLAIN: [(&str, DataType); 18] = [
    ("BOOLEAN", DataType::Boolean),
    ("INT8", DataType::Int8),
    ("INT16", DataType::Int16),
    ("INT32", DataType::Int32),
    ("INT64", DataType::Int64),
    ("UINT8", DataType::UInt8),
    ("UINT16", DataType::UInt16),
    ("UINT32", DataType::UInt32),
    ("UINT64", DataType::UInt64),
    ("FLOAT32", DataType::Float32),
    ("FLOAT64", DataType::Float64),
    ("UTF8", DataType::Utf8),
    ("BINARY", DataType::Binary),
    ("DATE32", DataType::Date32),
    ("TIME_S", DataType::Time32(TimeUnit::Second)),
    ("TIME_MS", DataType::Time32(TimeUnit::Millisecond)),
    ("TIME_US", DataType::Time64(TimeUnit::Microsecond)),
    ("TIME_NS", DataType::Time64(TimeUnit::Nanosecond)),
];

/// Timestamps, with or without a time zone.
const TIMESTAMPS: [(&str, TimeUnit); 4] = [
    ("TIMESTAMP_S", TimeUnit::Second),
    ("TIMESTAMP_MS", TimeUnit::Millisecond),
    ("TIMESTAMP_US", TimeUnit::Microsecond),
    ("TIMESTAMP_NS", TimeUnit::Nanosecond),
];

/// The name of a type, if the format can hold it.
pub(crate) fn name(data_type: &DataType) -> Option<String> {
    if let Some((name, _)) = PLAIN.iter().find(|(_, plain)| plain == data_type) {
        return Some((*name).to_owned());
    }
    match data_type {
        DataType::Decimal128(precision, scale) => Some(format!("DECIMAL({precision},{scale})")),
        DataType::Timestamp(unit, zone) => {
            let (name, _) = TIMESTAMPS.iter().find(|(_, u)| u == unit)?;
            Some(zone.as_ref().map_or_else(|| (*name).to_owned(), |zone| format!("{name}('{zone}')")))
        }
        _ => None,
    }
}

/// The type of a name.
pub(crate) fn parse(text: &str) -> Option<DataType> {
    if let Some((_, plain)) = PLAIN.iter().find(|(name, _)| *name == text) {
        return Some(plain.clone());
    }
    if let Some((_, unit)) = TIMESTAMPS.iter().find(|(name, _)| *name == text) {
        return Some(DataType::Timestamp(*unit, None));
    }
    let (head, rest) = text.split_once('(')?;
    let arguments = rest.strip_suffix(')')?;
    if head == "DECIMAL" {
        let (precision, scale) = arguments.split_once(',')?;
        let (precision, scale) = (precision.parse::<u8>().ok()?, scale.parse::<i8>().ok()?);
        return (1..=38).contains(&precision).then_some(DataType::Decimal128(precision, scale));
    }
    let (_, unit) = TIMESTAMPS.iter().find(|(name, _)| *name == head)?;
    let zone = arguments.strip_prefix('\'')?.strip_suffix('\'')?;
    Some(DataType::Timestamp(*unit, Some(zone.into())))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{Field, IntervalUnit};

    use super::*;

    #[test]
    fn names_are_a_persistent_format() {
        let table = [
            ("BOOLEAN", DataType::Boolean),
            ("INT64", DataType::Int64),
            ("TIME_MS", DataType::Time32(TimeUnit::Millisecond)),
            ("DECIMAL(38,10)", DataType::Decimal128(38, 10)),
            ("DECIMAL(5,-2)", DataType::Decimal128(5, -2)),
            ("TIMESTAMP_S", DataType::Timestamp(TimeUnit::Second, None)),
            ("TIMESTAMP_NS('UTC')", DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))),
        ];
        for (text, data_type) in table {
            assert_eq!(name(&data_type).as_deref(), Some(text));
            assert_eq!(parse(text), Some(data_type));
        }
    }

    #[test]
    fn every_plain_type_comes_back() {
        for (text, data_type) in PLAIN {
            assert_eq!(parse(text), Some(data_type.clone()));
            assert_eq!(name(&data_type).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_unknown_is_no_type() {
        let list = DataType::List(Arc::new(Field::new("item", DataType::Int8, true)));
        for data_type in [list, DataType::Null, DataType::Interval(IntervalUnit::MonthDayNano)] {
            assert_eq!(name(&data_type), None);
        }
        for text in
            ["", "INT", "int64", "DECIMAL(39,2)", "DECIMAL(5)", "DECIMAL(5,2", "TIMESTAMP_S(UTC)", "X('UTC')"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
