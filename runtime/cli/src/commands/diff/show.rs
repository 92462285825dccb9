//! Differences as text: first what is new that a policy can do. Everything that comes from components is made safe for
//! terminals.

use ansai_core::text::inert;
use ansai_daemon::difference::{Change, Difference, Effect, Subject, What};
use ansai_notify::render::words::wrapped;
use anstyle::Style;

use crate::output::{colour, lines};

/// The most characters of one line of text, before it is broken.
const MOST_TEXT: usize = 400;
/// Longer lines are hard to read.
const WIDEST: usize = 100;
const NARROWEST: usize = 30;

/// `web 1.0.0 → 1.1.0`.
pub(in crate::commands) fn versions(old: &Subject, new: &Subject) -> String {
    if old.name == new.name {
        return format!("{} {} → {}", old.name, old.version, new.version);
    }
    format!("{} {} → {} {}", old.name, old.version, new.name, new.version)
}

/// A difference for people, at most `width` columns wide.
pub(in crate::commands) fn text(title: &str, difference: &Difference, width: usize) -> String {
    let mut out = lines::title(title);
    let of = |effect| difference.changes().iter().filter(move |change| change.effect == effect);
    for (heading, none, effect, sign, style) in [
        (
            "New: what it could not do before",
            Some("nothing: it can do no more than before"),
            Effect::Wider,
            "+",
            colour::WARNING,
        ),
        ("No longer possible", None, Effect::Narrower, "-", colour::GONE),
        ("Other changes", None, Effect::Neutral, "~", colour::FAINT),
    ] {
        if of(effect).next().is_none() && none.is_none() {
            continue;
        }
        out += &lines::title(heading);
        if let Some(none) = none.filter(|_| of(effect).next().is_none()) {
            out += &format!("  {none}\n");
        }
        of(effect).for_each(|change| one(&mut out, change, (sign, style), width));
    }
    out
}

fn one(out: &mut String, change: &Change, (sign, style): (&str, Style), width: usize) {
    let room = |indent: usize| width.min(WIDEST).saturating_sub(indent).max(NARROWEST);
    for (index, line) in wrapped(&inert(&sentence(change), MOST_TEXT), room(4)).iter().enumerate() {
        let sign = if index == 0 { colour::paint(style, sign) } else { " ".to_owned() };
        out.push_str(&format!("  {sign} {line}\n"));
    }
    let name = (change.what == What::Interface).then_some(&change.name);
    for detail in name.into_iter().chain(&change.details) {
        for line in wrapped(&inert(detail, MOST_TEXT), room(6)) {
            out.push_str(&format!("      {line}\n"));
        }
    }
}

fn sentence(change: &Change) -> String {
    let Change { what, name, old, new, .. } = change;
    let values = match (old, new) {
        (Some(old), Some(new)) => format!("{old} → {new}"),
        (one, other) => one.as_ref().or(other.as_ref()).cloned().unwrap_or_default(),
    };
    let is_added = new.is_some();
    match what {
        What::Interface => values,
        What::Functions if is_added => format!("calls {values} of {name}"),
        What::Functions => format!("called {values} of {name}"),
        What::Scope => format!("{values} ({name})"),
        What::Need => format!("{name}: {values}"),
        What::Signer if is_added => format!("signed by {values}"),
        What::Signer => format!("no longer signed by {values}"),
        What::Import if change.effect == Effect::Wider => format!("imports {values}, which this ansai does not have"),
        What::Import if is_added => format!("imports {values}"),
        What::Import => format!("no longer imports {values}"),
        What::Setting => added_or_gone("setting", name, &values, old, new),
        What::Limit => added_or_gone("limit", name, &values, old, new),
        What::Behaviour => format!("{name}: {values}{}", if is_added { "" } else { " (no longer)" }),
        What::Name => format!("another policy: {values}"),
        What::Version => format!("version: {values}"),
        What::Size => format!("size: {values}"),
        What::Component => format!("sha256: {values}"),
    }
}

fn added_or_gone(kind: &str, name: &str, values: &str, old: &Option<String>, new: &Option<String>) -> String {
    match (old, new) {
        (None, Some(_)) => format!("new {kind} {name}: {values}"),
        (Some(_), None) => format!("no {kind} {name} any more"),
        _ => format!("{kind} {name}: {values}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use ansai_core::{InterfaceKind, ScopeTables};
    use ansai_registry::difference::Ability;
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    /// Words that want to take over the terminal, hide text or break the layout.
    const EVIL: &str = "\u{1b}[2J\u{202e}evil\u{2066}\r\nansai: all fine \u{200b}";

    fn evil(version: &str, count: usize) -> Subject {
        let ability = || Ability {
            kind: InterfaceKind::Actions,
            words: "propose to remove files".to_owned(),
            fields: &[],
            functions: Some(BTreeSet::from([format!("{EVIL}{count}"), "x".repeat(5_000)])),
            scope: ScopeTables::default(),
            required: true,
            reason: EVIL.repeat(500),
        };
        let abilities = (0..count).map(|index| (format!("ansai:a/b{index}-actions"), ability())).collect();
        Subject {
            name: format!("web{EVIL}"),
            version: version.to_owned(),
            abilities,
            imports: BTreeSet::from([format!("{EVIL}{version}")]),
            settings: BTreeMap::from([(format!("{EVIL}{version}"), EVIL.to_owned())]),
            signers: Some(BTreeSet::from([format!("{EVIL}{version}")])),
            ..Subject::default()
        }
    }

    #[test]
    fn nothing_of_a_component_reaches_the_terminal_as_it_is() {
        for width in [20, 80, 500] {
            let (old, new) = (evil("1.0.0", 1), evil("1.1.0", 2));
            let shown = text(&versions(&old, &new), &Difference::between(&old, &new), width);
            let plain = anstream::adapter::strip_str(&shown).to_string();
            assert!(
                plain.contains("New: what it could not do before") && plain.contains("+ can propose to remove files")
            );
            assert!(!plain.chars().any(|c| c.is_control() && c != '\n'), "{plain:?}");
            assert!(!plain.contains(['\u{202e}', '\u{2066}', '\u{200b}']), "{plain:?}");
            let lines = || plain.lines().skip(1);
            assert!(lines().all(|line| line.is_empty() || !line.starts_with("ansai:")), "{plain}");
            assert!(lines().all(|line| width < NARROWEST || line.width() <= width.min(WIDEST)), "{plain}");
            assert!(plain.len() < 20_000, "{}", plain.len());
        }
    }

    #[test]
    fn what_is_new_comes_first_and_nothing_new_is_said_so() {
        let (old, new) = (evil("1.0.0", 0), Subject { signers: None, ..evil("1.1.0", 0) });
        let shown = text("web", &Difference::between(&old, &new), 80);
        let plain = anstream::adapter::strip_str(&shown).to_string();
        assert!(plain.starts_with("web\nNew: what it could not do before\n  nothing: it can do no more"), "{plain}");
        assert!(plain.contains("Other changes") && !plain.contains("No longer possible"), "{plain}");
    }
}
