use crate::testing::check;

/// Unless a comment says otherwise, every row of this file is what Flink 2.3 answered.
#[test]
fn integers_keep_the_wider_type_and_wrap() {
    check(&[
        ("CAST(1 AS TINYINT) + CAST(1 AS TINYINT)", "TINYINT", "2"),
        ("CAST(1 AS TINYINT) + CAST(1 AS SMALLINT)", "SMALLINT", "2"),
        ("1 + CAST(1 AS BIGINT)", "BIGINT", "2"),
        ("CAST(127 AS TINYINT) + CAST(1 AS TINYINT)", "TINYINT", "-128"),
        ("2147483647 + 1", "INT", "-2147483648"),
        ("5 / 2", "INT", "2"),
        ("-7 / 2", "INT", "-3"),
        ("CAST(5 AS TINYINT) / CAST(2 AS BIGINT)", "BIGINT", "2"),
        ("CAST(-2147483648 AS INT) / -1", "INT", "-2147483648"),
        ("-CAST(1 AS TINYINT)", "TINYINT", "-1"),
        ("1 / 0", "ERROR", "division of 1 by zero"),
        ("5 % 0", "ERROR", "division of 5 by zero"),
        ("1 + NULL", "INT", "NULL"),
        ("NULL / 2", "INT", "NULL"),
    ]);
}

#[test]
fn the_remainder_has_the_type_of_the_divisor() {
    check(&[
        ("CAST(5 AS BIGINT) % 3", "INT", "2"),
        ("5 % CAST(3 AS BIGINT)", "BIGINT", "2"),
        ("-5 % 3", "INT", "-2"),
        ("MOD(-7, 3)", "INT", "-1"),
        ("MOD(CAST(7 AS TINYINT), CAST(3 AS BIGINT))", "BIGINT", "1"),
        ("MOD(CAST(5000000001 AS BIGINT), CAST(3 AS TINYINT))", "TINYINT", "0"),
        ("MOD(CAST(5.55 AS DECIMAL(10,2)), 3)", "DECIMAL(10, 2)", "2.55"),
        ("CAST(5.5 AS DECIMAL(10,2)) % 2", "DECIMAL(10, 2)", "1.50"),
        ("CAST(5.55 AS DECIMAL(10,2)) % CAST(2.5 AS DECIMAL(5,1))", "DECIMAL(6, 2)", "0.55"),
        ("CAST(5.5 AS DOUBLE) % 2", "ERROR", "cannot apply '%' to DOUBLE and INT"),
        ("MOD(CAST(5.5 AS DOUBLE), 2)", "ERROR", "MOD takes integers and decimals, not DOUBLE and INT"),
    ]);
}

#[test]
fn approximate_numbers_divide_by_zero() {
    check(&[
        ("1 + CAST(1 AS FLOAT)", "FLOAT", "2.0"),
        ("CAST(1 AS BIGINT) + CAST(1 AS FLOAT)", "FLOAT", "2.0"),
        // Flink says FLOAT, after the first operand, and loses digits.
        ("CAST(1.5 AS FLOAT) + CAST(1 AS DOUBLE)", "DOUBLE", "2.5"),
        ("CAST(5.55 AS DECIMAL(10,2)) + CAST(1 AS DOUBLE)", "DOUBLE", "6.55"),
        ("CAST(5.55 AS DECIMAL(10,2)) + CAST(1 AS FLOAT)", "DOUBLE", "6.55"),
        ("1 / CAST(0 AS DOUBLE)", "DOUBLE", "Infinity"),
        ("CAST(-1 AS DOUBLE) / 0", "DOUBLE", "-Infinity"),
        ("CAST(0 AS DOUBLE) / CAST(0 AS DOUBLE)", "DOUBLE", "NaN"),
    ]);
}

