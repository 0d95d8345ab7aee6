use crate::testing::check;

/// Unless a comment says otherwise, every row of this file is what Flink 2.3 answered.
#[test]
fn case_and_trimming() {
    check(&[
        ("UPPER('straße é')", "STRING", "STRASSE É"),
        ("LOWER('ÀÉ')", "STRING", "àé"),
        ("UPPER(CAST(NULL AS STRING))", "STRING", "NULL"),
        ("UPPER(NULL)", "STRING", "NULL"),
        ("UPPER(5)", "ERROR", "UPPER takes a string as argument 1, not INT"),
        ("UPPER('a', 'b')", "ERROR", "UPPER takes 1 argument, not 2"),
        ("INITCAP('ünïcödé ñandú a-b')", "STRING", "üNïCöDé ñAndú A-B"),
        ("INITCAP('hello wORLD foo_bar x1y 1abc')", "STRING", "Hello World Foo_Bar X1y 1abc"),
        ("REVERSE('aé😀b')", "STRING", "b😀éa"),
        ("TRIM('  a b  ')", "STRING", "a b"),
        ("TRIM(BOTH 'x' FROM 'xxaxx')", "STRING", "a"),
        ("TRIM(LEADING 'xy' FROM 'xyxaxy')", "STRING", "axy"),
        ("TRIM(TRAILING 'xy' FROM 'xyxaxy')", "STRING", "xyxa"),
        ("LTRIM('  a ')", "STRING", "a "),
        ("LTRIM('xyxa', 'xy')", "STRING", "a"),
        ("RTRIM(' a  ')", "STRING", " a"),
        ("RTRIM('axyx', 'xy')", "STRING", "a"),
        ("BTRIM('xyaxy', 'xy')", "STRING", "a"),
        ("BTRIM('  a ')", "STRING", "a"),
    ]);
}

#[test]
fn lengths_and_codes() {
    check(&[
        ("CHAR_LENGTH('aé😀')", "INT", "3"),
        ("CHARACTER_LENGTH('')", "INT", "0"),
        ("CHAR_LENGTH(5)", "ERROR", "CHAR_LENGTH takes a string as argument 1, not INT"),
        ("ASCII('abc')", "INT", "97"),
        ("ASCII('')", "INT", "0"),
        ("ASCII('é')", "INT", "-61"),
        ("ASCII('😀')", "INT", "-16"),
        ("CHR(97)", "STRING", "a"),
        ("CHR(353)", "STRING", "a"),
        ("CHR(-1)", "STRING", ""),
        ("CHR(0)", "STRING", "\0"),
    ]);
}

#[test]
fn parts() {
    check(&[
        ("SUBSTRING('abcdef', 2)", "STRING", "bcdef"),
        ("SUBSTRING('abcdef', 2, 3)", "STRING", "bcd"),
        ("SUBSTRING('abcdef' FROM 2 FOR 3)", "STRING", "bcd"),
        ("SUBSTRING('abcdef', 0)", "STRING", "abcdef"),
        ("SUBSTRING('abcdef', 0, 2)", "STRING", "ab"),
        ("SUBSTRING('abcdef', -3)", "STRING", "def"),
        ("SUBSTRING('abcdef', -3, 2)", "STRING", "de"),
        ("SUBSTRING('abcdef', -10, 5)", "STRING", ""),
        ("SUBSTRING('abcdef', -7)", "STRING", ""),
        ("SUBSTRING('abcdef', 2, -1)", "STRING", "NULL"),
        ("SUBSTRING('abcdef', 10)", "STRING", ""),
        ("SUBSTRING('abcdef', 10, 2)", "STRING", ""),
        ("SUBSTRING('abcdef', 2, 0)", "STRING", ""),
        ("SUBSTRING('a😀cdef', 2, 2)", "STRING", "😀c"),
        ("SUBSTR('abcdef', -2)", "STRING", "ef"),
        ("SUBSTRING('abc', 9223372036854775807, 9223372036854775807)", "STRING", ""),
        ("LEFT('abc', 2)", "STRING", "ab"),
        ("LEFT('abc', 0)", "STRING", ""),
        ("LEFT('abc', -1)", "STRING", ""),
        ("LEFT('abc', 10)", "STRING", "abc"),
        ("RIGHT('abc', 2)", "STRING", "bc"),
        ("RIGHT('äöü', 2)", "STRING", "öü"),
        ("RIGHT('abc', -1)", "STRING", ""),
        ("RIGHT('abc', 10)", "STRING", "abc"),
        ("LPAD('hi', 4, '??')", "STRING", "??hi"),
        ("LPAD('hi', 1, '??')", "STRING", "h"),
        ("LPAD('hi', 5, '')", "STRING", "NULL"),
        ("LPAD('hi', -1, 'x')", "STRING", "NULL"),
        ("LPAD('😀 hi', 7, '*')", "STRING", "**😀 hi"),
        ("RPAD('😀 hi', 3, '*')", "STRING", "😀 "),
        ("RPAD('hi😀', 3, '*')", "STRING", "hi"),
        ("LPAD('hi', 7, 'abc')", "STRING", "abcabhi"),
        ("RPAD('hi', 1, '??')", "STRING", "h"),
        ("RPAD('hi', 7, 'abc')", "STRING", "hiabcab"),
        ("RPAD('hi', 2000000000, 'abc')", "ERROR", "RPAD: a result of"),
        ("OVERLAY('xxxxxtest' PLACING 'xxxx' FROM 6)", "STRING", "xxxxxxxxx"),
        ("OVERLAY('xxxxxtest' PLACING 'xxxx' FROM 6 FOR 2)", "STRING", "xxxxxxxxxst"),
        ("OVERLAY('abc' PLACING 'XX' FROM 0)", "STRING", "abc"),
        ("OVERLAY('abc' PLACING 'XX' FROM 10)", "STRING", "abc"),
        ("OVERLAY('abc' PLACING 'XX' FROM 2 FOR -1)", "STRING", "aXX"),
        ("OVERLAY('abcdef' PLACING 'XX' FROM 3 FOR 0)", "STRING", "abXX"),
        ("SPLIT_INDEX('a,b,c', ',', 1)", "STRING", "b"),
        ("SPLIT_INDEX('a,b,c', ',', 5)", "STRING", "NULL"),
        ("SPLIT_INDEX('a,b,c', ',', -1)", "STRING", "NULL"),
        ("SPLIT_INDEX('a,,c', ',', 1)", "STRING", ""),
        ("SPLIT_INDEX('', ',', 0)", "STRING", "NULL"),
        ("SPLIT_INDEX('a--b', '--', 1)", "STRING", "b"),
        ("SPLIT_INDEX('a-b', '', 1)", "STRING", "NULL"),
        ("SPLIT_INDEX('a,b', 44, 1)", "STRING", "b"),
    ]);
}

