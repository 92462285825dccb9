//! Metadata that a component carries for people: languages, tools and licence. Nothing depends on it, and its author can
//! write anything there.

use wasmparser::{KnownCustom, Parser, Payload, ProducersSectionReader};

/// Custom section with the licence.
pub const LICENCE_SECTION: &str = "ansai:licence";
/// Maximum size of the licence, in bytes: it may contain those of all libraries.
const MAX_LICENCE_BYTES: usize = 4 << 20;
/// Maximum number of tools, and of languages.
const MAX_PRODUCERS: usize = 64;

/// A language or a tool that the component names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Producer {
    /// Such as `rustc`. It may contain control characters.
    pub name: String,
    /// Version of the tool; often empty. It may contain control characters.
    pub version: String,
}

/// Metadata of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Languages, those of the outermost component first, without duplicates.
    pub languages: Vec<Producer>,
    /// Compilers and other tools, in the same order.
    pub tools: Vec<Producer>,
    /// Text of the licence. It may contain control characters.
    pub licence: Option<String>,
}

/// Reads the metadata. Sections that cannot be read are skipped.
pub fn metadata(bytes: &[u8]) -> Metadata {
    let mut found = Metadata::default();
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Err(_) => break,
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => depth += 1,
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            Ok(Payload::CustomSection(section)) if section.name() == LICENCE_SECTION && depth == 0 => {
                let text = std::str::from_utf8(section.data()).ok();
                found.licence = text.filter(|text| text.len() <= MAX_LICENCE_BYTES).map(str::to_owned);
            }
            Ok(Payload::CustomSection(section)) => {
                if let KnownCustom::Producers(producers) = section.as_known() {
                    found.take(producers);
                }
            }
            Ok(_) => {}
        }
    }
    found
}

impl Metadata {
    fn take(&mut self, producers: ProducersSectionReader<'_>) {
        for field in producers.into_iter().take(MAX_PRODUCERS) {
            let Ok(field) = field else { return };
            let list = match field.name {
                "language" => &mut self.languages,
                "processed-by" => &mut self.tools,
                _ => continue,
            };
            for value in field.values.into_iter().take(MAX_PRODUCERS) {
                let Ok(value) = value else { return };
                if list.len() < MAX_PRODUCERS && !list.iter().any(|known| known.name == value.name) {
                    list.push(Producer { name: value.name.to_owned(), version: value.version.to_owned() });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn custom(name: &str, data: &[u8]) -> Vec<u8> {
        let mut section = vec![name.len() as u8];
        section.extend(name.as_bytes());
        section.extend(data);
        let mut bytes = vec![0, section.len() as u8];
        bytes.extend(section);
        bytes
    }

    fn producers(field: &str, values: &[(&str, &str)]) -> Vec<u8> {
        let text = |text: &str| [&[text.len() as u8][..], text.as_bytes()].concat();
        let mut data = [vec![1], text(field), vec![values.len() as u8]].concat();
        values.iter().for_each(|(name, version)| data.extend([text(name), text(version)].concat()));
        custom("producers", &data)
    }

    fn component(sections: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = wat::parse_str("(component)").unwrap();
        sections.iter().for_each(|section| bytes.extend(section));
        bytes
    }

    #[test]
    fn languages_tools_and_the_licence_are_read_once_each() {
        let bytes = component(&[
            producers("language", &[("Rust", "")]),
            producers("processed-by", &[("ansai", "0.1.0"), ("rustc", "1.95"), ("ansai", "9")]),
            custom(LICENCE_SECTION, "MIT\n".as_bytes()),
        ]);
        let found = metadata(&bytes);
        assert_eq!(found.languages, [Producer { name: "Rust".into(), version: String::new() }]);
        let tools: Vec<(&str, &str)> = found.tools.iter().map(|one| (&*one.name, &*one.version)).collect();
        assert_eq!(tools, [("ansai", "0.1.0"), ("rustc", "1.95")]);
        assert_eq!(found.licence.as_deref(), Some("MIT\n"));
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        for bytes in [
            component(&[custom("producers", &[0xff, 0xff, 0xff, 0xff, 0x0f, 1])]),
            component(&[custom(LICENCE_SECTION, &[0xff])]),
            component(&[producers("else", &[("a", "b")])]),
            b"\0asm".to_vec(),
            b"".to_vec(),
        ] {
            assert_eq!(metadata(&bytes), Metadata::default());
        }
    }

    #[test]
    fn a_component_that_names_very_many_is_cut() {
        let sections: Vec<Vec<u8>> =
            (0..200).map(|index| producers("processed-by", &[(&format!("tool{index}"), "1")])).collect();
        assert_eq!(metadata(&component(&sections)).tools.len(), MAX_PRODUCERS);
    }
}
