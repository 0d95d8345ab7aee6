//! What counts as the same.

use millstream_test_docs::compare;

#[test]
fn times_and_numbers_of_a_run_are_forgiven_and_words_are_not() {
    compare("deleted after 12s\n", "deleted after 1m3s\n\n").unwrap();
    compare("plan 1b0c55d2 at 2026-11-22T10:00:00Z", "plan 99aa00bb at 2027-01-01T00:00:00Z").unwrap();
    compare("+U[1, 20]", "-U[0, 7]").unwrap();
    let said = compare("orders deleted", "orders created").unwrap_err();
    assert_eq!(said, r#"the page shows "orders deleted", and what was shown is "orders created""#);
    assert!(compare("+U[1, 20]", "+U[1]").is_err());
    assert!(compare("1> +U[1, 20]", "+U[1, 20]").is_err());
}

#[test]
fn a_line_of_dots_stands_for_any_lines() {
    compare("...\nlast", "last").unwrap();
    compare("...\nlast", "one\ntwo\nlast").unwrap();
    assert!(compare("...\nlast", "one\nlast\ntwo").is_err());
    compare("one\n...", "one\ntwo").unwrap();
    assert_eq!(compare("one\ntwo", "one").unwrap_err(), r#""two" was not shown"#);
    assert_eq!(compare("one", "one\ntwo").unwrap_err(), r#"the page does not show "two""#);
}

#[test]
fn in_a_table_only_some_columns_are_forgiven() {
    let page = "NAME     PHASE     READY   AGE\norders   Running   True    5s\n";
    compare(page, "NAME         PHASE     READY   AGE\norders       Running   True    7m\n").unwrap();
    let other = "NAME     PHASE     READY   AGE\norders   Running   False   5s\n";
    assert!(compare(page, other).unwrap_err().contains("READY=False"));
    // An empty cell is one, too.
    let empty = "NAME     PHASE     READY   AGE\norders             True    5s\n";
    assert!(compare(page, empty).unwrap_err().contains("PHASE= "));
}

#[test]
fn two_tables_and_words_between_them_are_told_apart() {
    let page = "made\nNAME   AGE\na      1s\nWORD   NUMBER\nb      2\n+U[1, 2]\n";
    compare(page, "made\nNAME      AGE\na         9s\nWORD       NUMBER\nb          2\n+U[7, 8]\n").unwrap();
    assert!(compare(page, "made\nNAME   AGE\na      1s\nWORD   NUMBER\nb      3\n+U[1, 2]\n").is_err());
}
