use crate::testing::check;

/// Unless a comment says otherwise, every row of this file is what Flink 2.3 answered.
#[test]
fn conditional_functions() {
    check(&[
        ("COALESCE(CAST(NULL AS INT), 5)", "INT", "5"),
        ("COALESCE(CAST(NULL AS INT), CAST(5 AS BIGINT))", "BIGINT", "5"),
        ("COALESCE(1, 2.5)", "DECIMAL(11, 1)", "1.0"),
        ("COALESCE(CAST(NULL AS STRING), 'a')", "STRING", "a"),
        ("COALESCE(NULL, NULL, 3)", "INT", "3"),
        ("COALESCE(1, 'a')", "ERROR", "COALESCE: the arguments have no type in common: INT, STRING"),
        ("IFNULL(CAST(NULL AS INT), 5)", "INT", "5"),
        ("IFNULL(CAST(NULL AS INT), CAST(5 AS BIGINT))", "BIGINT", "5"),
        ("IFNULL(1, 2.5)", "DECIMAL(11, 1)", "1.0"),
        ("IFNULL(1, 'a')", "ERROR", "IFNULL: the arguments have no type in common: INT, STRING"),
        ("IF(TRUE, 1, 2)", "INT", "1"),
        ("IF(TRUE, 1, CAST(2 AS BIGINT))", "BIGINT", "1"),
        ("IF(CAST(NULL AS BOOLEAN), 1, 2)", "INT", "2"),
        ("IF(TRUE, 1, 2.5)", "DECIMAL(11, 1)", "1.0"),
        ("IF(TRUE, 'a', 'bb')", "STRING", "a"),
        ("IF(TRUE, 1, 'a')", "ERROR", "IF: the arguments have no type in common: INT, STRING"),
        ("IF(1, 1, 2)", "ERROR", "IF takes a boolean as argument 1, not INT"),
        ("NULLIF(1, 1)", "INT", "NULL"),
        ("NULLIF(1, 2)", "INT", "1"),
        ("NULLIF(1, CAST(1 AS BIGINT))", "INT", "NULL"),
        ("NULLIF('a', 'b')", "STRING", "a"),
        ("NULLIF(CAST(NULL AS INT), 1)", "INT", "NULL"),
    ]);
}

#[test]
fn extremes() {
    check(&[
        ("GREATEST(1, 2, 3)", "INT", "3"),
        ("GREATEST(1, CAST(2.5 AS DECIMAL(3,1)))", "DECIMAL(11, 1)", "2.5"),
        ("GREATEST(1, CAST(NULL AS INT))", "INT", "NULL"),
        ("GREATEST(1, NULL, 2)", "INT", "NULL"),
        ("GREATEST('a', 'b')", "STRING", "b"),
        ("GREATEST(CAST('NaN' AS DOUBLE), CAST(1 AS DOUBLE))", "DOUBLE", "NaN"),
        (
            "GREATEST(TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP '2021-01-01 00:00:00.500')",
            "TIMESTAMP(3)",
            "2021-01-01 00:00:00.500",
        ),
        ("LEAST(1, CAST(2 AS BIGINT))", "BIGINT", "1"),
        ("LEAST(CAST(1 AS DOUBLE), 2)", "DOUBLE", "1.0"),
        ("LEAST(3, 1, 2)", "INT", "1"),
        ("LEAST(1, 'a')", "ERROR", "LEAST: the arguments have no type in common: INT, STRING"),
    ]);
}

#[test]
fn tests_of_text() {
    check(&[
        ("IS_ALPHA('abc')", "BOOLEAN", "TRUE"),
        ("IS_ALPHA('ab1')", "BOOLEAN", "FALSE"),
        ("IS_ALPHA('')", "BOOLEAN", "FALSE"),
        ("IS_ALPHA('é')", "BOOLEAN", "TRUE"),
        ("IS_ALPHA(5)", "BOOLEAN", "FALSE"),
        ("IS_ALPHA(CAST(NULL AS STRING))", "BOOLEAN", "FALSE"),
        ("IS_DIGIT('123')", "BOOLEAN", "TRUE"),
        ("IS_DIGIT('1a')", "BOOLEAN", "FALSE"),
        ("IS_DIGIT('')", "BOOLEAN", "FALSE"),
        ("IS_DIGIT('٣')", "BOOLEAN", "TRUE"),
        ("IS_DECIMAL('1.5')", "BOOLEAN", "TRUE"),
        ("IS_DECIMAL('-1.5e3')", "BOOLEAN", "TRUE"),
        ("IS_DECIMAL('abc')", "BOOLEAN", "FALSE"),
        ("IS_DECIMAL('')", "BOOLEAN", "FALSE"),
        ("IS_DECIMAL('.5')", "BOOLEAN", "TRUE"),
        ("IS_DECIMAL(5)", "BOOLEAN", "TRUE"),
        ("IS_DECIMAL('NaN')", "BOOLEAN", "TRUE"),
        ("IS_DECIMAL(' 1 ')", "BOOLEAN", "TRUE"),
    ]);
}
