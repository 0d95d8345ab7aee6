//! Objects as the command line names them.

use std::fmt;
use std::str::FromStr;

/// Namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespacedName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl FromStr for NamespacedName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err("write NAMESPACE/NAME".to_owned()),
        }
    }
}

impl fmt::Display for NamespacedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_with_their_namespace() {
        let name = NamespacedName { namespace: "system".into(), name: "operator".into() };
        assert_eq!(name.to_string(), "system/operator");
        assert_eq!("system/operator".parse(), Ok(name));
        for bad in ["", "operator", "/operator", "system/", "a/b/c"] {
            assert_eq!(bad.parse::<NamespacedName>(), Err("write NAMESPACE/NAME".to_owned()), "{bad}");
        }
    }
}
