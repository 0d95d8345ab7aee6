use super::*;
use crate::testing::{check, check_in};

/// Unless a comment says otherwise, every row of this file is what Flink 2.3 answered.
#[test]
fn to_boolean() {
    check(&[
        ("CAST(TRUE AS BOOLEAN)", "BOOLEAN", "TRUE"),
        ("CAST(2 AS BOOLEAN)", "BOOLEAN", "TRUE"),
        ("CAST(0 AS BOOLEAN)", "BOOLEAN", "FALSE"),
        ("CAST(CAST(0.5 AS DOUBLE) AS BOOLEAN)", "BOOLEAN", "TRUE"),
        ("CAST(CAST(0.5 AS DECIMAL(3,1)) AS BOOLEAN)", "BOOLEAN", "TRUE"),
        ("CAST('TRUE' AS BOOLEAN)", "BOOLEAN", "TRUE"),
        ("CAST('yes' AS BOOLEAN)", "BOOLEAN", "TRUE"),
        ("CAST('y' AS BOOLEAN)", "BOOLEAN", "TRUE"),
        ("CAST('t' AS BOOLEAN)", "BOOLEAN", "TRUE"),
        ("CAST('0' AS BOOLEAN)", "BOOLEAN", "FALSE"),
        ("CAST('on' AS BOOLEAN)", "ERROR", "cannot cast 'on' to BOOLEAN"),
        ("CAST(' true ' AS BOOLEAN)", "ERROR", "cannot cast ' true ' to BOOLEAN"),
        ("TRY_CAST('2' AS BOOLEAN)", "BOOLEAN", "NULL"),
        ("CAST(DATE '2020-01-02' AS BOOLEAN)", "ERROR", "a value of type DATE cannot be cast to BOOLEAN"),
    ]);
}

#[test]
fn to_integers() {
    check(&[
        ("CAST(TRUE AS TINYINT)", "TINYINT", "1"),
        ("CAST(300 AS TINYINT)", "TINYINT", "44"),
        ("CAST(70000 AS SMALLINT)", "SMALLINT", "4464"),
        ("CAST(CAST(3000000000 AS BIGINT) AS INT)", "INT", "-1294967296"),
        ("CAST(CAST(5000000000 AS BIGINT) AS SMALLINT)", "SMALLINT", "-3584"),
        ("CAST(CAST(1.0E20 AS DOUBLE) AS TINYINT)", "TINYINT", "-1"),
        ("CAST(CAST(1.0E20 AS DOUBLE) AS INT)", "INT", "2147483647"),
        ("CAST(CAST(1.0E20 AS DOUBLE) AS BIGINT)", "BIGINT", "9223372036854775807"),
        ("CAST(CAST(1.0E7 AS DOUBLE) AS SMALLINT)", "SMALLINT", "-27008"),
        ("CAST(CAST(300.7 AS DOUBLE) AS TINYINT)", "TINYINT", "44"),
        ("CAST(CAST(-3.99 AS DOUBLE) AS INT)", "INT", "-3"),
        ("CAST(CAST('NaN' AS DOUBLE) AS BIGINT)", "BIGINT", "0"),
        ("CAST(CAST(1.0E10 AS FLOAT) AS BIGINT)", "BIGINT", "10000000000"),
        ("CAST(CAST(3.0E9 AS FLOAT) AS INT)", "INT", "2147483647"),
        ("CAST(CAST(300.7 AS DECIMAL(10,1)) AS TINYINT)", "TINYINT", "44"),
        ("CAST(CAST(-99999.55 AS DECIMAL(10,2)) AS SMALLINT)", "SMALLINT", "31073"),
        ("CAST(CAST(-300.7 AS DECIMAL(10,1)) AS INT)", "INT", "-300"),
        ("CAST('5.7' AS INT)", "INT", "5"),
        ("CAST(' 42 ' AS TINYINT)", "TINYINT", "42"),
        ("CAST('-5.9' AS INT)", "INT", "-5"),
        ("CAST('.5' AS INT)", "INT", "0"),
        ("CAST('300' AS TINYINT)", "ERROR", "cannot cast '300' to TINYINT"),
        ("CAST('3000000000' AS INT)", "ERROR", "cannot cast '3000000000' to INT"),
        ("CAST('abc' AS INT)", "ERROR", "cannot cast 'abc' to INT"),
        ("CAST('' AS INT)", "ERROR", "cannot cast '' to INT"),
        ("TRY_CAST('abc' AS INT)", "INT", "NULL"),
        ("TRY_CAST('1e3' AS BIGINT)", "BIGINT", "NULL"),
        ("CAST(NULL AS INT)", "INT", "NULL"),
        (
            "CAST(TIMESTAMP '2020-01-02 03:04:05' AS BIGINT)",
            "ERROR",
            "a value of type TIMESTAMP(0) cannot be cast to BIGINT; write UNIX_TIMESTAMP(CAST(x AS STRING))",
        ),
        ("CAST(DATE '2020-01-02' AS INT)", "ERROR", "a value of type DATE cannot be cast to INT"),
        ("CAST(INTERVAL '1' DAY AS BIGINT)", "ERROR", "cannot be cast to BIGINT"),
    ]);
}

