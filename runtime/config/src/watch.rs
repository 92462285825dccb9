//! `watch`: what wakes an instance between its scheduled evaluations. In `[schedule]` of a manifest, and in
//! `[policy.NAME]` of the configuration.

use ansai_core::watch::{LogMatch, Pressure, Priority, Resource, Watch};
use ansai_core::{Millis, NamePattern, codes, scope};
use serde_json::{Value, json};

use crate::fields::{Fields, wrong_type};
use crate::nearest;
use crate::node::{Kind, Node};
use crate::problem::{Problem, Problems};

/// The most watches of one instance.
const MOST: usize = 16;
/// What a table names, exactly one of them.
const KINDS: &[&str] = &["file", "directory", "pressure", "unit", "log"];
const KEYS: &[&str] = &["file", "directory", "pressure", "unit", "log", "stall", "window", "priority"];
const EXAMPLE: &str = "such as { file = \"/etc/hosts\" } or { pressure = \"memory\", stall = \"150ms\" }";
const STALL: (u64, u64) = (1, 10_000);

/// Reads the list.
pub(crate) fn read(node: &Node, problems: &mut Problems) -> Vec<Watch> {
    let Kind::Array(tables) = &node.kind else {
        problems.add(wrong_type("watch", node, "a list of tables").hint(EXAMPLE));
        return Vec::new();
    };
    if let Some(beyond) = tables.get(MOST) {
        let message = format!("`watch` has {} tables, more than {MOST}", tables.len());
        problems.add(
            Problem::error(codes::TOO_MANY_ENTRIES, beyond.span.clone(), message)
                .hint("watch a directory in place of its files"),
        );
    }
    let mut watches: Vec<Watch> = Vec::new();
    for node in tables.iter().take(MOST) {
        let Some(watch) = one(node, problems) else { continue };
        match watches.contains(&watch) {
            true => problems.add(
                Problem::error(codes::BAD_WATCH, node.span.clone(), format!("duplicate watch: {watch}"))
                    .hint("delete the line"),
            ),
            false => watches.push(watch),
        }
    }
    watches
}

fn one(node: &Node, problems: &mut Problems) -> Option<Watch> {
    let fields = Fields::of(node, "a table of `watch`", KEYS, problems)?;
    let named: Vec<&str> = KINDS.iter().copied().filter(|kind| fields.get(kind).is_some()).collect();
    let [kind] = named[..] else {
        // An unknown key has its own problem, which lists the known ones.
        let all_known = node.entries().is_some_and(|all| all.iter().all(|one| KEYS.contains(&one.key.as_str())));
        if !named.is_empty() || all_known {
            let kinds = nearest::list(KINDS).unwrap_or_default();
            let message = format!("a table of `watch` needs exactly one of {kinds}");
            problems.add(Problem::error(codes::BAD_WATCH, node.span.clone(), message).hint(EXAMPLE));
        }
        return None;
    };
    for (only, belongs) in [("stall", "pressure"), ("window", "pressure"), ("priority", "log")] {
        if let Some(entry) = fields.entry(only).filter(|_| kind != belongs) {
            let message = format!("`{only}` belongs to `{belongs}`, not to `{kind}`");
            problems.add(Problem::error(codes::BAD_WATCH, entry.key_span.clone(), message).hint("delete it"));
        }
    }
    match kind {
        "pressure" => return pressure(&fields, problems),
        "unit" => return service("unit", &fields, problems).map(Watch::Unit),
        "log" => return log(&fields, problems),
        _ => {}
    }
    let path = fields.text(kind, 4_096, problems)?;
    let is_root = path == "/";
    if !scope::is_plain_absolute(path) || (is_root && kind == "file") {
        let span = fields.get(kind).map_or(0..0, |node| node.span.clone());
        let message = format!("`{kind}` must be an absolute path without `.` or `..`");
        problems.add(
            Problem::error(codes::BAD_PATH, span, message).hint("such as \"/etc/hosts\", without a slash at the end"),
        );
        return None;
    }
    Some(if kind == "file" { Watch::File(path.to_owned()) } else { Watch::Directory(path.to_owned()) })
}

/// The longest name that systemd accepts, in bytes.
const MOST_NAME: usize = 255;
const SERVICE: &str = ".service";

/// The name of a service; for `unit`, a pattern of such names is one too.
fn service(key: &str, fields: &Fields<'_>, problems: &mut Problems) -> Option<String> {
    let name = fields.text(key, MOST_NAME, problems)?;
    let patterns = if key == "unit" { "*?[]{},!^" } else { "" };
    let is_valid =
        |letter: char| letter.is_ascii_alphanumeric() || ":-_.\\@".contains(letter) || patterns.contains(letter);
    let is_service = name.len() > SERVICE.len() && name.ends_with(SERVICE) && name.chars().all(is_valid);
    if is_service && NamePattern::new(name).is_ok() {
        return Some(name.to_owned());
    }
    let span = fields.get(key).map_or(0..0, |node| node.span.clone());
    let (or, such) = match key {
        "unit" => (", or a pattern of such names", "such as \"nginx.service\" or \"*.service\""),
        _ => ("", "such as \"nginx.service\""),
    };
    let message = format!("`{key}` must be the name of a service{or}");
    problems.add(Problem::error(codes::BAD_WATCH, span, message).hint(such));
    None
}

fn log(fields: &Fields<'_>, problems: &mut Problems) -> Option<Watch> {
    let unit = service("log", fields, problems);
    let priority = match fields.get("priority") {
        Some(_) => fields.word("priority", Priority::ALL, problems),
        None => Some(Priority::Err),
    };
    Some(Watch::Log(LogMatch { unit: unit?, priority: priority? }))
}

fn pressure(fields: &Fields<'_>, problems: &mut Problems) -> Option<Watch> {
    fields.require(&[("stall", "stall = \"150ms\"  # tasks wait this long within `window`")], problems);
    let (least, most) = Pressure::WINDOW;
    let of = fields.word("pressure", Resource::ALL, problems);
    let window = match fields.get("window") {
        Some(_) => fields.duration("window", (least.get(), most.get()), problems),
        None => Some(Pressure::UNPRIVILEGED),
    };
    let stall = fields.duration("stall", STALL, problems);
    let watch = Pressure { of: of?, stall: stall?, window: window? };
    if watch.stall > watch.window {
        let span = fields.get("stall").map_or(0..0, |node| node.span.clone());
        let message = format!("`stall` is {}, more than the window of {}", watch.stall, watch.window);
        let hint = "tasks cannot wait longer than the window lasts";
        problems.add(Problem::error(codes::OUT_OF_RANGE, span, message).hint(hint));
        return None;
    }
    Some(Watch::Pressure(watch))
}

/// As [`read`] reads it.
pub(crate) fn to_json(watches: &[Watch]) -> Value {
    let milliseconds = |millis: Millis| format!("{}ms", millis.get());
    let table = |watch: &Watch| match watch {
        Watch::File(path) => json!({ "file": path }),
        Watch::Directory(path) => json!({ "directory": path }),
        Watch::Unit(name) => json!({ "unit": name }),
        Watch::Log(LogMatch { unit, priority }) => json!({ "log": unit, "priority": priority.name() }),
        Watch::Pressure(Pressure { of, stall, window }) => {
            json!({ "pressure": of.name(), "stall": milliseconds(*stall), "window": milliseconds(*window) })
        }
    };
    watches.iter().map(table).collect()
}
