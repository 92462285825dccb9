//! `[notify]`: channels, and which notices go to them.

use std::collections::BTreeMap;

use ansai_core::maintenance::Window;
use ansai_core::notify::{Digest, GroupBy, Grouping, KINDS, Matcher, Route, Routing};
use ansai_core::text::inert;
use ansai_core::{Millis, NamePattern, Severity, codes};

use crate::cron::Cron;
use crate::fields::{Fields, wrong_type};
use crate::identifier;
use crate::labels::{self, Labels};
use crate::manifest::table_of;
use crate::nearest;
use crate::node::{Kind, Node};
use crate::problem::{Problem, Problems};
use crate::source::Span;
use crate::{timing, windows};

const KEYS: &[&str] = &["channel", "route", "default", "unknown_after", "quiet", "digest", "report", "fallback"];
const ROUTE_KEYS: &[&str] = &[
    "channels",
    "kinds",
    "severity",
    "instances",
    "subjects",
    "labels",
    "windows",
    "continue",
    "group_by",
    "group_wait",
    "group_interval",
    "repeat_interval",
];
/// Each channel has a thread.
const MOST_CHANNELS: usize = 16;
const MOST_ROUTES: usize = 100;
const MOST_WORDS: usize = 100;
const MOST_TEXT: usize = 300;
const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 86_400_000;
const WEEK_MS: u64 = 7 * DAY_MS;
/// A report covers 1 hour to 1 year.
const REPORT_SINCE: (u64, u64) = (3_600_000, 366 * DAY_MS);
const SEVERITIES: &[(&str, Severity)] = &[
    ("notice", Severity::Notice),
    ("warning", Severity::Warning),
    ("critical", Severity::Critical),
    ("emergency", Severity::Emergency),
];

/// A channel as it is written. What it may hold depends on its kind, which this crate does not know.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfiguredChannel {
    /// The table as JSON.
    pub settings: serde_json::Value,
    pub(crate) name_span: Span,
    pub(crate) spans: BTreeMap<String, Span>,
}

/// `[notify]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Notify {
    /// `[notify.channel.NAME]`, by name.
    pub channels: BTreeMap<String, ConfiguredChannel>,
    /// Which notices go to them. Without a route, all channels get what a person has to know.
    pub routing: Routing,
    /// The report by schedule, if one is wanted.
    pub report: Option<ScheduledReport>,
}

/// `[notify.report]`: what ansai did, told at certain times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledReport {
    /// When it is told.
    pub at: Cron,
    /// How much time it covers.
    pub since: Millis,
    /// Where it goes.
    pub channels: Vec<String>,
}

/// Names that routes refer to.
struct Names<'a> {
    channels: &'a BTreeMap<String, ConfiguredChannel>,
    /// Those that are written, also if they are not valid.
    written: Vec<&'a str>,
}

/// What routes can take: the labels of the host and of targets that instances use, and the names that are written below
/// `[policy]`.
pub(crate) struct Takable<'a> {
    pub(crate) host: &'a Labels,
    pub(crate) targets: Vec<&'a Labels>,
    pub(crate) instances: &'a [&'a str],
}

impl Takable<'_> {
    /// Why no notice has all of these labels; `None` if one can. A label of a target counts before that of the host.
    fn lacks(&self, wanted: &Labels) -> Option<String> {
        let has = |own: Option<&Labels>, name: &String, value: &String| {
            own.and_then(|own| own.get(name)).or_else(|| self.host.get(name)) == Some(value)
        };
        let all = || std::iter::once(None).chain(self.targets.iter().map(|own| Some(*own)));
        if all().any(|own| wanted.iter().all(|(name, value)| has(own, name, value))) {
            return None;
        }
        let nowhere = wanted.iter().find(|(name, value)| !all().any(|own| has(own, name, value)));
        Some(match nowhere {
            Some((name, value)) if self.targets.is_empty() => format!("this host has no label {name} = \"{value}\""),
            Some((name, value)) => {
                format!("neither this host nor a target of an instance has the label {name} = \"{value}\"")
            }
            None => "no target has all of these labels".to_owned(),
        })
    }
}

