//! A file of faults for `ansai simulate`: what goes wrong on the simulated host, and when.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ansai_core::{InstanceName, Millis, Severity, codes};

use crate::diagnostics::Diagnostics;
use crate::fields::{Fields, wrong_type};
use crate::file;
use crate::nearest;
use crate::node::{Kind, MOST_HOST_VALUES, Node};
use crate::problem::{Problem, Problems};
use crate::source::{MOST_BYTES, Source};

const KEYS: &[&str] =
    &["instance", "key", "severity", "at", "every", "about_every", "lasts", "helps_percent", "steps", "uses"];
const SEVERITIES: &[(&str, Severity)] = &[
    ("notice", Severity::Notice),
    ("warning", Severity::Warning),
    ("critical", Severity::Critical),
    ("emergency", Severity::Emergency),
];
/// The most faults of a file.
const MOST: usize = 1_000;
/// The most times of one fault.
const MOST_TIMES: usize = 10_000;
const MINUTE_MS: u64 = 60_000;
const YEAR_MS: u64 = 366 * 86_400_000;

/// When a fault begins, from the beginning of the simulation on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultBegins {
    /// At these times, in their order.
    At(Vec<Millis>),
    /// At this interval.
    Every(Millis),
    /// At random, so long after the last end on average.
    AboutEvery(Millis),
}

/// One `[[fault]]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultSpec {
    /// The instance that finds it.
    pub instance: InstanceName,
    /// The key of its finding.
    pub key: String,
    /// Its severity.
    pub severity: Severity,
    /// When it begins.
    pub begins: FaultBegins,
    /// How long it lasts by itself, on average; `None`: until a step helps.
    pub lasts: Option<Millis>,
    /// How many steps out of 100 end it.
    pub helps_percent: u32,
    /// The steps of a plan for it.
    pub steps: u32,
    /// What a step uses of the bounds of its grant.
    pub uses: BTreeMap<String, u64>,
}

/// The faults of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<FaultSpec>);

impl Faults {
    /// Reads and validates a file of faults of these instances.
    ///
    /// # Errors
    /// All problems, each with its place.
    pub fn load(path: &Path, instances: &[&InstanceName]) -> Result<Faults, Diagnostics> {
        let (source, problem, _) = file::read(path, MOST_BYTES)?;
        Faults::from_source(source, problem, instances)
    }

    /// The same from a text. The file name is for diagnostics.
    ///
    /// # Errors
    /// As [`Faults::load`].
    pub fn parse(file_name: &str, text: &str, instances: &[&InstanceName]) -> Result<Faults, Diagnostics> {
        let (source, problem) = Source::from_text(file_name, text, MOST_BYTES);
        Faults::from_source(source, problem, instances)
    }

    fn from_source(
        source: Source,
        problem: Option<Problem>,
        instances: &[&InstanceName],
    ) -> Result<Faults, Diagnostics> {
        let source = Arc::new(source);
        let node = match problem {
            Some(problem) => Err(problem),
            None => Node::from_toml(&source.text, MOST_HOST_VALUES),
        };
        let node = node.map_err(|problem| Problems::from(problem).of(&source))?;
        let mut problems = Problems::default();
        let faults = read(&node, instances, &mut problems);
        if problems.has_errors() { Err(problems.of(&source)) } else { Ok(Faults(faults)) }
    }
}

fn read(node: &Node, instances: &[&InstanceName], problems: &mut Problems) -> Vec<FaultSpec> {
    let Some(fields) = Fields::of(node, "the file of faults", &["fault"], problems) else { return Vec::new() };
    fields.require(&[("fault", "[[fault]]\ninstance = \"disk-space\"\nkey = \"/var\"\nevery = \"7d\"")], problems);
    let Some(node) = fields.get("fault") else { return Vec::new() };
    let Kind::Array(tables) = &node.kind else {
        problems.add(wrong_type("fault", node, "a list of tables").hint("write [[fault]] above each of them"));
        return Vec::new();
    };
    if let Some(beyond) = tables.get(MOST) {
        let message = format!("{} faults, more than {MOST}", tables.len());
        problems.add(Problem::error(codes::TOO_MANY_ENTRIES, beyond.span.clone(), message));
    }
    let mut faults: Vec<FaultSpec> = Vec::new();
    for table in tables.iter().take(MOST) {
        let Some(fault) = one(table, instances, problems) else { continue };
        if faults.iter().any(|other| other.instance == fault.instance && other.key == fault.key) {
            let message = format!("a second fault of {} with the key `{}`", fault.instance, fault.key);
            let hint = "an instance reports each key once: choose another key";
            problems.add(Problem::error(codes::BAD_FAULT, table.span.clone(), message).hint(hint));
        }
        faults.push(fault);
    }
    faults
}

