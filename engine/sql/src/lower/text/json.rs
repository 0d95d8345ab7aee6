//! SQL/JSON functions with their clauses, as they were written.
//!
//! The inverse of `dialect::json`: `$json_value int(d, '$.a', 'DEFAULT', 0, 'NULL', NULL)` is
//! `JSON_VALUE(d, '$.a' RETURNING INT DEFAULT 0 ON EMPTY NULL ON ERROR)`.

/// The call as SQL, if the function is one of those with clauses. `args` are the arguments as text.
pub(super) fn json_text(name: &str, args: &[String]) -> Option<String> {
    let bare = |arg: &String| arg.trim_matches('\'').to_owned();
    if let Some(returning) = name.strip_prefix("$json_value ") {
        let [document, path, empty, empty_default, error, error_default] = args else { return None };
        let clause = |word: &String, default: &String| match bare(word).as_str() {
            "DEFAULT" => format!("DEFAULT {default}"),
            word => word.to_owned(),
        };
        return Some(format!(
            "JSON_VALUE({document}, {path} RETURNING {} {} ON EMPTY {} ON ERROR)",
            returning.to_uppercase(),
            clause(empty, empty_default),
            clause(error, error_default)
        ));
    }
    match (name, args) {
        ("$json_query", [document, path, wrapper, empty, error]) => {
            let wrapper = match bare(wrapper).as_str() {
                "WITHOUT" => "WITHOUT WRAPPER".to_owned(),
                condition => format!("WITH {condition} WRAPPER"),
            };
            let (empty, error) = (bare(empty), bare(error));
            Some(format!("JSON_QUERY({document}, {path} {wrapper} {empty} ON EMPTY {error} ON ERROR)"))
        }
        ("$json_exists", [document, path, error]) => {
            Some(format!("JSON_EXISTS({document}, {path} {} ON ERROR)", bare(error)))
        }
        ("$is_json", [text, kind]) => Some(format!("({text} IS JSON {})", bare(kind))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_read_as_they_were_written() {
        let table: [(&str, &[&str], Option<&str>); 6] = [
            (
                "$json_value int",
                &["d", "'$.a'", "'DEFAULT'", "0", "'NULL'", "NULL"],
                Some("JSON_VALUE(d, '$.a' RETURNING INT DEFAULT 0 ON EMPTY NULL ON ERROR)"),
            ),
            (
                "$json_query",
                &["d", "p", "'UNCONDITIONAL'", "'EMPTY ARRAY'", "'ERROR'"],
                Some("JSON_QUERY(d, p WITH UNCONDITIONAL WRAPPER EMPTY ARRAY ON EMPTY ERROR ON ERROR)"),
            ),
            (
                "$json_query",
                &["d", "p", "'WITHOUT'", "'NULL'", "'NULL'"],
                Some("JSON_QUERY(d, p WITHOUT WRAPPER NULL ON EMPTY NULL ON ERROR)"),
            ),
            ("$json_exists", &["d", "p", "'TRUE'"], Some("JSON_EXISTS(d, p TRUE ON ERROR)")),
            ("$is_json", &["d", "'ARRAY'"], Some("(d IS JSON ARRAY)")),
            ("json_value", &["d", "p"], None),
        ];
        for (name, args, expected) in table {
            let args: Vec<String> = args.iter().map(ToString::to_string).collect();
            assert_eq!(json_text(name, &args).as_deref(), expected, "{name}");
        }
    }
}
