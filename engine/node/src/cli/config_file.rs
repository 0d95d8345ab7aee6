//! Options of a role from a file, as a ConfigMap holds them: `--config FILE` with `option: value` in YAML.
//!
//! Each option of the role may stand there under its long name, without the dashes. What is typed comes before the environment, and
//! that before the file. Example: `slots: 2` and `plaintext: true` are `--slots=2 --plaintext`, unless `MILLSTREAM_SLOTS` is set.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{ArgAction, CommandFactory as _};
use serde_json::Value;

use super::args::Arguments;
use super::failure::Failure;

const OPTION: &str = "config";

/// The command line with what the file adds to it.
pub(super) fn expand(arguments: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    expand_in(arguments, |name| std::env::var_os(name))
}

fn expand_in(
    mut arguments: Vec<OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Vec<OsString>, Failure> {
    let commands = Arguments::command();
    let Some(role) = arguments.get(1).and_then(|name| commands.find_subcommand(name)) else {
        return Ok(arguments);
    };
    let Some(declared) = role.get_arguments().find(|arg| arg.get_long() == Some(OPTION)) else {
        return Ok(arguments);
    };
    let from_environment = || declared.get_env().and_then(OsStr::to_str).and_then(&environment);
    let Some(path) = typed_value(&arguments, OPTION).or_else(from_environment).map(PathBuf::from) else {
        return Ok(arguments);
    };
    let mut added = Vec::new();
    for (name, value) in read(&path)? {
        let option = role.get_arguments().find(|arg| arg.get_long() == Some(&name));
        let Some(option) = option.filter(|_| name != OPTION) else {
            return Err(mistake(&path, &unknown(&name, role)));
        };
        let is_set = option.get_env().and_then(OsStr::to_str).and_then(&environment).is_some();
        if is_set || is_typed(&arguments, &name) {
            continue;
        }
        let is_switch = matches!(option.get_action(), ArgAction::SetTrue);
        let values = values(value, is_switch).map_err(|why| mistake(&path, &format!("{name}: {why}")))?;
        added.extend(values.into_iter().map(|value| match value {
            Some(value) => OsString::from(format!("--{name}={value}")),
            None => OsString::from(format!("--{name}")),
        }));
    }
    arguments.extend(added);
    Ok(arguments)
}

fn mistake(path: &Path, what: &str) -> Failure {
    Failure::Mistake(format!("{}: {what}", path.display()))
}

fn unknown(name: &str, role: &clap::Command) -> String {
    let options: Vec<&str> =
        role.get_arguments().filter_map(clap::Arg::get_long).filter(|n| *n != OPTION).collect();
    format!("{} has no option `{name}`; its options are {}", role.get_name(), options.join(", "))
}

fn read(path: &Path) -> Result<BTreeMap<String, Value>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| mistake(path, &e.to_string()))?;
    if text.trim().is_empty() {
        return Ok(BTreeMap::new());
    }
    serde_saphyr::from_str(&text)
        .map_err(|e| mistake(path, &format!("options are written as `name: value`: {e}")))
}

/// What stands behind an option in one go: `None` for a switch.
fn values(value: Value, is_switch: bool) -> Result<Vec<Option<String>>, String> {
    match (value, is_switch) {
        (Value::Bool(is_on), true) => Ok(if is_on { vec![None] } else { Vec::new() }),
        (_, true) => Err("it is true or false".into()),
        (Value::String(text), false) => Ok(vec![Some(text)]),
        (Value::Number(number), false) => Ok(vec![Some(number.to_string())]),
        (Value::Array(list), false) => {
            let all = list.into_iter().map(|value| values(value, false)).collect::<Result<Vec<_>, _>>()?;
            Ok(all.into_iter().flatten().collect())
        }
        (Value::Bool(_) | Value::Null | Value::Object(_), false) => {
            Err("it takes a text, a number or a list of them".into())
        }
    }
}

fn is_typed(arguments: &[OsString], name: &str) -> bool {
    let (flag, with_value) = (format!("--{name}"), format!("--{name}="));
    arguments.iter().filter_map(|argument| argument.to_str()).any(|a| a == flag || a.starts_with(&with_value))
}

fn typed_value(arguments: &[OsString], name: &str) -> Option<OsString> {
    let (flag, with_value) = (format!("--{name}"), format!("--{name}="));
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument.to_str() == Some(&flag) {
            return rest.next().cloned();
        }
        if let Some(value) = argument.to_str().and_then(|a| a.strip_prefix(&with_value)) {
            return Some(value.into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str, typed: &[&str], environment: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("role.yaml");
        std::fs::write(&path, text).unwrap();
        let mut arguments: Vec<OsString> = vec!["millstream".into(), "worker".into(), "--config".into()];
        arguments.push(path.into());
        arguments.extend(typed.iter().map(OsString::from));
        let of =
            |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value));
        let all = expand_in(arguments, of).map_err(|failure| failure.message().to_owned())?;
        Ok(all[4..].iter().map(|argument| argument.to_string_lossy().into_owned()).collect())
    }

    #[test]
    fn a_file_fills_in_what_is_neither_typed_nor_set() {
        let text = "slots: 4\nplaintext: true\nheartbeat-timeout: 5s\ndir: /data\n";
        let all = expanded(text, &["--slots=2"], &[("MILLSTREAM_DIR", "/other")]).unwrap();
        assert_eq!(all, ["--slots=2", "--heartbeat-timeout=5s", "--plaintext"]);
        assert_eq!(expanded("plaintext: false", &[], &[]).unwrap(), [""; 0]);
        assert_eq!(expanded("", &["--slots", "1"], &[]).unwrap(), ["--slots", "1"]);
    }

    #[test]
    fn the_environment_may_name_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yaml");
        std::fs::write(&path, "set: [a=1, b=2]\n").unwrap();
        let of = |name: &str| (name == "MILLSTREAM_CONFIG").then(|| path.clone().into_os_string());
        let all = expand_in(vec!["millstream".into(), "coordinator".into()], of).unwrap();
        assert_eq!(all[2..], ["--set=a=1", "--set=b=2"]);
        // Other commands have no such option.
        let plan: Vec<OsString> = vec!["millstream".into(), "plan".into(), "x".into()];
        assert_eq!(expand_in(plan.clone(), of).unwrap(), plan);
    }

    #[test]
    fn mistakes_name_the_file_and_the_option() {
        let refused = |text: &str| expanded(text, &[], &[]).unwrap_err();
        let message = refused("slot: 4");
        assert!(
            message.contains("role.yaml: worker has no option `slot`; its options are coordinator, slots,"),
            "{message}"
        );
        assert!(refused("config: x").contains("no option `config`"));
        assert!(refused("plaintext: yes please").contains("plaintext: it is true or false"));
        assert!(refused("dir: {a: b}").contains("dir: it takes a text, a number or a list of them"));
        assert!(refused("- slots").contains("options are written as `name: value`"));
        let missing =
            expand_in(["millstream", "worker", "--config=/nowhere/x"].map(OsString::from).to_vec(), |_| None);
        assert!(missing.unwrap_err().message().starts_with("/nowhere/x: No such file"));
    }
}