#[test]
fn to_approximate_numbers() {
    check(&[
        ("CAST(TRUE AS DOUBLE)", "DOUBLE", "1.0"),
        ("CAST(70000 AS FLOAT)", "FLOAT", "70000.0"),
        ("CAST(CAST(5000000000 AS BIGINT) AS DOUBLE)", "DOUBLE", "5.0E9"),
        ("CAST(CAST(1.1 AS FLOAT) AS DOUBLE)", "DOUBLE", "1.100000023841858"),
        ("CAST(CAST(123456.789 AS DOUBLE) AS FLOAT)", "FLOAT", "123456.79"),
        ("CAST(CAST(123.45 AS DECIMAL(10,2)) AS DOUBLE)", "DOUBLE", "123.45"),
        ("CAST(CAST(-99999.55 AS DECIMAL(10,2)) AS FLOAT)", "FLOAT", "-99999.55"),
        ("CAST('  1.5 ' AS DOUBLE)", "DOUBLE", "1.5"),
        ("CAST('1.5f' AS DOUBLE)", "DOUBLE", "1.5"),
        ("CAST('1e400' AS DOUBLE)", "DOUBLE", "Infinity"),
        ("CAST('NaN' AS FLOAT)", "FLOAT", "NaN"),
        ("CAST('abc' AS DOUBLE)", "ERROR", "cannot cast 'abc' to DOUBLE"),
        ("TRY_CAST('' AS FLOAT)", "FLOAT", "NULL"),
    ]);
}

#[test]
fn to_decimals() {
    check(&[
        ("CAST(TRUE AS DECIMAL(3,1))", "DECIMAL(3, 1)", "1.0"),
        ("CAST(700000 AS DECIMAL(6,1))", "DECIMAL(6, 1)", "NULL"),
        ("CAST(70000 AS DECIMAL(6,1))", "DECIMAL(6, 1)", "70000.0"),
        ("CAST(1 AS DECIMAL(1,1))", "DECIMAL(1, 1)", "NULL"),
        ("CAST(CAST(5000000000 AS BIGINT) AS DECIMAL(6,1))", "DECIMAL(6, 1)", "NULL"),
        ("CAST(CAST(-3.99 AS DOUBLE) AS DECIMAL(6,1))", "DECIMAL(6, 1)", "-4.0"),
        ("CAST(CAST(1.005 AS DOUBLE) AS DECIMAL(5,2))", "DECIMAL(5, 2)", "1.01"),
        ("CAST(CAST(1.0E7 AS DOUBLE) AS DECIMAL(6,1))", "DECIMAL(6, 1)", "NULL"),
        ("CAST(CAST(0.1 AS FLOAT) AS DECIMAL(10,5))", "DECIMAL(10, 5)", "0.10000"),
        ("CAST(CAST('NaN' AS DOUBLE) AS DECIMAL(6,1))", "ERROR", "cannot cast 'NaN' to DECIMAL(6, 1)"),
        ("CAST(123.455 AS DECIMAL(5,2))", "DECIMAL(5, 2)", "123.46"),
        ("CAST(CAST(-99999.55 AS DECIMAL(10,2)) AS DECIMAL(6,1))", "DECIMAL(6, 1)", "-99999.6"),
        ("CAST('123.455' AS DECIMAL(5,2))", "DECIMAL(5, 2)", "123.46"),
        ("CAST('-123.455' AS DECIMAL(5,2))", "DECIMAL(5, 2)", "-123.46"),
        ("CAST('1e2' AS DECIMAL(5,2))", "DECIMAL(5, 2)", "100.00"),
        ("CAST('123456789012' AS DECIMAL(5,2))", "ERROR", "cannot cast '123456789012' to DECIMAL(5, 2)"),
        ("CAST('abc' AS DECIMAL(5,2))", "ERROR", "cannot cast 'abc' to DECIMAL(5, 2)"),
        ("TRY_CAST('true' AS DECIMAL(6,1))", "DECIMAL(6, 1)", "NULL"),
    ]);
}

