use super::number;
use crate::testing::check;

/// Unless a comment says otherwise, every row of this file is what Flink 2.3 answered.
#[test]
fn values_by_path() {
    let cases = [
        (r#"{"a": true}"#, "$.a", "true"),
        (r#"{"a": 1.50}"#, "$.a", "1.50"),
        (r#"{"a": {"b": "x"}}"#, "$.a.b", "x"),
        (r#"{"a": {"b": "x"}}"#, "$.a", "NULL"),
        (r#"{"a": [1,2]}"#, "$.a[1]", "2"),
        (r#"{"a": [1,2]}"#, "$.a[5]", "NULL"),
        (r#"{"a": [1,2,3]}"#, "$.a[-1]", "3"),
        (r#"{"a": 1}"#, "$.b", "NULL"),
        (r#"{"a": 1}"#, "lax $.b", "NULL"),
        (r#"{"a": 1}"#, "strict $.a", "1"),
        (r#"{"a": null}"#, "$.a", "NULL"),
        ("bad", "$.a", "NULL"),
        ("", "$.a", "NULL"),
        (r#"{"a b": 1}"#, "$[''a b'']", "1"),
        (r#"{"a": {"b": [1, {"c": "d"}]}}"#, r#"$["a"]["b"][0]"#, "1"),
        (r#"{"a": {"b": [1, {"c": "d"}]}}"#, "$.a.b[1].c", "d"),
        (r#"{"a": [{"b":1},{"b":2}]}"#, "$.a[*].b", "NULL"),
        (r#"{"a": 1e3}"#, "$.a", "1E+3"),
        (r#"{"a": 12345678901234567890}"#, "$.a", "12345678901234567890"),
        ("[1,2]", "$[0]", "1"),
        (r#"{"a": 1, "a": 2}"#, "$.a", "2"),
        (r#"{"a": "x\"yé"}"#, "$.a", "x\"yé"),
        (r#"{"a": 1}"#, "b", "NULL"),
        (r#"{"a": 1}"#, "$..a", "NULL"),
        (r#""x""#, "$", "x"),
        (r#"{"a": 1} trailing"#, "$.a", "1"),
        (r#"{"a": 1.0E2}"#, "$.a", "1.0E+2"),
        (r#"{"a": 0.0000001}"#, "$.a", "1E-7"),
        (r#"{"a": -1.5e-10}"#, "$.a", "-1.5E-10"),
        (r#"{"é": 1}"#, "$.é", "1"),
        (r#"{"a-b": 1}"#, "$.a-b", "1"),
        // Not asked of Flink: escapes in keys and unsound documents.
        (r#"{"\u0061": "\ud83d\ude00"}"#, "$.a", "😀"),
        (r#"{"a": 1, }"#, "$.a", "NULL"),
        (r#"{"a": 01}"#, "$.a", "NULL"),
        (r#"{"a": "x"#, "$.a", "NULL"),
    ];
    for (document, path, expected) in cases {
        let sql = format!("JSON_VALUE('{document}', '{path}')");
        check(&[(sql.as_str(), "STRING", expected)]);
    }
    check(&[
        ("JSON_VALUE(CAST(NULL AS STRING), '$.a')", "STRING", "NULL"),
        (
            "JSON_VALUE('{}', '$.a?(@.b > 1)')",
            "ERROR",
            "JSON_VALUE: the path '$.a?(@.b > 1)' is not supported",
        ),
        ("JSON_EXISTS('{\"a\": 1}', '$.a')", "BOOLEAN", "TRUE"),
        ("JSON_EXISTS('{\"a\": {\"b\": 1}}', '$.a')", "BOOLEAN", "TRUE"),
        ("JSON_EXISTS('{\"a\": [1]}', '$.a[0]')", "BOOLEAN", "TRUE"),
        ("JSON_EXISTS('{\"a\": 1}', '$.b')", "BOOLEAN", "FALSE"),
        ("JSON_EXISTS('bad', '$.b')", "BOOLEAN", "FALSE"),
        ("JSON_EXISTS('{\"a\": null}', '$.a')", "BOOLEAN", "FALSE"),
    ]);
}

#[test]
fn deep_documents_are_no_value() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(super::Path::parse("$").unwrap().find(&deep), None);
    let shallow = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    assert_eq!(super::Path::parse("$").unwrap().find(&shallow), Some(shallow.as_str()));
}

#[test]
fn numbers_are_written_as_big_decimals() {
    let cases = [
        ("0", "0"),
        ("-5", "-5"),
        ("1.50", "1.50"),
        ("0.05", "0.05"),
        ("1e0", "1"),
        ("12e-1", "1.2"),
        ("0.000001", "0.000001"),
        ("1.25E+10", "1.25E+10"),
        ("0.0", "0.0"),
    ];
    for (number, expected) in cases {
        let mut out = String::new();
        number::write(number, &mut out);
        assert_eq!(out, expected, "{number}");
    }
}
