//! Custom sections of a component, so that an operator needs only one file.

use serde_json::{Map, Value};
use wasm_encoder::{ComponentSection as _, CustomSection};
use wasm_metadata::{AddMetadata, AddMetadataField, Description, Version};

use super::{BuildError, Language, Source};

/// Custom section with the manifest as JSON: keys in byte order, no white space.
pub const MANIFEST_SECTION: &str = "ansai:manifest";
/// Custom section with the JSON Schema of the settings, as its author wrote it.
pub const SCHEMA_SECTION: &str = "ansai:settings-schema";
/// Custom section with README.md.
pub const README_SECTION: &str = "ansai:readme";
/// Custom section with the licence: the content of all files named LICENSE, LICENCE or COPYING, with any extension, in
/// order of their names.
pub const LICENCE_SECTION: &str = ansai_engine::metadata::LICENCE_SECTION;

/// Custom section with the fingerprint of the sources, so that a component of other sources is not tested.
pub const SOURCES_SECTION: &str = "ansai:sources";

/// All custom sections, in the order in which they are embedded.
pub(crate) const SECTIONS: [&str; 5] =
    [MANIFEST_SECTION, SCHEMA_SECTION, README_SECTION, LICENCE_SECTION, SOURCES_SECTION];

/// Adds the standard metadata, and ansai's sections at the end. Omits the language if it is unknown.
pub(crate) fn embed(component: Vec<u8>, source: &Source, language: Option<Language>) -> Result<Vec<u8>, BuildError> {
    let wrong = |error: &dyn std::fmt::Display| BuildError::Component(format!("its metadata cannot be added: {error}"));
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set(source.manifest.name.clone());
    metadata.version = AddMetadataField::Set(Version::new(source.manifest.version.clone()));
    metadata.description = AddMetadataField::Set(Description::new(source.manifest.description.clone()));
    metadata.language = language.iter().map(|language| (language.name().to_owned(), String::new())).collect();
    metadata.processed_by = vec![("ansai".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    let mut bytes = metadata.to_wasm(&component).map_err(|error| wrong(&error))?;
    let manifest = canonical(source.manifest.to_json()).to_string();
    let sections = [
        (MANIFEST_SECTION, Some(manifest.as_str())),
        (SCHEMA_SECTION, source.schema.as_deref()),
        (README_SECTION, source.readme.as_deref()),
        (LICENCE_SECTION, source.licence.as_deref()),
        (SOURCES_SECTION, source.fingerprint.as_deref()),
    ];
    for (name, text) in sections {
        if let Some(text) = text {
            CustomSection { name: name.into(), data: text.as_bytes().into() }.append_to_component(&mut bytes);
        }
    }
    Ok(bytes)
}

/// Sorts the keys at every level in byte order. Recursion is safe: a manifest is only a few levels deep.
fn canonical(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map.into_iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            entries.into_iter().map(|(key, value)| (key, canonical(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(list) => list.into_iter().map(canonical).collect(),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_byte_order() {
        let value = serde_json::json!({"b": [{"z": 1, "a": 2}], "a": {"y": 1, "x": null}});
        assert_eq!(canonical(value).to_string(), r#"{"a":{"x":null,"y":1},"b":[{"a":2,"z":1}]}"#);
    }
}
