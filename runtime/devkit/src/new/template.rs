//! The templates of new policies: files embedded at compile time, see `build.rs`.

use crate::build::Language;

/// The files for one language.
pub(super) struct Template {
    /// Name on the command line.
    pub(super) language: &'static str,
    /// Path with `/` and content, sorted by path.
    pub(super) files: &'static [(&'static str, &'static [u8])],
}

include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The template of a language, if this build has one.
pub(super) fn of(language: Language) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.language == language.name())
}

/// Fills in the name in one file. Copies SDK files and binary files unchanged.
pub(super) fn fill(path: &str, content: &[u8], name: &str) -> Vec<u8> {
    match std::str::from_utf8(content) {
        Ok(text) if !path.starts_with("sdk/") => {
            text.replace("{{name}}", name).replace("{{snake_name}}", &name.replace('-', "_")).into_bytes()
        }
        _ => content.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_config::{Manifest, Schema};

    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn every_template_is_complete() {
        let interfaces = ansai_host_functions::builtin().interfaces();
        assert!(of(Language::Rust).is_some());
        for template in TEMPLATES {
            let language = Language::ALL.into_iter().find(|language| language.name() == template.language);
            let language = language.unwrap_or_else(|| panic!("policies/sdk/{} is no language", template.language));
            let file = |wanted: &str| {
                let found = template.files.iter().find(|(path, _)| *path == wanted);
                let (path, content) = found.unwrap_or_else(|| panic!("{}: no {wanted}", template.language));
                String::from_utf8(fill(path, content, "two-words")).unwrap()
            };
            let manifest = Manifest::parse("policy.toml", &file("policy.toml"), &interfaces).unwrap();
            assert_eq!(manifest.name, "two-words");
            Schema::parse("settings.schema.json", &file(&manifest.settings_schema.unwrap())).unwrap();
            assert!(file("README.md").contains("two-words"));
            assert!(file(".gitignore").contains(".wasm"));
            file(language.sign());
            file(language.source());
            let scenarios = template.files.iter().filter(|(path, _)| path.starts_with("scenarios/"));
            for (path, content) in scenarios.clone() {
                Scenario::parse(path, std::str::from_utf8(content).unwrap()).unwrap();
            }
            assert!(scenarios.count() >= 3);
        }
    }

    #[test]
    fn no_placeholder_remains() {
        for template in TEMPLATES {
            for (path, content) in template.files.iter().filter(|(path, _)| !path.starts_with("sdk/")) {
                let filled = String::from_utf8_lossy(&fill(path, content, "a")).into_owned();
                assert!(!filled.contains("{{name") && !filled.contains("{{snake"), "{}: {path}", template.language);
            }
        }
    }

    #[test]
    fn both_names_are_filled_in() {
        assert_eq!(fill("a", b"{{name}} {{snake_name}} {{other}}", "a-b"), b"a-b a_b {{other}}");
        assert_eq!(fill("a", b"\xff{{name}}", "a-b"), b"\xff{{name}}");
        assert_eq!(fill("sdk/a", b"{{name}}", "a-b"), b"{{name}}");
    }
}
