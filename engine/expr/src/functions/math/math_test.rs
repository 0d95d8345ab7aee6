use crate::testing::check;

/// Unless a comment says otherwise, every row of this file is what Flink 2.3 answered.
#[test]
fn signs_and_whole_parts_keep_their_type() {
    check(&[
        ("ABS(-5)", "INT", "5"),
        ("ABS(CAST(-5 AS TINYINT))", "TINYINT", "5"),
        ("ABS(CAST(-5.5 AS DECIMAL(5,2)))", "DECIMAL(5, 2)", "5.50"),
        ("ABS(CAST(-5.5 AS FLOAT))", "FLOAT", "5.5"),
        ("ABS(CAST(-2147483648 AS INT))", "INT", "-2147483648"),
        ("ABS('5')", "ERROR", "ABS takes a number as argument 1, not STRING"),
        ("SIGN(-5)", "INT", "-1"),
        ("SIGN(CAST(-5.5 AS DOUBLE))", "DOUBLE", "-1.0"),
        ("SIGN(CAST(-5.5 AS DECIMAL(5,2)))", "DECIMAL(5, 2)", "-1.00"),
        ("SIGN(CAST(0 AS DOUBLE))", "DOUBLE", "0.0"),
        ("CEIL(5)", "INT", "5"),
        ("CEIL(CAST(5.1 AS DOUBLE))", "DOUBLE", "6.0"),
        ("CEIL(CAST(5.1 AS FLOAT))", "FLOAT", "6.0"),
        ("CEIL(CAST(-5.55 AS DECIMAL(5,2)))", "DECIMAL(5, 0)", "-5"),
        ("CEILING(CAST(5.01 AS DECIMAL(5,2)))", "DECIMAL(5, 0)", "6"),
        ("CEIL(CAST(5.00 AS DECIMAL(5,2)))", "DECIMAL(5, 0)", "5"),
        ("FLOOR(CAST(-5.55 AS DECIMAL(5,2)))", "DECIMAL(5, 0)", "-6"),
        ("FLOOR(CAST(5.55 AS DECIMAL(5,2)))", "DECIMAL(5, 0)", "5"),
        ("FLOOR(CAST(-5.55 AS DOUBLE))", "DOUBLE", "-6.0"),
        ("FLOOR(5)", "INT", "5"),
    ]);
}

#[test]
fn rounding_is_half_away_from_zero() {
    check(&[
        ("ROUND(CAST(5.555 AS DOUBLE), 2)", "DOUBLE", "5.56"),
        ("ROUND(CAST(1.005 AS DOUBLE), 2)", "DOUBLE", "1.01"),
        ("ROUND(CAST(2.5 AS DOUBLE))", "DOUBLE", "3.0"),
        ("ROUND(CAST(-2.5 AS DOUBLE), 0)", "DOUBLE", "-3.0"),
        ("ROUND(CAST(123.456 AS DOUBLE), -1)", "DOUBLE", "120.0"),
        ("ROUND(CAST(1.0E300 AS DOUBLE), 2)", "DOUBLE", "1.0E300"),
        ("ROUND(CAST(5.555 AS FLOAT), 2)", "FLOAT", "5.55"),
        ("ROUND(CAST(5.555 AS DECIMAL(10,3)), 2)", "DECIMAL(10, 2)", "5.56"),
        ("ROUND(CAST(5.555 AS DECIMAL(10,3)))", "DECIMAL(8, 0)", "6"),
        ("ROUND(CAST(555.555 AS DECIMAL(10,3)), -1)", "DECIMAL(8, 0)", "560"),
        ("ROUND(CAST(9.999 AS DECIMAL(4,3)), 2)", "DECIMAL(4, 2)", "10.00"),
        ("ROUND(CAST(5.555 AS DECIMAL(10,3)), 5)", "DECIMAL(10, 3)", "5.555"),
        ("ROUND(CAST(-5.555 AS DECIMAL(10,3)), 2)", "DECIMAL(10, 2)", "-5.56"),
        ("ROUND(555, -1)", "INT", "560"),
        ("ROUND(555, -2)", "INT", "600"),
        ("ROUND(555, 2)", "INT", "555"),
        ("ROUND(555)", "INT", "555"),
        ("ROUND(CAST(555 AS BIGINT), -3)", "BIGINT", "1000"),
        ("ROUND(CAST(127 AS TINYINT), -1)", "TINYINT", "-126"),
        ("ROUND(555, -100)", "INT", "0"),
        ("TRUNCATE(CAST(5.555 AS DOUBLE), 2)", "DOUBLE", "5.55"),
        ("TRUNCATE(CAST(-5.555 AS DOUBLE))", "DOUBLE", "-5.0"),
        ("TRUNCATE(CAST(42.345 AS FLOAT), 2)", "FLOAT", "42.34"),
        ("TRUNCATE(CAST(5.555 AS DECIMAL(10,3)), 2)", "DECIMAL(10, 2)", "5.55"),
        ("TRUNCATE(CAST(-5.555 AS DECIMAL(10,3)), 1)", "DECIMAL(9, 1)", "-5.5"),
        ("TRUNCATE(CAST(5.555 AS DECIMAL(10,3)))", "DECIMAL(8, 0)", "5"),
        ("TRUNCATE(555.9, -2)", "DECIMAL(4, 0)", "500"),
        ("TRUNCATE(555, -1)", "INT", "550"),
        ("ROUND(CAST(NULL AS DOUBLE), 2)", "DOUBLE", "NULL"),
        ("ROUND(5, NULL)", "INT", "NULL"),
    ]);
}

