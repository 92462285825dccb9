//! Windows: `windows` and `emergency_passes` of `[policy.NAME]`, when plans may begin; and those of `[notify]`.

use ansai_core::codes;
use ansai_core::maintenance::{Maintenance, Window, WindowError};

use crate::fields::{Fields, wrong_type};
use crate::node::{Kind, Node};
use crate::problem::{Problem, Problems};

/// The most windows of one instance.
const MOST: usize = 32;
const EXAMPLE: &str = "such as \"Mon..Fri 02:00-04:00 Europe/Berlin\"";

/// Reads both keys.
pub(crate) fn read(fields: &Fields<'_>, problems: &mut Problems) -> Maintenance {
    let windows = fields.get("windows").map(|node| list("windows", node, problems)).unwrap_or_default();
    let emergency_passes = fields.boolean("emergency_passes", problems).unwrap_or(false);
    Maintenance { windows, emergency_passes }
}

/// A list of windows; `key` names it in messages.
pub(crate) fn list(key: &str, node: &Node, problems: &mut Problems) -> Vec<Window> {
    let Kind::Array(nodes) = &node.kind else {
        problems.add(wrong_type(key, node, "a list of texts").hint(EXAMPLE));
        return Vec::new();
    };
    if nodes.is_empty() {
        let message = format!("`{key}` is empty, so no window ever opens");
        let hint = match key {
            "windows" => "delete the line to let plans begin at any time, or set the mode to \"observe\"",
            _ => "delete the line",
        };
        problems.add(Problem::error(codes::BAD_WINDOW, node.span.clone(), message).hint(hint));
    }
    if let Some(beyond) = nodes.get(MOST) {
        let message = format!("`{key}` has {} windows, more than {MOST}", nodes.len());
        problems.add(Problem::error(codes::TOO_MANY_ENTRIES, beyond.span.clone(), message).hint("join some of them"));
    }
    nodes.iter().take(MOST).filter_map(|node| one(key, node, problems)).collect()
}

fn one(key: &str, node: &Node, problems: &mut Problems) -> Option<Window> {
    let Some(text) = node.text() else {
        problems.add(wrong_type(key, node, "a list of texts").hint(EXAMPLE));
        return None;
    };
    let window: Window = match text.parse() {
        Ok(window) => window,
        Err(error) => {
            let hint = match error {
                WindowError::Empty => "for a whole day, write 00:00-24:00",
                WindowError::Day(_) => "days are Mon, Tue, Wed, Thu, Fri, Sat, Sun; ranges are Mon..Fri",
                _ => EXAMPLE,
            };
            problems.add(Problem::error(codes::BAD_WINDOW, node.span.clone(), error.to_string()).hint(hint));
            return None;
        }
    };
    if let Some(zone) = window.zone()
        && jiff::tz::TimeZone::get(zone).is_err()
    {
        let message = format!("this host does not know the time zone \"{zone}\"");
        let hint = "`timedatectl list-timezones` lists the known ones; if it is missing, install tzdata";
        problems.add(Problem::error(codes::UNKNOWN_TIME_ZONE, node.span.clone(), message).hint(hint));
        return None;
    }
    Some(window)
}
