use crate::testing::check;

/// Unless a comment says otherwise, every row of this file is what Flink 2.3 answered.
#[test]
fn regular_expressions() {
    check(&[
        ("REGEXP('abc', 'b')", "BOOLEAN", "TRUE"),
        ("REGEXP('abc', '^b')", "BOOLEAN", "FALSE"),
        ("REGEXP('abc', '(')", "BOOLEAN", "FALSE"),
        ("REGEXP('abc', '')", "BOOLEAN", "FALSE"),
        ("REGEXP(CAST(NULL AS STRING), 'a')", "BOOLEAN", "NULL"),
        ("REGEXP_EXTRACT('foothebar', 'foo(.*?)(bar)', 2)", "STRING", "bar"),
        ("REGEXP_EXTRACT('foothebar', 'foo(.*?)(bar)')", "STRING", "foothebar"),
        ("REGEXP_EXTRACT('foothebar', 'foo(.*?)(bar)', 5)", "STRING", "NULL"),
        ("REGEXP_EXTRACT('foothebar', 'zzz', 0)", "STRING", "NULL"),
        ("REGEXP_EXTRACT('foothebar', '(', 0)", "STRING", "NULL"),
        ("REGEXP_EXTRACT('abc', 'b', -1)", "STRING", "NULL"),
        (r"REGEXP_EXTRACT('Müller', '\w+', 0)", "STRING", "M"),
        ("REGEXP_REPLACE('foobar', 'oo|ar', '')", "STRING", "fb"),
        ("REGEXP_REPLACE('foobar', '(o+)', '[$1]')", "STRING", "f[$1]bar"),
        ("REGEXP_REPLACE('foobar', '(', 'x')", "STRING", "NULL"),
        (r"REGEXP_REPLACE('a1b22', '\d+', '#')", "STRING", "a#b#"),
        (r"REGEXP_REPLACE('foobar', 'o', '\')", "STRING", r"f\\bar"),
        ("REGEXP_COUNT('banana', 'an')", "INT", "2"),
        ("REGEXP_COUNT('aaaa', 'aa')", "INT", "2"),
        ("REGEXP_COUNT('abc', '')", "INT", "4"),
        ("REGEXP_COUNT('banana', '(')", "INT", "NULL"),
        ("REGEXP_INSTR('banana', 'na')", "INT", "3"),
        ("REGEXP_INSTR('banana', 'x')", "INT", "0"),
        ("REGEXP_SUBSTR('banana', 'n.')", "STRING", "na"),
        ("REGEXP_SUBSTR('banana', 'x')", "STRING", "NULL"),
        // Java knows these two; our engine does not, and says so.
        ("REGEXP('ab', '(?=a)a')", "ERROR", "REGEXP: the pattern '(?=a)a' is not supported: look-around"),
        (r"REGEXP('aa', '(a)\1')", "ERROR", "backreferences are not supported"),
    ]);
}

#[test]
fn like_and_similar_to() {
    check(&[
        ("'abc' LIKE 'a%'", "BOOLEAN", "TRUE"),
        ("'abc' LIKE '_b_'", "BOOLEAN", "TRUE"),
        ("'abc' NOT LIKE 'b%'", "BOOLEAN", "TRUE"),
        (r"'a%c' LIKE 'a\%c'", "BOOLEAN", "FALSE"),
        (r"'a_c' LIKE 'a\_c'", "BOOLEAN", "FALSE"),
        (r"'a\bc' LIKE 'a\_c'", "BOOLEAN", "TRUE"),
        ("'a_c' LIKE 'a!_c' ESCAPE '!'", "BOOLEAN", "TRUE"),
        ("'abc' LIKE 'a!_c' ESCAPE '!'", "BOOLEAN", "FALSE"),
        (r"'a_c' LIKE CONCAT('a\', '_c')", "BOOLEAN", "FALSE"),
        ("'abc' LIKE NULL", "BOOLEAN", "NULL"),
        ("'abc' SIMILAR TO 'a(b|x)c'", "BOOLEAN", "TRUE"),
        ("'abc' SIMILAR TO 'a%'", "BOOLEAN", "TRUE"),
        ("'abc' SIMILAR TO '[a-c]+'", "BOOLEAN", "TRUE"),
        ("'abc' SIMILAR TO 'ab'", "BOOLEAN", "FALSE"),
        ("'abc' NOT SIMILAR TO 'ab'", "BOOLEAN", "TRUE"),
        ("'abc' SIMILAR TO 'a.c'", "BOOLEAN", "TRUE"),
        ("'abc' SIMILAR TO '_b_'", "BOOLEAN", "TRUE"),
    ]);
}