#[test]
fn functions_of_doubles() {
    check(&[
        ("POWER(2, 10)", "DOUBLE", "1024.0"),
        ("POWER(CAST(2.5 AS DECIMAL(3,1)), 2)", "DOUBLE", "6.25"),
        ("POWER(CAST(-8 AS DOUBLE), CAST(0.333 AS DOUBLE))", "DOUBLE", "NaN"),
        ("SQRT(16)", "DOUBLE", "4.0"),
        ("SQRT(-1)", "DOUBLE", "NaN"),
        ("SQRT(CAST(2 AS DECIMAL(5,2)))", "DOUBLE", "1.4142135623730951"),
        ("EXP(1)", "DOUBLE", "2.718281828459045"),
        ("LN(10)", "DOUBLE", "2.302585092994046"),
        ("LN(0)", "DOUBLE", "-Infinity"),
        ("LN(-1)", "DOUBLE", "NaN"),
        ("LOG(10)", "DOUBLE", "2.302585092994046"),
        ("LOG(2, 8)", "DOUBLE", "3.0"),
        ("LOG(1, 5)", "DOUBLE", "Infinity"),
        ("LOG2(8)", "DOUBLE", "3.0"),
        ("LOG10(100)", "DOUBLE", "2.0"),
        ("LOG10(0)", "DOUBLE", "-Infinity"),
        ("SIN(1)", "DOUBLE", "0.8414709848078965"),
        ("COS(1)", "DOUBLE", "0.5403023058681398"),
        ("COT(1)", "DOUBLE", "0.6420926159343306"),
        ("COT(0)", "DOUBLE", "Infinity"),
        ("ASIN(2)", "DOUBLE", "NaN"),
        ("ASIN(1)", "DOUBLE", "1.5707963267948966"),
        ("ACOS(1)", "DOUBLE", "0.0"),
        ("ATAN(1)", "DOUBLE", "0.7853981633974483"),
        ("ATAN2(1, 2)", "DOUBLE", "0.4636476090008061"),
        ("SINH(1)", "DOUBLE", "1.1752011936438014"),
        // Flink ends in 244, the neighbour of the nearest double.
        ("COSH(1)", "DOUBLE", "1.5430806348152437"),
        ("TANH(1)", "DOUBLE", "0.7615941559557649"),
        ("DEGREES(PI())", "DOUBLE", "180.0"),
        ("RADIANS(180)", "DOUBLE", "3.141592653589793"),
        ("E()", "DOUBLE", "2.718281828459045"),
        ("SIN(NULL)", "DOUBLE", "NULL"),
        ("POWER(2)", "ERROR", "POWER takes 2 arguments, not 1"),
        ("LOG(1, 2, 3)", "ERROR", "LOG takes 1 to 2 arguments, not 3"),
    ]);
}

#[test]
fn bases() {
    check(&[
        ("BIN(4)", "STRING", "100"),
        ("BIN(-1)", "STRING", "1111111111111111111111111111111111111111111111111111111111111111"),
        ("HEX(255)", "STRING", "FF"),
        ("HEX(-1)", "STRING", "FFFFFFFFFFFFFFFF"),
        ("HEX('abc')", "STRING", "616263"),
    ]);
}