#[test]
fn decimals_get_the_precision_of_flink() {
    check(&[
        ("CAST(5.55 AS DECIMAL(10,2)) + CAST(2.5 AS DECIMAL(5,1))", "DECIMAL(11, 2)", "8.05"),
        ("CAST(5.55 AS DECIMAL(10,2)) - CAST(2.5 AS DECIMAL(5,1))", "DECIMAL(11, 2)", "3.05"),
        ("CAST(5.55 AS DECIMAL(10,2)) * CAST(2.5 AS DECIMAL(5,1))", "DECIMAL(16, 3)", "13.875"),
        ("CAST(5.55 AS DECIMAL(10,2)) / CAST(2.5 AS DECIMAL(5,1))", "DECIMAL(17, 8)", "2.22000000"),
        ("CAST(5.55 AS DECIMAL(38,10)) * CAST(2.5 AS DECIMAL(38,10))", "DECIMAL(38, 6)", "13.875000"),
        ("CAST(5.55 AS DECIMAL(38,10)) / CAST(2.5 AS DECIMAL(38,10))", "DECIMAL(38, 6)", "2.220000"),
        ("CAST(5.55 AS DECIMAL(38,10)) + CAST(2.5 AS DECIMAL(38,2))", "DECIMAL(38, 6)", "8.050000"),
        ("CAST(5.55 AS DECIMAL(38,18)) / 3", "DECIMAL(38, 18)", "1.850000000000000000"),
        ("CAST(5.55 AS DECIMAL(10,2)) + 1", "DECIMAL(13, 2)", "6.55"),
        ("CAST(5.55 AS DECIMAL(10,2)) + CAST(1 AS BIGINT)", "DECIMAL(22, 2)", "6.55"),
        ("CAST(5.55 AS DECIMAL(10,2)) * CAST(1 AS TINYINT)", "DECIMAL(14, 2)", "5.55"),
        ("CAST(5.55 AS DECIMAL(10,2)) / CAST(2 AS SMALLINT)", "DECIMAL(16, 8)", "2.77500000"),
        ("CAST(5.55 AS DECIMAL(10,2)) / 3", "DECIMAL(21, 13)", "1.8500000000000"),
        ("CAST(2 AS DECIMAL(10,0)) / 3", "DECIMAL(21, 11)", "0.66666666667"),
        ("1.5 + 1", "DECIMAL(12, 1)", "2.5"),
        ("-CAST(5.55 AS DECIMAL(10,2))", "DECIMAL(10, 2)", "-5.55"),
        ("1.0 / 0", "ERROR", "division of 1.0 by zero"),
        ("CAST(99999999999999999999999999999999999999 AS DECIMAL(38,0)) + 1", "DECIMAL(38, 0)", "NULL"),
    ]);
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    check(&[
        ("1 + '1'", "ERROR", "cannot apply '+' to INT and STRING; cast the string to a number"),
        ("'5' * 2", "ERROR", "cannot apply '*' to STRING and INT"),
        ("'a' || 5", "ERROR", "CONCAT takes a string as argument 2, not INT"),
        ("TRUE + 1", "ERROR", "cannot apply '+' to BOOLEAN and INT"),
        ("DATE '2020-01-31' - DATE '2020-01-30'", "ERROR", "write TIMESTAMPDIFF"),
        ("TIMESTAMP '2020-01-31 00:00:00' - TIMESTAMP '2020-01-30 00:00:00'", "ERROR", "write TIMESTAMPDIFF"),
        (
            "INTERVAL '15' HOUR - TIME '10:00:00'",
            "ERROR",
            "cannot apply '-' to INTERVAL DAY TO SECOND and TIME(0)",
        ),
        ("TIME '10:00:00' - TIME '09:00:00'", "ERROR", "cannot apply '-' to TIME(0) and TIME(0)"),
        ("-'5'", "ERROR", "Unary operator '-' only supports signed numeric"),
        ("NOT 5", "ERROR", "Unary operator 'NOT' requires a boolean expression"),
        ("TRUE AND 1", "ERROR", "AND takes a BOOLEAN, not INT"),
        ("'a' OR FALSE", "ERROR", "OR takes a BOOLEAN, not STRING"),
        ("CASE WHEN 1 THEN 2 END", "ERROR", "WHEN takes a BOOLEAN, not INT"),
        ("5 LIKE 'a'", "ERROR", "LIKE takes strings, not INT"),
        ("'a' SIMILAR TO 5", "ERROR", "SIMILAR TO takes strings, not INT"),
        ("1 IS DISTINCT FROM 'a'", "ERROR", "cannot compare INT with STRING"),
        ("2 * INTERVAL '1' DAY", "ERROR", "cannot apply '*' to INT and INTERVAL"),
    ]);
}