fn one(node: &Node, instances: &[&InstanceName], problems: &mut Problems) -> Option<FaultSpec> {
    let fields = Fields::of(node, "`[[fault]]`", KEYS, problems)?;
    fields.require(&[("instance", "instance = \"disk-space\""), ("key", "key = \"/var\"")], problems);
    let instance = instance(&fields, instances, problems);
    let key = fields.text("key", 1_000, problems).map(str::to_owned);
    let begins = begins(node, &fields, problems);
    let lasts = fields.duration("lasts", (1_000, YEAR_MS), problems);
    let small = |number: Option<u64>, usual| number.and_then(|number| u32::try_from(number).ok()).unwrap_or(usual);
    let helps_percent = small(fields.number("helps_percent", (0, 100), problems), 50);
    let steps = small(fields.number("steps", (1, 100), problems), 1);
    let severity = fields.word("severity", SEVERITIES, problems).unwrap_or(Severity::Warning);
    let uses = fields.get("uses").map(|node| uses(node, problems)).unwrap_or_default();
    Some(FaultSpec { instance: instance?, key: key?, severity, begins: begins?, lasts, helps_percent, steps, uses })
}

fn instance(fields: &Fields<'_>, instances: &[&InstanceName], problems: &mut Problems) -> Option<InstanceName> {
    let name = fields.text("instance", 200, problems)?;
    let found = instances.iter().find(|instance| instance.as_str() == name);
    if found.is_none() {
        let span = fields.get("instance").map_or(0..0, |node| node.span.clone());
        let known = instances.iter().map(|instance| instance.as_str());
        let message = format!("no instance `{}` is simulated", ansai_core::text::inert(name, 80));
        let meant = nearest::nearest(name, known).map(|name| format!("did you mean \"{name}\"?"));
        problems.add(Problem::error(codes::UNKNOWN_INSTANCE, span, message).maybe_hint(meant));
    }
    found.map(|instance| (*instance).clone())
}

/// One of three keys.
fn begins(node: &Node, fields: &Fields<'_>, problems: &mut Problems) -> Option<FaultBegins> {
    const WAYS: [&str; 3] = ["at", "every", "about_every"];
    let given: Vec<&str> = WAYS.into_iter().filter(|way| fields.get(way).is_some()).collect();
    match given.as_slice() {
        ["at"] => at(fields, problems).map(FaultBegins::At),
        ["every"] => fields.duration("every", (MINUTE_MS, YEAR_MS), problems).map(FaultBegins::Every),
        ["about_every"] => fields.duration("about_every", (MINUTE_MS, YEAR_MS), problems).map(FaultBegins::AboutEvery),
        [] => {
            let message = "`[[fault]]` does not say when it begins";
            let hint = "add one of:\nat = [\"2d\", \"9d 3h\"]\nevery = \"7d\"\nabout_every = \"3d\"";
            problems.add(Problem::error(codes::MISSING_KEY, node.span.clone(), message).hint(hint));
            None
        }
        several => {
            let span = several.last().and_then(|way| fields.get(way)).map_or(0..0, |node| node.span.clone());
            let message = format!("a fault begins in one way, not by `{}`", several.join("` and `"));
            problems.add(Problem::error(codes::BAD_FAULT, span, message).hint("delete all but one of them"));
            None
        }
    }
}

fn at(fields: &Fields<'_>, problems: &mut Problems) -> Option<Vec<Millis>> {
    let node = fields.get("at")?;
    let Kind::Array(nodes) = &node.kind else {
        problems.add(wrong_type("at", node, "a list of durations").hint("such as [\"2d\", \"9d 3h\"]"));
        return None;
    };
    if nodes.is_empty() || nodes.len() > MOST_TIMES {
        let message = format!("`at` has {} times, but must have from 1 to {MOST_TIMES}", nodes.len());
        problems.add(Problem::error(codes::OUT_OF_RANGE, node.span.clone(), message));
        return None;
    }
    let mut times = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node.text().map(ansai_core::quantity::milliseconds) {
            Some(Ok(time)) => times.push(Millis::new(time)),
            Some(Err(error)) => {
                let message = format!("`at` has a time that is no duration: {error}");
                problems.add(Problem::error(codes::BAD_QUANTITY, node.span.clone(), message));
            }
            None => problems.add(wrong_type("at", node, "a list of durations")),
        }
    }
    times.sort_unstable();
    Some(times)
}

fn uses(node: &Node, problems: &mut Problems) -> BTreeMap<String, u64> {
    let Some(entries) = node.entries() else {
        problems.add(wrong_type("uses", node, "a table").hint("such as { max_files = 20 }"));
        return BTreeMap::new();
    };
    let mut uses = BTreeMap::new();
    for entry in entries.iter().take(MOST) {
        match entry.node.kind {
            Kind::Integer(number) if u64::try_from(number).is_ok() => {
                uses.insert(entry.key.clone(), u64::try_from(number).unwrap_or_default());
            }
            _ => problems.add(wrong_type(&entry.key, &entry.node, "a whole number")),
        }
    }
    uses
}