#[test]
fn to_strings() {
    check(&[
        ("CAST(TRUE AS STRING)", "STRING", "TRUE"),
        ("CAST(FALSE AS VARCHAR(3))", "STRING", "FAL"),
        ("CAST(TRUE AS CHAR(6))", "STRING", "TRUE  "),
        ("CAST(-5 AS STRING)", "STRING", "-5"),
        ("CAST(12345 AS VARCHAR(3))", "STRING", "123"),
        ("CAST(CAST(1.0E7 AS DOUBLE) AS STRING)", "STRING", "1.0E7"),
        ("CAST(CAST(0.001 AS DOUBLE) AS STRING)", "STRING", "0.001"),
        ("CAST(CAST(0.0001 AS DOUBLE) AS STRING)", "STRING", "1.0E-4"),
        ("CAST(CAST(100 AS DOUBLE) AS STRING)", "STRING", "100.0"),
        ("CAST(CAST(123456789.125 AS DOUBLE) AS STRING)", "STRING", "1.23456789125E8"),
        ("CAST(CAST(1.1 AS FLOAT) AS STRING)", "STRING", "1.1"),
        ("CAST(CAST(16777216 AS FLOAT) AS STRING)", "STRING", "1.6777216E7"),
        ("CAST(CAST(1.50 AS DECIMAL(10,3)) AS STRING)", "STRING", "1.500"),
        ("CAST(CAST(0.0000001 AS DECIMAL(20,10)) AS STRING)", "STRING", "0.0000001000"),
        ("CAST('abcdef' AS CHAR(3))", "STRING", "abc"),
        ("CAST('ab' AS CHAR(5))", "STRING", "ab   "),
        ("CAST('abcdef' AS VARCHAR(3))", "STRING", "abc"),
        ("CAST('äöüß' AS VARCHAR(3))", "STRING", "äöü"),
        ("CAST('äö' AS CHAR(3))", "STRING", "äö "),
        ("CAST(x'616263' AS STRING)", "STRING", "abc"),
        ("CAST(x'ff' AS STRING)", "STRING", "\u{fffd}"),
        ("CAST(DATE '2020-01-02' AS STRING)", "STRING", "2020-01-02"),
        ("CAST(DATE '1969-12-31' AS VARCHAR(3))", "STRING", "196"),
        ("CAST(TIME '03:04:05' AS STRING)", "STRING", "03:04:05"),
        ("CAST(CAST('03:04:05.678' AS TIME(3)) AS STRING)", "STRING", "03:04:05.678"),
        ("CAST(TIMESTAMP '2020-01-02 03:04:05' AS STRING)", "STRING", "2020-01-02 03:04:05"),
        ("CAST(TIMESTAMP '2020-01-02 03:04:05.678' AS STRING)", "STRING", "2020-01-02 03:04:05.678"),
        ("CAST(TIMESTAMP '2020-01-02 03:04:05.678' AS CHAR(12))", "STRING", "2020-01-02 0"),
        (
            "CAST(CAST(TIMESTAMP '2020-01-02 03:04:05' AS TIMESTAMP(6)) AS STRING)",
            "STRING",
            "2020-01-02 03:04:05.000000",
        ),
        (
            "CAST(CAST(TIMESTAMP '2020-01-02 03:04:05' AS TIMESTAMP_LTZ(3)) AS STRING)",
            "STRING",
            "2020-01-02 03:04:05.000",
        ),
        ("CAST(INTERVAL '1' DAY AS STRING)", "STRING", "+1 00:00:00.000"),
        ("CAST(INTERVAL '14' MONTH AS STRING)", "STRING", "+1-02"),
        ("CAST(INTERVAL '-1' DAY AS STRING)", "STRING", "-1 00:00:00.000"),
    ]);
}