#[test]
fn intervals_move_dates_and_timestamps() {
    check(&[
        ("TIMESTAMP '2020-01-31 00:00:00' + INTERVAL '1' MONTH", "TIMESTAMP(0)", "2020-02-29 00:00:00"),
        ("TIMESTAMP '2020-01-31 00:00:00.123' - INTERVAL '1' DAY", "TIMESTAMP(3)", "2020-01-30 00:00:00.123"),
        ("TIME '10:00:00' + INTERVAL '15' HOUR", "TIME(0)", "01:00:00"),
        ("INTERVAL '1' SECOND + TIME '23:59:59'", "TIME(0)", "00:00:00"),
        ("TIME '00:00:10' - INTERVAL '25' HOUR", "TIME(0)", "23:00:10"),
        ("TIME '10:00:00' + INTERVAL '1' MONTH", "TIME(0)", "10:00:00"),
        ("INTERVAL '1' DAY + TIMESTAMP '2020-01-31 00:00:00'", "TIMESTAMP(0)", "2020-02-01 00:00:00"),
        (
            "CAST(TIMESTAMP '2020-01-31 00:00:00' AS TIMESTAMP(3)) - INTERVAL '5' SECOND",
            "TIMESTAMP(3)",
            "2020-01-30 23:59:55.000",
        ),
        (
            "CAST(TIMESTAMP '2020-01-31 00:00:00' AS TIMESTAMP_LTZ(3)) - INTERVAL '5' SECOND",
            "TIMESTAMP_LTZ(3)",
            "2020-01-30 23:59:55.000",
        ),
        ("INTERVAL '1' DAY + INTERVAL '1' HOUR", "INTERVAL DAY TO SECOND", "+1 01:00:00.000"),
        // Flink 2.3 fails in its own code generator for dates.
        ("DATE '2020-01-31' + INTERVAL '1' DAY", "DATE", "2020-02-01"),
        ("DATE '2020-01-31' + INTERVAL '1' MONTH", "DATE", "2020-02-29"),
    ]);
}