/// Reads the table.
pub(crate) fn read(node: &Node, takable: &Takable<'_>, problems: &mut Problems) -> Notify {
    let Some(fields) = Fields::of(node, "`[notify]`", KEYS, problems) else { return Notify::default() };
    let channels = fields.get("channel").map(|node| read_channels(node, problems)).unwrap_or_default();
    let written = fields.get("channel").and_then(Node::entries).unwrap_or_default();
    let names = Names { channels: &channels, written: written.iter().map(|entry| entry.key.as_str()).collect() };
    let mut routes = fields.get("route").map(|node| read_routes(node, &names, problems)).unwrap_or_default();
    check_matches(fields.get("route"), &routes, takable, problems);
    let default = fields.get("default").map(|node| names.list("default", node, problems));
    if let (None, true) = (&default, routes.is_empty()) {
        let channels = channels.keys().cloned().collect();
        routes.push(Route { only: Matcher::default(), channels, goes_on: false, grouping: Grouping::default() });
    }
    if let Some(channels) = default {
        routes.push(Route { only: Matcher::default(), channels, goes_on: false, grouping: Grouping::default() });
    }
    let digest = fields.get("digest").and_then(|node| read_digest(node, &names, problems));
    let report = fields.get("report").and_then(|node| read_report(node, &names, problems));
    let unknown_after = fields.duration("unknown_after", (0, WEEK_MS), problems);
    let routing = Routing {
        routes,
        unknown_after: unknown_after.unwrap_or(Routing::UNKNOWN_AFTER),
        quiet: windows_of(&fields, "quiet", problems),
        digest,
        fallback: fields.get("fallback").map(|node| names.list("fallback", node, problems)).unwrap_or_default(),
    };
    Notify { channels, routing, report }
}

fn read_channels(node: &Node, problems: &mut Problems) -> BTreeMap<String, ConfiguredChannel> {
    let mut channels = BTreeMap::new();
    let entries = table_of("`[notify.channel]`", node, problems).unwrap_or_default();
    if let Some(entry) = entries.get(MOST_CHANNELS) {
        let message = format!("`[notify.channel]` has {} channels, more than {MOST_CHANNELS}", entries.len());
        problems.add(
            Problem::error(codes::TOO_MANY_ENTRIES, entry.key_span.clone(), message)
                .hint("a channel may have several recipients"),
        );
    }
    for entry in entries.iter().take(MOST_CHANNELS) {
        if !identifier::is_name(&entry.key) {
            problems.add(identifier::bad_name("a channel", &entry.key, entry.key_span.clone()));
        }
        let place = format!("`[notify.channel.{}]`", inert(&entry.key, 64));
        let Some(keys) = table_of(&place, &entry.node, problems) else { continue };
        let spans = keys.iter().map(|key| (key.key.clone(), key.key_span.clone())).collect();
        let (settings, name_span) = (entry.node.to_json(), entry.key_span.clone());
        channels.insert(entry.key.clone(), ConfiguredChannel { settings, name_span, spans });
    }
    channels
}

impl Names<'_> {
    /// A list of channels.
    fn list(&self, key: &str, node: &Node, problems: &mut Problems) -> Vec<String> {
        let found = texts(key, node, "such as [\"mail\"]", problems);
        let known = |(name, span): (&str, Span)| {
            if self.written.contains(&name) {
                return self.channels.contains_key(name).then(|| name.to_owned());
            }
            let message = format!("`{key}` names the channel \"{}\", which does not exist", inert(name, 80));
            let near = nearest::nearest(name, self.written.iter().copied());
            let hint = near.map_or_else(
                || format!("add `[notify.channel.{}]`", inert(name, 80)),
                |near| format!("did you mean \"{near}\"?"),
            );
            problems.add(Problem::error(codes::UNKNOWN_CHANNEL, span, message).hint(hint));
            None
        };
        found.into_iter().filter_map(known).collect()
    }
}

fn read_routes(node: &Node, names: &Names<'_>, problems: &mut Problems) -> Vec<Route> {
    let Kind::Array(tables) = &node.kind else {
        problems.add(wrong_type("route", node, "a list of tables").hint("write [[notify.route]] above each route"));
        return Vec::new();
    };
    if let Some(beyond) = tables.get(MOST_ROUTES) {
        let message = format!("`[notify]` has {} routes, more than {MOST_ROUTES}", tables.len());
        problems.add(Problem::error(codes::TOO_MANY_ENTRIES, beyond.span.clone(), message).hint("join some of them"));
    }
    tables.iter().take(MOST_ROUTES).filter_map(|table| read_route(table, names, problems)).collect()
}