#[test]
fn to_byte_strings() {
    check(&[
        ("CAST('abc' AS BYTES)", "BYTES", "[97, 98, 99]"),
        ("CAST('' AS BYTES)", "BYTES", "[]"),
        ("CAST('12345' AS BINARY(3))", "BYTES", "[49, 50, 51]"),
        ("CAST('1' AS BINARY(3))", "BYTES", "[49, 0, 0]"),
        ("CAST(x'616263' AS VARBINARY(2))", "BYTES", "[97, 98]"),
        ("CAST(5 AS BYTES)", "ERROR", "a value of type INT cannot be cast to BYTES; cast it to STRING first"),
        (
            "CAST(x'01' AS INT)",
            "ERROR",
            "a value of type BYTES cannot be cast to INT; cast it to STRING first",
        ),
        ("CAST(x'616263' AS DATE)", "ERROR", "cannot be cast to DATE"),
    ]);
}

#[test]
fn to_dates_and_times() {
    check(&[
        ("CAST('2020-1-2' AS DATE)", "DATE", "2020-01-02"),
        ("CAST('2020-01' AS DATE)", "DATE", "2020-01-01"),
        ("CAST(' 2020-01-02 ' AS DATE)", "DATE", "2020-01-02"),
        ("CAST('2020-01-02 03:04:05' AS DATE)", "DATE", "2020-01-02"),
        ("CAST('2020-02-30' AS DATE)", "ERROR", "cannot cast '2020-02-30' to DATE"),
        ("CAST('2020-01-02T03:04:05' AS DATE)", "ERROR", "cannot cast '2020-01-02T03:04:05' to DATE"),
        ("TRY_CAST('5.7' AS DATE)", "DATE", "NULL"),
        ("CAST(TIMESTAMP '2020-01-02 03:04:05.678' AS DATE)", "DATE", "2020-01-02"),
        // Flink says 1970-01-01, a fault.
        ("CAST(TIMESTAMP '1969-12-31 23:59:59.5' AS DATE)", "DATE", "1969-12-31"),
        ("CAST('03:04' AS TIME)", "TIME(0)", "03:04:00"),
        ("CAST('3:4:5' AS TIME)", "TIME(0)", "03:04:05"),
        ("CAST('03:04:05.678' AS TIME)", "TIME(0)", "03:04:05"),
        ("CAST('25:00:00' AS TIME)", "ERROR", "cannot cast '25:00:00' to TIME(0)"),
        ("CAST(TIMESTAMP '2020-01-02 03:04:05.678' AS TIME(3))", "TIME(0)", "03:04:05.678"),
        ("CAST(5 AS DATE)", "ERROR", "a value of type INT cannot be cast to DATE"),
        ("CAST(DATE '2020-01-02' AS TIME)", "ERROR", "a value of type DATE cannot be cast to TIME(0)"),
    ]);
}

