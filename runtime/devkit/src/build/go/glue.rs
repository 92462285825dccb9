//! The files that turn the generated bindings into a program that calls the policy.

use std::path::PathBuf;

use wit_bindgen_core::WorldGenerator;

use super::module::BINDINGS;
use crate::build::bindings::Bindings;

/// The package that is compiled.
pub(super) const MAIN: &str = "main";
/// How the generated code imports the Go types for WIT's own types (`option`, `result`, …).
const REMOTE: &[u8] = b"\"go.bytecodealliance.org/pkg/";
/// How the generated code takes the bytes of a text that goes to the host, what does it instead, and how that is imported.
const TEXT: (&[u8], &[u8]) = (b"unsafe.StringData(", b"witText.Data(");
const TEXT_IMPORT: (&[u8], &[u8]) = (b"\"unsafe\"", b"\"unsafe\"\n\twitText \"ansai/bindings/wit/text\"");
/// How [`FILES`] import the policy's module.
const POLICY: &str = "\"ansai/policy\"";

const FILES: &[(&str, &str)] = &[
    ("go.mod", "module ansai/bindings\n\ngo 1.24\n"),
    ("main/main.go", include_str!("support/main/main.go")),
    ("export_wit_world/checked.go", include_str!("support/export_wit_world/checked.go")),
    ("export_wit_world/policy.go", include_str!("support/export_wit_world/policy.go")),
    ("wit/types/types.go", include_str!("support/wit/types/types.go")),
    ("wit/text/text.go", include_str!("support/wit/text/text.go")),
    ("wit/runtime/runtime.go", include_str!("support/wit/runtime/runtime.go")),
];

/// The generator does not format its output, because that needs `gofmt`, which may be missing.
pub(super) fn generator() -> Box<dyn WorldGenerator> {
    let format = wit_bindgen_go::Format::False;
    wit_bindgen_go::Opts { format, pkg_name: Some(BINDINGS.into()), ..Default::default() }.build()
}

/// Adds the remaining files, so that everything is one module that calls the policy's.
pub(super) fn complete(bindings: &mut Bindings, policy: &str) {
    for (_, text) in bindings.iter_mut() {
        *text = replaced(text, REMOTE, format!("\"{BINDINGS}/").as_bytes());
        let checked = replaced(text, TEXT.0, TEXT.1);
        if checked != *text {
            *text = replaced(&checked, TEXT_IMPORT.0, TEXT_IMPORT.1);
        }
    }
    let files = FILES.iter().map(|(name, text)| (PathBuf::from(name), text.replace(POLICY, &format!("{policy:?}"))));
    bindings.extend(files.map(|(name, text)| (name, text.into_bytes())));
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(from) {
            result.extend_from_slice(to);
            rest = after;
        } else {
            result.push(*first);
            rest = after;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bindings_are_one_module_that_calls_the_policy() {
        let generated = b"import (\n\t\"go.bytecodealliance.org/pkg/wit/types\"\n)\n".to_vec();
        let texts = b"import (\n\t\"unsafe\"\n)\nutf8 := unsafe.Pointer(unsafe.StringData(text))\n".to_vec();
        let mut bindings = vec![(PathBuf::from("a.go"), generated), (PathBuf::from("b.go"), texts)];
        complete(&mut bindings, "example.org/mine");
        let text: Vec<String> = bindings.iter().map(|(_, text)| String::from_utf8_lossy(text).into_owned()).collect();
        assert!(text.iter().any(|text| text.contains("\"ansai/bindings/wit/types\"")), "{text:?}");
        assert!(
            !text.iter().any(|text| text.contains("bytecodealliance") || text.contains("ansai/policy\"")),
            "{text:?}"
        );
        let checked = text.iter().filter(|text| text.contains("unsafe.Pointer(witText.Data(text))"));
        assert_eq!(checked.filter(|text| text.contains("witText \"ansai/bindings/wit/text\"")).count(), 1);
        assert_eq!(text.iter().filter(|text| text.contains("policy \"example.org/mine\"")).count(), 1);
    }
}
