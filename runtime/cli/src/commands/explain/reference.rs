//! The reference of codes, `runtime/docs/codes.md`.

use std::fmt::Write as _;

use ansai_core::codes::{self, Area};

/// All codes as Markdown.
pub(super) fn markdown() -> String {
    let mut out = String::from(
        "# Codes\n\n\
         What can be wrong, by the word that `ansai` shows in brackets after `error` and in `code` and `error_kind` of \
         JSON.\nA word stays the same from version to version. `ansai explain CODE` shows the same.\n\n\
         <!-- Made by `ansai explain --markdown > runtime/docs/codes.md`. -->\n",
    );
    for area in Area::ALL {
        let _ = write!(out, "\n## {}\n\n| | |\n|---|---|\n", area.title());
        for code in codes::all().filter(|code| code.area() == area) {
            let _ = writeln!(out, "| [`{code}`](#{code}) | {} |", code.title().replace('|', "\\|"));
        }
        for code in codes::all().filter(|code| code.area() == area) {
            let (means, way_out) = (code.means().join("\n\n"), code.way_out().join("\n\n"));
            let _ = write!(out, "\n### {code}\n\n{}.\n\n{means}\n\n", capital(code.title()));
            let _ = write!(out, "```\n{}\n```\n\n{way_out}\n", code.example());
        }
    }
    out
}

/// A sentence of a fragment, unless it begins with what must stay small.
fn capital(text: &str) -> String {
    let mut rest = text.chars();
    match rest.next() {
        Some(first) if first.is_ascii_lowercase() && !text.starts_with("go.mod") => {
            first.to_ascii_uppercase().to_string() + rest.as_str()
        }
        _ => text.to_owned(),
    }
}
