//! SPDX expressions: is there a way to take a package under allowed licences only?

/// Whether `expression` can be met with `allowed`. `MIT/Apache-2.0` is the old way of writing `OR`.
pub(crate) fn is_met(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = tokens.as_slice();
    let met = any(&mut rest, allowed);
    met && rest.is_empty()
}

/// `a OR b OR c`
fn any(tokens: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = all(tokens, allowed);
    while take(tokens, "OR") {
        met |= all(tokens, allowed);
    }
    met
}

/// `a AND b AND c`, which binds tighter.
fn all(tokens: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = one(tokens, allowed);
    while take(tokens, "AND") {
        met &= one(tokens, allowed);
    }
    met
}

fn one(tokens: &mut &[&str], allowed: &[String]) -> bool {
    if take(tokens, "(") {
        let met = any(tokens, allowed);
        return take(tokens, ")") && met;
    }
    let Some((name, rest)) = tokens.split_first() else { return false };
    *tokens = rest;
    let mut name = (*name).to_owned();
    if take(tokens, "WITH")
        && let Some((exception, rest)) = tokens.split_first()
    {
        *tokens = rest;
        name = format!("{name} WITH {exception}");
    }
    allowed.contains(&name)
}

fn take(tokens: &mut &[&str], token: &str) -> bool {
    match tokens.split_first() {
        Some((first, rest)) if *first == token => {
            *tokens = rest;
            true
        }
        _ => false,
    }
}

#[test]
fn expressions() {
    let allowed: Vec<String> =
        ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "ISC"].map(str::to_owned).into();
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT OR GPL-3.0", true),
        ("GPL-3.0 OR MIT", true),
        ("MIT/GPL-3.0", true),
        ("MIT AND GPL-3.0", false),
        ("MIT AND (GPL-3.0 OR ISC)", true),
        ("(MIT OR GPL-3.0) AND ISC", true),
        ("GPL-3.0 OR MIT AND LGPL-2.1", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("MIT WITH LLVM-exception", false),
        ("", false),
        ("(MIT", false),
        ("MIT ISC", false),
    ] {
        assert_eq!(is_met(expression, &allowed), expected, "{expression:?}");
    }
}