fn read_route(node: &Node, names: &Names<'_>, problems: &mut Problems) -> Option<Route> {
    let fields = Fields::of(node, "`[[notify.route]]`", ROUTE_KEYS, problems)?;
    let channels = fields.get("channels").map(|node| names.list("channels", node, problems));
    if channels.is_none() {
        let message = "a route has no `channels`, so what it takes is told to nobody";
        problems.add(
            Problem::error(codes::ROUTE_WITHOUT_CHANNEL, node.span.clone(), message)
                .hint("add channels = [\"NAME\"]; for what shall be told to nobody, write channels = []"),
        );
    }
    let patterns = |key: &str, problems: &mut Problems| {
        fields.get(key).map(|node| patterns(key, node, problems)).unwrap_or_default()
    };
    let only = Matcher {
        kinds: fields.get("kinds").map(|node| words("kinds", node, &KINDS, problems)).unwrap_or_default(),
        severity: fields.word("severity", SEVERITIES, problems),
        instances: patterns("instances", problems),
        subjects: patterns("subjects", problems),
        labels: fields
            .get("labels")
            .map(|node| labels::read(node, "`labels` of a route", problems))
            .unwrap_or_default(),
        windows: windows_of(&fields, "windows", problems),
    };
    let default = Grouping::default();
    let by = fields.get("group_by").map(|node| {
        let known = GroupBy::WORDS.map(|(word, _)| word);
        let found = words("group_by", node, &known, problems);
        let meant = |word: String| GroupBy::WORDS.into_iter().find(|(known, _)| *known == word).map(|(_, by)| by);
        found.into_iter().filter_map(meant).collect()
    });
    let grouping = Grouping {
        by: by.unwrap_or(default.by),
        wait: fields.duration("group_wait", (0, DAY_MS), problems).unwrap_or(default.wait),
        interval: fields.duration("group_interval", (0, DAY_MS), problems).unwrap_or(default.interval),
        repeat: fields.duration("repeat_interval", (MINUTE_MS, WEEK_MS), problems),
    };
    let goes_on = fields.boolean("continue", problems).unwrap_or(false);
    Some(Route { only, channels: channels.unwrap_or_default(), goes_on, grouping })
}

/// Warns of routes that take nothing: an earlier one takes all of it, or neither this host nor a target has their labels, or no
/// instance has a name that they want.
fn check_matches(node: Option<&Node>, routes: &[Route], takable: &Takable<'_>, problems: &mut Problems) {
    let Some(Kind::Array(tables)) = node.map(|node| &node.kind) else { return };
    let mut all_taken = false;
    for (route, table) in routes.iter().zip(tables) {
        let only = &route.only;
        let has_instance = only.instances.is_empty()
            || only.instances.iter().any(|pattern| takable.instances.iter().any(|name| pattern.matches(name)));
        let why = if all_taken {
            "an earlier route without conditions takes everything".to_owned()
        } else if let Some(why) = takable.lacks(&only.labels) {
            why
        } else if !has_instance {
            "no instance has such a name".to_owned()
        } else {
            all_taken |= *only == Matcher::default() && !route.goes_on;
            continue;
        };
        let message = format!("this route never takes a notice: {why}");
        problems.add(
            Problem::warning(codes::ROUTE_NEVER_MATCHES, table.span.clone(), message)
                .hint("delete the route, or correct its conditions"),
        );
    }
}

fn read_digest(node: &Node, names: &Names<'_>, problems: &mut Problems) -> Option<Digest> {
    let fields = Fields::of(node, "`[notify.digest]`", &["at", "channels"], problems)?;
    fields.require(&[("at", "at = \"08:00\""), ("channels", "channels = [\"mail\"]")], problems);
    let channels = fields.get("channels").map(|node| names.list("channels", node, problems)).unwrap_or_default();
    let (text, node) = fields.text("at", 20, problems).zip(fields.get("at"))?;
    // A time of day is the beginning of a window.
    match format!("{text}-24:00").parse::<Window>() {
        Ok(window) => Some(Digest { minute: window.from(), channels }),
        Err(_) => {
            let message = format!("`at` is not a time of day: {}", inert(text, 20));
            problems.add(Problem::error(codes::BAD_WINDOW, node.span.clone(), message).hint("such as \"08:00\""));
            None
        }
    }
}