#[test]
fn comparisons_convert_as_flink_does() {
    check(&[
        ("1 = CAST(1 AS BIGINT)", "BOOLEAN", "TRUE"),
        ("CAST(5 AS BIGINT) > CAST(5.5 AS DECIMAL(3,1))", "BOOLEAN", "FALSE"),
        ("CAST(0.1 AS DOUBLE) = CAST(0.1 AS DECIMAL(3,1))", "BOOLEAN", "TRUE"),
        ("1 < '1.5'", "BOOLEAN", "FALSE"),
        ("1 > '0.5'", "BOOLEAN", "TRUE"),
        ("CAST(1 AS DOUBLE) < '1.5'", "BOOLEAN", "TRUE"),
        ("1 = '1'", "ERROR", "cannot compare INT with STRING by '='"),
        ("'a' = 1", "ERROR", "cannot compare STRING with INT by '='"),
        ("TRUE = 1", "ERROR", "cannot compare BOOLEAN with INT"),
        // Flink compares them and says false for every text.
        ("TRUE = 'true'", "ERROR", "cannot compare BOOLEAN with STRING"),
        ("TRUE < FALSE", "BOOLEAN", "FALSE"),
        ("TIMESTAMP '2020-01-01 00:00:00' = '2020-01-01 00:00:00'", "BOOLEAN", "TRUE"),
        ("TIMESTAMP '2020-01-01 00:00:00' > '2020-01-01'", "BOOLEAN", "FALSE"),
        ("DATE '2020-01-01' = '2020-01-01'", "BOOLEAN", "TRUE"),
        ("TIME '10:00:00' = '10:00:00'", "BOOLEAN", "TRUE"),
        (
            "TIMESTAMP '2020-01-01 00:00:00' = CAST(TIMESTAMP '2020-01-01 00:00:00' AS TIMESTAMP_LTZ(3))",
            "BOOLEAN",
            "TRUE",
        ),
        // Flink refuses it; the date counts as its midnight.
        ("DATE '2020-01-01' < TIMESTAMP '2020-01-01 00:00:01'", "BOOLEAN", "TRUE"),
        ("1 BETWEEN '0' AND '2'", "BOOLEAN", "TRUE"),
        ("2.5 BETWEEN 1 AND CAST(3 AS BIGINT)", "BOOLEAN", "TRUE"),
        ("1 IN (1, CAST(2 AS BIGINT), 3.5)", "BOOLEAN", "TRUE"),
        ("'a' IN ('a ', 'b')", "BOOLEAN", "FALSE"),
        ("CAST('a' AS CHAR(3)) = 'a'", "BOOLEAN", "FALSE"),
        ("1 IN ('a')", "ERROR", "cannot compare INT with STRING by 'IN'"),
        ("1 = NULL", "BOOLEAN", "NULL"),
        ("1 IS DISTINCT FROM NULL", "BOOLEAN", "TRUE"),
        ("1 IS NOT DISTINCT FROM CAST(1 AS BIGINT)", "BOOLEAN", "TRUE"),
        ("TRUE AND NULL", "BOOLEAN", "NULL"),
        ("FALSE AND NULL", "BOOLEAN", "FALSE"),
        ("NULL OR TRUE", "BOOLEAN", "TRUE"),
        ("NOT CAST(NULL AS BOOLEAN)", "BOOLEAN", "NULL"),
    ]);
}

#[test]
fn branches_of_a_case_get_their_common_type() {
    check(&[
        ("CASE WHEN TRUE THEN 1 ELSE CAST(2 AS BIGINT) END", "BIGINT", "1"),
        ("CASE WHEN TRUE THEN 1 ELSE 2.5 END", "DECIMAL(11, 1)", "1.0"),
        ("CASE WHEN TRUE THEN 1 ELSE 2.5 END * 2.0", "DECIMAL(14, 2)", "2.00"),
        ("CASE WHEN TRUE THEN 'a' ELSE 'bcd' END", "STRING", "a"),
        ("CASE WHEN TRUE THEN 1 ELSE 'a' END", "ERROR", "no type in common: INT, STRING"),
        ("CASE WHEN TRUE THEN CAST(1 AS DECIMAL(10,2)) ELSE CAST(2 AS BIGINT) END", "DECIMAL(21, 2)", "1.00"),
        ("CASE WHEN TRUE THEN CAST(1 AS FLOAT) ELSE CAST(2 AS BIGINT) END", "FLOAT", "1.0"),
        ("CASE WHEN TRUE THEN CAST(1 AS DECIMAL(10,2)) ELSE CAST(2 AS DOUBLE) END", "DOUBLE", "1.0"),
        ("CASE 2 WHEN 1 THEN 'one' WHEN CAST(2 AS BIGINT) THEN 'two' END", "STRING", "two"),
        ("CASE WHEN FALSE THEN 1 END", "INT", "NULL"),
        ("CASE WHEN NULL THEN 1 ELSE 2 END", "INT", "2"),
    ]);
}
