use super::path::{Found, Path};
use super::{number, write};
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
    let root = Path::parse("$").unwrap();
    assert_eq!(root.find(&deep), Found::Failed("the text is not JSON"));
    let shallow = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    assert_eq!(root.find(&shallow), Found::One(shallow.as_str()));
    let mut out = String::new();
    write::value(&shallow, &mut out).unwrap();
    assert_eq!(out, shallow);
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

const DOCUMENT: &str = r#"{"z": 1, "a": 2, "n": 1.50, "e": 1e3, "d": {"y": [1, {"q": null}], "b": "A\n\"é/"},
    "l": [{"b": 1}, {"b": 2}, {}], "s": "str", "t": true, "big": 3000000000, "f": 80.7, "nul": null}"#;

/// What a function gives for a document, a path and the words of its clauses; `None` is null.
fn ask(function: &str, document: &str, path: &str, clauses: &str) -> Option<String> {
    let arguments: String = clauses
        .split(',')
        .filter(|clause| !clause.is_empty())
        .map(|clause| match clause.trim() {
            "-" => ", NULL".to_owned(),
            number if number.parse::<f64>().is_ok() || number == "TRUE!" => {
                format!(", {}", number.trim_end_matches('!'))
            }
            word => format!(", '{word}'"),
        })
        .collect();
    let document = document.replace('\'', "''");
    let sql = format!("`{function}`('{document}', '{path}'{arguments})");
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(1));
    let schema = std::sync::Arc::new(arrow::datatypes::Schema::empty());
    let batch = arrow::array::RecordBatch::try_new_with_options(schema, vec![], &options).unwrap();
    match crate::testing::evaluate(&sql, &batch, "UTC") {
        Ok((_, rows)) => Some(rows[0].clone()).filter(|row| row != "NULL"),
        Err(message) => Some(format!("ERROR {message}")),
    }
}