#[test]
fn to_timestamps() {
    check(&[
        ("CAST('2020-01-02' AS TIMESTAMP(3))", "TIMESTAMP(3)", "2020-01-02 00:00:00.000"),
        ("CAST('2020-1-2 3:4:5' AS TIMESTAMP(3))", "TIMESTAMP(3)", "2020-01-02 03:04:05.000"),
        ("CAST('2020-01-02 03:04:05.6789' AS TIMESTAMP(3))", "TIMESTAMP(3)", "2020-01-02 03:04:05.678"),
        // Arrow keeps milliseconds; the third digit is cut off as Flink does.
        ("CAST('2020-01-02 03:04:05.6789' AS TIMESTAMP(2))", "TIMESTAMP(3)", "2020-01-02 03:04:05.670"),
        (
            "CAST('2020-01-02 03:04:05.123456789' AS TIMESTAMP(9))",
            "TIMESTAMP(9)",
            "2020-01-02 03:04:05.123456789",
        ),
        (
            "CAST('2020-01-02 03:04' AS TIMESTAMP(3))",
            "ERROR",
            "cannot cast '2020-01-02 03:04' to TIMESTAMP(3)",
        ),
        ("TRY_CAST('2020-01-02T03:04:05' AS TIMESTAMP(3))", "TIMESTAMP(3)", "NULL"),
        ("CAST('2020-02-30 00:00:00' AS TIMESTAMP(3))", "TIMESTAMP(3)", "2020-02-29 00:00:00.000"),
        ("CAST(DATE '2020-01-02' AS TIMESTAMP(3))", "TIMESTAMP(3)", "2020-01-02 00:00:00.000"),
        ("CAST(TIME '03:04:05' AS TIMESTAMP(3))", "TIMESTAMP(3)", "1970-01-01 03:04:05.000"),
        ("CAST(TIMESTAMP '2020-01-02 03:04:05.678' AS TIMESTAMP(0))", "TIMESTAMP(0)", "2020-01-02 03:04:05"),
        ("CAST(TIMESTAMP '1969-12-31 23:59:59.678' AS TIMESTAMP(0))", "TIMESTAMP(0)", "1969-12-31 23:59:59"),
        (
            "CAST(TIMESTAMP '2020-01-02 03:04:05' AS TIMESTAMP(9))",
            "TIMESTAMP(9)",
            "2020-01-02 03:04:05.000000000",
        ),
        ("CAST(DATE '2020-01-02' AS TIMESTAMP_LTZ(3))", "TIMESTAMP_LTZ(3)", "2020-01-02 00:00:00.000"),
        (
            "CAST(CAST(5 AS BIGINT) AS TIMESTAMP(3))",
            "ERROR",
            "a value of type BIGINT cannot be cast to TIMESTAMP(3); write TO_TIMESTAMP(FROM_UNIXTIME(x))",
        ),
        ("CAST(CAST(5 AS BIGINT) AS TIMESTAMP_LTZ(3))", "ERROR", "write TO_TIMESTAMP_LTZ(x, 0)"),
        ("CAST(TRUE AS TIMESTAMP(3))", "ERROR", "a value of type BOOLEAN cannot be cast to TIMESTAMP(3)"),
    ]);
}

#[test]
fn instants_are_read_and_shown_in_the_zone_of_the_session() {
    check_in(
        "Asia/Tokyo",
        &[
            (
                "CAST('2020-01-02 03:04:05' AS TIMESTAMP_LTZ(3))",
                "TIMESTAMP_LTZ(3)",
                "2020-01-02 03:04:05.000",
            ),
            (
                "CAST(CAST('2020-01-02 03:04:05' AS TIMESTAMP_LTZ(3)) AS TIMESTAMP(3))",
                "TIMESTAMP(3)",
                "2020-01-02 03:04:05.000",
            ),
            ("CAST(CAST('2020-01-02 03:04:05' AS TIMESTAMP_LTZ(3)) AS DATE)", "DATE", "2020-01-02"),
            ("CAST(TO_TIMESTAMP_LTZ(1577934245, 0) AS STRING)", "STRING", "2020-01-02 12:04:05.000"),
        ],
    );
}

#[test]
fn every_pair_of_types_is_decided() {
    let types = [
        SqlType::Boolean,
        SqlType::TinyInt,
        SqlType::SmallInt,
        SqlType::Int,
        SqlType::BigInt,
        SqlType::Float,
        SqlType::Double,
        SqlType::Decimal { precision: 10, scale: 2 },
        SqlType::Char(3),
        SqlType::Varchar(3),
        SqlType::String,
        SqlType::Binary(3),
        SqlType::Varbinary(3),
        SqlType::Bytes,
        SqlType::Date,
        SqlType::Time(0),
        SqlType::Timestamp(3),
        SqlType::TimestampLtz(3),
        SqlType::IntervalDayToSecond,
        SqlType::Null,
    ];
    // Every allowed pair runs over a column of nulls, so that no kernel is missing; every refused one says why.
    let mut allowed = 0;
    for from in types {
        for to in types {
            match can_cast(&from, &to) {
                Ok(()) => {
                    allowed += 1;
                    let column = Column { array: new_null_array(&from.to_arrow(), 2), constant: false };
                    let target = Target { to, failure: OnFailure::Error, zone: Tz::UTC };
                    let result = cast_column(&column, 2, &target).unwrap();
                    assert_eq!(result.data_type(), &to.to_arrow(), "{from} to {to}");
                    assert_eq!((result.len(), result.logical_null_count()), (2, 2), "{from} to {to}");
                }
                Err(message) => {
                    assert!(
                        message.starts_with(&format!("a value of type {from} cannot be cast to {to}")),
                        "{message}"
                    );
                }
            }
        }
    }
    assert_eq!(allowed, 210);
}
