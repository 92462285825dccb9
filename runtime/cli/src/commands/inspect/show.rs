//! A component as text. Everything that comes from it is made safe for terminals.

use ansai_config::{Manifest, SettingDescription};
use ansai_core::text::inert;
use ansai_core::{Bytes, Interface, InterfaceKind, InterfaceName, Millis};
use ansai_daemon::Component;
use ansai_engine::has_interface;
use ansai_engine::metadata::Producer;

use super::Inspected;
use crate::output::paragraphs::indented;
use crate::output::{self, abilities, ladder, lines};

/// What every policy exports. A component without them is refused before it is shown.
pub(super) const EXPORTS: [&str; 2] = ["detect", "plan"];
/// The most tools on one line.
const MOST_TOOLS: usize = 8;
/// The most characters of a licence's title.
const MOST_TITLE: usize = 80;

/// `every 10 min, woken by file /etc/hosts`.
fn schedule(manifest: &Manifest) -> String {
    let watches: Vec<String> = manifest.watches.iter().map(ToString::to_string).collect();
    let between = if watches.is_empty() { String::new() } else { format!(", woken by {}", watches.join("; ")) };
    format!("every {}{between}", manifest.every)
}

pub(in crate::commands) fn of(inspected: &Inspected, interfaces: &[Interface]) -> String {
    let Inspected { component, metadata, functions } = inspected;
    let manifest = &component.manifest;
    let mut out = lines::title(&format!("{} {}", manifest.name, manifest.version));
    let verification = match manifest.verify_within {
        Millis::ZERO => "once".to_owned(),
        within => format!("until healthy, within {within}"),
    };
    let mut about = vec![
        ("file", component.path.display().to_string()),
        ("size", Bytes::from(component.found.bytes).to_string()),
        ("sha256", component.found.digest.clone()),
        ("schedule", schedule(manifest)),
        ("verification", verification),
    ];
    if let Some(cooldown) = manifest.cooldown {
        about.push(("cooldown", format!("{cooldown} between two attempts")));
    }
    if !manifest.ladder.is_empty() {
        about.push(("stages", ladder::stages(&manifest.ladder)));
    }
    out += &lines::pairs(&about);
    out += &lines::title("Author says (nothing verifies it)");
    out += &lines::pairs(&[
        ("description", manifest.description.clone()),
        ("languages", producers(&metadata.languages)),
        ("tools", producers(&metadata.tools)),
        (
            "licence",
            carried(licence_title(metadata.licence.as_deref()).as_deref(), metadata.licence.as_ref(), "--licence"),
        ),
        ("readme", carried(None, component.found.readme.as_ref(), "--readme")),
    ]);
    out += &lines::title("Capabilities");
    out += &abilities::show(component, functions, interfaces);
    out += &lines::title("Imports");
    out += &needs(component, interfaces);
    out += &lines::title("Settings");
    let settings = component.schema.describe();
    if settings.is_empty() {
        out += "  none\n";
    }
    for setting in &settings {
        out += &self::setting(setting);
    }
    out += &lines::title("Limits of one evaluation");
    let limits = lines::pairs(&manifest.limits_shown());
    out += &indented(&limits, "  ");
    for asked in manifest.limits.raised() {
        out += &format!("  author asks for {} = {}; only the operator raises a limit\n", asked.key, asked.value);
    }
    out
}

/// `rustc 1.95.0, wit-component 0.2`: as the component says; nothing verifies it.
fn producers(list: &[Producer]) -> String {
    let shown = list.iter().take(MOST_TOOLS).map(|one| match one.version.as_str() {
        "" => one.name.clone(),
        version => format!("{} {version}", one.name),
    });
    let mut words: Vec<String> = shown.map(|one| inert(&one, 60)).collect();
    match list.len().saturating_sub(MOST_TOOLS) {
        0 if words.is_empty() => "unknown".to_owned(),
        0 => words.join(", "),
        more => {
            words.push(format!("{more} more"));
            words.join(", ")
        }
    }
}

/// The first line with letters, which is the name of a licence.
pub(super) fn licence_title(text: Option<&str>) -> Option<String> {
    let title = text?.lines().map(str::trim).find(|line| line.chars().any(char::is_alphabetic))?;
    Some(inert(title, MOST_TITLE))
}

fn carried(title: Option<&str>, text: Option<&String>, flag: &str) -> String {
    match (title, text) {
        (_, None) => "none".to_owned(),
        (Some(title), Some(text)) => format!("{title} ({}; see {flag})", Bytes::from(text.len())),
        (None, Some(text)) => format!("{} (see {flag})", Bytes::from(text.len())),
    }
}

/// Imports besides capabilities, and whether this host has all of them.
fn needs(component: &Component, interfaces: &[Interface]) -> String {
    let imports = &component.found.imports;
    let is_base = |import: &&InterfaceName| {
        abilities::interface(import, interfaces).is_some_and(|known| known.kind == InterfaceKind::Base)
    };
    let base: Vec<String> = imports.iter().filter(is_base).map(|import| inert(import.as_str(), 100)).collect();
    let known = |import: &&InterfaceName| has_interface(import);
    let foreign: Vec<String> =
        imports.iter().filter(|import| !known(import)).map(|import| inert(import.as_str(), 100)).collect();
    let mut out = format!("  exports {}, like every policy\n", EXPORTS.join(" and "));
    if !base.is_empty() {
        out += &format!("  uses {}, which need no grant\n", base.join(", "));
    }
    if foreign.is_empty() {
        out += "  all imports available; no WASI\n";
    } else {
        out += &format!("  not available on this host: {}\n", foreign.join(", "));
    }
    out
}

fn setting(setting: &SettingDescription) -> String {
    let text = |text: &str| inert(text, output::MOST_TEXT);
    let default = match (&setting.default, setting.required) {
        (Some(default), _) => format!(", default {}", text(&default.to_string())),
        (None, true) => ", required".to_owned(),
        (None, false) => String::new(),
    };
    let mut out = format!("  {} ({}{default})\n", text(&setting.path), text(&setting.kind));
    if !setting.description.is_empty() {
        out += &format!("      {}\n", text(&setting.description));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_called_by_its_first_words() {
        let apache = "\n                                 Apache License\n                           Version 2.0\n";
        assert_eq!(licence_title(Some(apache)).as_deref(), Some("Apache License"));
        assert_eq!(licence_title(Some("--\n\u{1b}[31mMIT\u{7}\n")).as_deref(), Some("\\u{1b}[31mMIT\\u{7}"));
        assert_eq!(licence_title(Some("...\n\n")), None);
        assert_eq!(licence_title(None), None);
        assert_eq!(licence_title(Some(&"x".repeat(500))).map(|title| title.chars().count()), Some(MOST_TITLE + 1));
    }

    #[test]
    fn many_tools_are_counted() {
        let many: Vec<Producer> =
            (0..10).map(|index| Producer { name: format!("t{index}"), version: String::new() }).collect();
        assert!(producers(&many).ends_with("t7, 2 more"));
        assert_eq!(producers(&[]), "unknown");
        let evil = Producer { name: "\u{1b}[2J".into(), version: "1".into() };
        assert_eq!(producers(&[evil]), "\\u{1b}[2J 1");
    }
}