/// Every row is what Flink 2.3 answered, but for those behind the comment.
#[test]
fn queries_by_path() {
    let cases = [
        (
            "$",
            "",
            r#"{"a":2,"big":3000000000,"d":{"b":"A\n\"é/","y":[1,{"q":null}]},"e":1E+3,"f":80.7,"l":[{"b":1},{"b":2},{}],"n":1.50,"nul":null,"s":"str","t":true,"z":1}"#,
        ),
        ("$.l[*].b", "", "[1,2]"),
        ("$..b", "", r#"["A\n\"é/",1,2]"#),
        ("$.d.*", "", r#"[[1,{"q":null}],"A\n\"é/"]"#),
        ("$.l[*]", "UNCONDITIONAL,NULL,NULL", r#"[[{"b":1},{"b":2},{}]]"#),
        ("$.l[*]", "CONDITIONAL,NULL,NULL", r#"[{"b":1},{"b":2},{}]"#),
        ("$.l", "CONDITIONAL,NULL,NULL", r#"[{"b":1},{"b":2},{}]"#),
        ("$.d", "CONDITIONAL,NULL,NULL", r#"[{"b":"A\n\"é/","y":[1,{"q":null}]}]"#),
        ("$.s", "UNCONDITIONAL,NULL,NULL", r#"["str"]"#),
        ("lax $.s", "UNCONDITIONAL,NULL,NULL", r#"["str"]"#),
        ("$.s", "WITHOUT,EMPTY ARRAY,EMPTY OBJECT", "{}"),
        ("lax $.s", "WITHOUT,EMPTY ARRAY,EMPTY OBJECT", "[]"),
        ("$.nul", "UNCONDITIONAL,NULL,NULL", ""),
        ("$.nul", "CONDITIONAL,EMPTY ARRAY,EMPTY OBJECT", "{}"),
        ("$.nul", "WITHOUT,EMPTY ARRAY,EMPTY OBJECT", "{}"),
        ("lax $.nul", "WITHOUT,EMPTY ARRAY,EMPTY OBJECT", "[]"),
        ("$.x", "WITHOUT,EMPTY ARRAY,EMPTY OBJECT", "{}"),
        ("$.x", "", ""),
        ("lax $.l[*].x", "WITHOUT,EMPTY OBJECT,NULL", "[]"),
        ("lax $.x[*]", "WITHOUT,EMPTY OBJECT,EMPTY ARRAY", "[]"),
        ("$.x[*]", "WITHOUT,EMPTY OBJECT,EMPTY ARRAY", "[]"),
        // Not asked of Flink.
        ("$.s", "WITHOUT,NULL,ERROR", "ERROR"),
        ("$..b..c", "", "ERROR"),
    ];
    for (path, clauses, expected) in cases {
        let function = if clauses.is_empty() { "json_query" } else { "$json_query" };
        let found = ask(function, DOCUMENT, path, clauses).unwrap_or_default();
        let fits = found == expected || (expected == "ERROR" && found.starts_with("ERROR"));
        assert!(fits, "{path} {clauses}: {found}, expected {expected}");
    }
    assert_eq!(ask("$json_query", "bad", "lax $", "WITHOUT,EMPTY ARRAY,EMPTY OBJECT").as_deref(), Some("[]"));
    assert_eq!(ask("$json_query", "bad", "$", "WITHOUT,EMPTY ARRAY,EMPTY OBJECT").as_deref(), Some("{}"));
}

/// Every row is what Flink 2.3 answered, but for those behind the comment.
#[test]
fn values_with_clauses() {
    let both = "DEFAULT,empty,DEFAULT,error";
    let cases = [
        ("string", "z", "NULL,-,NULL,-", "1"),
        ("string", "strict  $.z ", "NULL,-,NULL,-", "1"),
        ("string", "$[\"z\"]", "NULL,-,NULL,-", "1"),
        ("string", "LAX $.x", both, "empty"),
        ("string", "$.x", "DEFAULT,empty,NULL,-", ""),
        ("string", "$.x", both, "error"),
        ("string", "$.nul", both, "error"),
        ("string", "lax $.nul", both, "empty"),
        ("string", "$.d", both, "error"),
        ("string", "lax $.d", both, "empty"),
        ("string", "$.l[*].b", both, "error"),
        ("string", "lax $.l[*].b", both, "empty"),
        ("int", "$.z", "NULL,-,NULL,-", "1"),
        ("double", "$.f", "NULL,-,NULL,-", "80.7"),
        ("boolean", "$.t", "NULL,-,NULL,-", "TRUE"),
        ("int", "lax $.x", "DEFAULT,5,NULL,-", "5"),
        // Flink fails on a scalar of another type than the one behind RETURNING.
        ("int", "$.f", "NULL,-,DEFAULT,-1", "-1"),
        ("int", "$.big", "NULL,-,NULL,-", ""),
        ("int", "$.s", "NULL,-,ERROR,-", "ERROR"),
        ("double", "$.z", "NULL,-,NULL,-", "1.0"),
        ("double", "$.s", "NULL,-,DEFAULT,0.5", "0.5"),
        ("double", "$.t", "NULL,-,NULL,-", ""),
        ("boolean", "$.s", "NULL,-,DEFAULT,TRUE!", "TRUE"),
        ("boolean", "$.z", "NULL,-,NULL,-", ""),
        ("string", "lax $.x", "ERROR,-,NULL,-", "ERROR"),
        ("string", "$.l[0:2]", "NULL,-,NULL,-", "ERROR"),
    ];
    for (returning, path, clauses, expected) in cases {
        let found = ask(&format!("$json_value {returning}"), DOCUMENT, path, clauses).unwrap_or_default();
        let fits = found == expected || (expected == "ERROR" && found.starts_with("ERROR"));
        assert!(fits, "{returning} {path} {clauses}: {found}, expected {expected}");
    }
    assert_eq!(ask("$json_value string", "bad", "lax $.d", both).as_deref(), Some("empty"));
    assert_eq!(ask("$json_value string", "bad", "$.d", both).as_deref(), Some("error"));
}

/// Every row is what Flink 2.3 answered.
#[test]
fn existence_with_clauses_and_kinds_of_json() {
    let cases = [
        (DOCUMENT, "$.l[*].x", "ERROR", "TRUE"),
        (DOCUMENT, "strict $.x", "TRUE", "TRUE"),
        (DOCUMENT, "lax $.x", "TRUE", "FALSE"),
        (DOCUMENT, "$.nul", "TRUE", "TRUE"),
        ("bad", "lax $.x", "UNKNOWN", "FALSE"),
        ("bad", "$.x", "UNKNOWN", ""),
        ("bad", "$.x", "FALSE", "FALSE"),
    ];
    for (document, path, clause, expected) in cases {
        let found = ask("$json_exists", document, path, clause).unwrap_or_default();
        assert_eq!(found, expected, "{path} {clause}");
    }
    let kinds = [
        ("", "VALUE", "FALSE"),
        ("1", "SCALAR", "TRUE"),
        ("{} x", "VALUE", "TRUE"),
        ("null", "SCALAR", "TRUE"),
        ("null", "VALUE", "TRUE"),
        ("\"a\"", "SCALAR", "TRUE"),
        (" {\"a\": 1}", "OBJECT", "TRUE"),
        ("[1]", "OBJECT", "FALSE"),
        ("[1]", "ARRAY", "TRUE"),
        ("[1", "ARRAY", "FALSE"),
    ];
    for (text, kind, expected) in kinds {
        assert_eq!(ask("$is_json", text, kind, "").as_deref(), Some(expected), "{text} {kind}");
    }
}
