//! Selectors by label and by field.

use serde_json::Value;

use super::Refusal;

/// Whether an object fits a label selector.
pub(super) fn fits_labels(selector: &str, object: &Value) -> bool {
    requirements(selector).all(|requirement| fits(requirement, &object["metadata"]["labels"]))
}

/// Splits at commas that are not inside of parentheses.
fn requirements(selector: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let parts = selector.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

fn fits(requirement: &str, labels: &Value) -> bool {
    let value = |key: &str| labels[key.trim()].as_str();
    if let Some((key, set)) = requirement.split_once(" notin ") {
        return value(key).is_none_or(|value| !within(set, value));
    }
    if let Some((key, set)) = requirement.split_once(" in ") {
        return value(key).is_some_and(|value| within(set, value));
    }
    if let Some((key, other)) = requirement.split_once("!=") {
        return value(key) != Some(other.trim());
    }
    if let Some((key, own)) = requirement.split_once('=') {
        return value(key) == Some(own.trim_start_matches('=').trim());
    }
    match requirement.strip_prefix('!') {
        Some(key) => value(key).is_none(),
        None => value(requirement).is_some(),
    }
}

fn within(set: &str, value: &str) -> bool {
    set.trim().trim_matches(['(', ')']).split(',').any(|item| item.trim() == value)
}

/// Whether an object fits a field selector; names alone are known.
pub(super) fn fits_fields(selector: &str, object: &Value) -> Result<bool, Refusal> {
    let mut fits = true;
    for requirement in requirements(selector) {
        let (field, value) = requirement.split_once('=').unwrap_or((requirement, ""));
        let name = match field {
            "metadata.name" => "name",
            "metadata.namespace" => "namespace",
            other => return Err(Refusal::bad_request(&format!("field label not supported: {other}"))),
        };
        fits &= object["metadata"][name].as_str() == Some(value.trim_start_matches('='));
    }
    Ok(fits)
}