#[test]
fn positions() {
    check(&[
        ("POSITION('b' IN 'abcb')", "INT", "2"),
        ("POSITION('' IN 'abc')", "INT", "1"),
        ("POSITION('z' IN 'abc')", "INT", "0"),
        ("POSITION('c' IN 'ä😀c')", "INT", "3"),
        ("LOCATE('b', 'abcb')", "INT", "2"),
        ("LOCATE('b', 'abcb', 3)", "INT", "4"),
        ("LOCATE('b', 'abcb', 0)", "INT", "2"),
        ("LOCATE('', 'abcb', 3)", "INT", "1"),
        ("INSTR('abcb', 'b')", "INT", "2"),
        ("INSTR('abcb', 'b', 3)", "INT", "4"),
        ("INSTR('abcb', 'b', 1, 2)", "INT", "4"),
        ("INSTR('abcb', 'b', -1)", "INT", "4"),
        ("INSTR('abcb', 'b', -1, 2)", "INT", "2"),
        ("INSTR('aaaa', 'aa', 1, 3)", "INT", "3"),
        ("INSTR('abcb', 'b', 1, 0)", "ERROR", "INSTR: the occurrence must be at least 1, not 0"),
        ("STARTSWITH('abc', 'ab')", "BOOLEAN", "TRUE"),
        ("STARTSWITH('abc', '')", "BOOLEAN", "TRUE"),
        ("ENDSWITH('abc', 'bc')", "BOOLEAN", "TRUE"),
        ("ENDSWITH('abc', 'ab')", "BOOLEAN", "FALSE"),
    ]);
}

#[test]
fn joining_and_replacing() {
    check(&[
        ("CONCAT('a', 'b', 'c')", "STRING", "abc"),
        ("CONCAT('a', CAST(NULL AS STRING))", "STRING", "NULL"),
        ("CONCAT('a', 1)", "ERROR", "CONCAT takes a string as argument 2, not INT"),
        ("'a' || 'b' || 'c'", "STRING", "abc"),
        ("'a' || NULL", "STRING", "NULL"),
        ("CONCAT_WS(',', 'a', CAST(NULL AS STRING), 'b')", "STRING", "a,b"),
        ("CONCAT_WS(CAST(NULL AS STRING), 'a')", "STRING", "NULL"),
        ("CONCAT_WS(',', '', 'b')", "STRING", ",b"),
        ("CONCAT_WS(',')", "STRING", ""),
        ("REPLACE('abcabc', 'b', 'xx')", "STRING", "axxcaxxc"),
        ("REPLACE('abc', '', 'x')", "STRING", "xaxbxcx"),
        ("REPEAT('ab', 3)", "STRING", "ababab"),
        ("REPEAT('ab', 0)", "STRING", ""),
        ("REPEAT('ab', -1)", "STRING", ""),
        ("REPEAT('ab', 2000000000)", "ERROR", "REPEAT: a result of 2 times 2000000000 bytes is over 16 MB"),
        ("TRANSLATE('abcab', 'ab', 'xy')", "STRING", "xycxy"),
        ("TRANSLATE('abcab', 'abc', 'x')", "STRING", "xx"),
        ("TRANSLATE('abcab', 'aa', 'xy')", "STRING", "xbcxb"),
        ("TRANSLATE3('abcab', 'ab', 'xy')", "STRING", "xycxy"),
    ]);
}
