//! The chart, rendered.

use serde_json::Value;

use crate::program::{answer, program};

/// The chart's folder.
pub const CHART: &str = "charts/millstream-operator";

/// What comes of it.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// Objects in the order of their installation.
    pub objects: Vec<Value>,
    /// The same as the templates wrote them, each below the name of its template.
    pub text: String,
    /// What is said after an installation.
    pub notes: String,
}

impl Rendered {
    /// All objects of a kind.
    pub fn of(&self, kind: &str) -> Vec<&Value> {
        self.objects.iter().filter(|object| object["kind"] == kind).collect()
    }

    /// The only object of a kind.
    ///
    /// # Panics
    /// If there is none, or more than one.
    #[track_caller]
    pub fn one(&self, kind: &str) -> &Value {
        let all = self.of(kind);
        assert_eq!(all.len(), 1, "{kind}: {all:?}");
        all[0]
    }

    /// All objects as one text for `kubectl apply -f -`.
    pub fn list(&self) -> String {
        serde_json::json!({"apiVersion": "v1", "kind": "List", "items": self.objects}).to_string()
    }
}

/// The chart with these values, as YAML, in the namespace `millstream-system`.
///
/// # Errors
/// What Helm complains about.
pub fn render(values: &str) -> Result<Rendered, String> {
    render_as("millstream-system", values)
}

/// The chart in a namespace.
///
/// # Errors
/// What Helm complains about.
pub fn render_as(namespace: &str, values: &str) -> Result<Rendered, String> {
    let said = answer(program("chart").args([CHART, "millstream-operator", namespace]), values)?;
    let said: Value = serde_json::from_str(&said).unwrap();
    let objects = said["objects"].as_array().unwrap();
    let text = |object: &Value| {
        let text = object["text"].as_str().unwrap().trim_start_matches("---\n").trim_end();
        format!("---\n# Source: {}\n{text}\n", object["file"].as_str().unwrap())
    };
    Ok(Rendered {
        objects: objects.iter().map(|object| object["object"].clone()).collect(),
        text: objects.iter().map(text).collect(),
        notes: said["notes"].as_str().unwrap().to_owned(),
    })
}