fn read_report(node: &Node, names: &Names<'_>, problems: &mut Problems) -> Option<ScheduledReport> {
    let keys = &["at", "time_zone", "since", "channels"];
    let fields = Fields::of(node, "`[notify.report]`", keys, problems)?;
    fields.require(&[("at", "at = \"0 7 * * MON\""), ("channels", "channels = [\"mail\"]")], problems);
    let channels = fields.get("channels").map(|node| names.list("channels", node, problems)).unwrap_or_default();
    if let Some(node) = fields.get("channels").filter(|node| matches!(&node.kind, Kind::Array(list) if list.is_empty()))
    {
        let message = "`channels` of the report is empty, so nobody gets it";
        let hint = "name a channel, or delete [notify.report]";
        problems.add(Problem::error(codes::ROUTE_WITHOUT_CHANNEL, node.span.clone(), message).hint(hint));
    }
    let since = fields.duration("since", REPORT_SINCE, problems).unwrap_or(Millis::new(WEEK_MS));
    let at = timing::cron(&fields, "at", problems)?;
    Some(ScheduledReport { at, since, channels })
}

fn windows_of(fields: &Fields<'_>, key: &str, problems: &mut Problems) -> Vec<Window> {
    fields.get(key).map(|node| windows::list(key, node, problems)).unwrap_or_default()
}

/// The texts of a list, each with its place.
pub(crate) fn texts<'n>(key: &str, node: &'n Node, example: &str, problems: &mut Problems) -> Vec<(&'n str, Span)> {
    let Kind::Array(nodes) = &node.kind else {
        problems.add(wrong_type(key, node, "a list of texts").hint(example));
        return Vec::new();
    };
    if let Some(beyond) = nodes.get(MOST_WORDS) {
        let message = format!("`{key}` has {} entries, more than {MOST_WORDS}", nodes.len());
        problems.add(Problem::error(codes::TOO_MANY_ENTRIES, beyond.span.clone(), message));
    }
    let text = |node: &'n Node| {
        let text = node.text().filter(|text| !text.is_empty() && text.len() <= MOST_TEXT);
        if text.is_none() {
            problems.add(wrong_type(key, node, "a list of texts").hint(example));
        }
        Some((text?, node.span.clone()))
    };
    nodes.iter().take(MOST_WORDS).filter_map(text).collect()
}

fn words(key: &str, node: &Node, known: &[&'static str], problems: &mut Problems) -> Vec<String> {
    let example = format!("known: {}", known.join(", "));
    let found = texts(key, node, &example, problems);
    let mut words = Vec::new();
    for (text, span) in found {
        if known.contains(&text) {
            words.push(text.to_owned());
            continue;
        }
        let near = nearest::nearest(text, known.iter().copied()).map(|word| format!("did you mean \"{word}\"?"));
        let message = format!("`{key}` has the unknown word \"{}\"", inert(text, 60));
        problems.add(Problem::error(codes::UNKNOWN_WORD, span, message).hint(near.unwrap_or(example.clone())));
    }
    words
}

fn patterns(key: &str, node: &Node, problems: &mut Problems) -> Vec<NamePattern> {
    let mut patterns = Vec::new();
    for (text, span) in texts(key, node, "such as [\"disk-*\"]", problems) {
        match NamePattern::new(text) {
            Ok(pattern) => patterns.push(pattern),
            Err(why) => problems.add(Problem::error(
                codes::BAD_PATTERN,
                span,
                format!("`{key}` has the pattern \"{}\", which is not one: {why}", inert(text, 80)),
            )),
        }
    }
    patterns
}

/// Bounds of `announce`, in milliseconds: up to 1 day.
pub(crate) const ANNOUNCE: (u64, u64) = (0, DAY_MS);

/// No announcement.
pub(crate) const NOT_ANNOUNCED: Millis = Millis::ZERO;
