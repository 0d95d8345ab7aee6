//! The CRD as YAML, with a line that says where it comes from.

use anyhow::Context;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

pub(crate) fn render(crd: &CustomResourceDefinition) -> anyhow::Result<String> {
    let yaml = serde_saphyr::to_string(crd).context("the CRD cannot be written as YAML")?;
    Ok(format!("# Generated from operator/api by `cargo xtask codegen`. Do not edit.\n{yaml}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written must be read as the same object, also where texts hold quotes, colons and `${}`.
    #[test]
    fn yaml_is_the_object() {
        let crd = millstream_api::streamjob_crd();
        let back: CustomResourceDefinition = serde_saphyr::from_str(&render(&crd).unwrap()).unwrap();
        assert_eq!(back, crd);
    }
}
