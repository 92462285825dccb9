//! `policy.toml`: a policy's name, schedule and requests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ansai_core::incident::Ladder;
use ansai_core::{Interface, InterfaceName, Limits, Millis, Watch, codes};

use crate::diagnostics::Diagnostics;
use crate::fields::{self, Fields};
use crate::file;
use crate::identifier;
use crate::limits::{self, LimitsChange};
use crate::node::{Entry, MOST_AUTHOR_VALUES, Node};
use crate::problem::{Problem, Problems};
use crate::request::{self, Request};
use crate::source::{MOST_AUTHOR_BYTES, Source};
use crate::stages;
use crate::watch;

/// Bounds of a schedule in milliseconds: 1 second and 30 days.
pub(crate) const SCHEDULE: (u64, u64) = (1_000, 30 * 86_400_000);
/// Bounds of `verify_within` in milliseconds: up to 1 hour.
pub(crate) const VERIFY_WITHIN: (u64, u64) = (0, 3_600_000);
/// Bounds of `cooldown` in milliseconds: up to 30 days. An author waits at least 10 s, so that no policy acts in a loop.
const COOLDOWN: (u64, u64) = (10_000, 30 * 86_400_000);
const KEYS: &[&str] =
    &["name", "version", "description", "schedule", "attempts", "stage", "capabilities", "limits", "settings"];

/// A valid manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The policy's name: `[a-z][a-z0-9-]{0,62}`.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// The author's description, one line; untrusted text.
    pub description: String,
    /// Milliseconds between two evaluations.
    pub every: Millis,
    /// What wakes the policy in between.
    pub watches: Vec<Watch>,
    /// Time during which verification is repeated until the finding is healthy.
    pub verify_within: Millis,
    /// Time between the starts of two attempts at one finding; `None` if the default applies.
    pub cooldown: Option<Millis>,
    /// Stages of the escalation.
    pub ladder: Ladder,
    /// Requests by interface name. All names are known.
    pub capabilities: BTreeMap<InterfaceName, Request>,
    /// Limits that the author sets. They can only lower the defaults: see [`Manifest::limits_in_force`].
    pub limits: LimitsChange,
    /// Path of the settings schema, relative to the manifest, without `..`.
    pub settings_schema: Option<String>,
    /// Warnings: valid, but probably not what the author means.
    pub warnings: Diagnostics,
}

impl Manifest {
    /// Parses a manifest. `file_name` appears only in messages.
    ///
    /// # Errors
    /// All problems, each with its place.
    pub fn parse(file_name: &str, text: &str, interfaces: &[Interface]) -> Result<Manifest, Diagnostics> {
        let (source, problem) = Source::from_text(file_name, text, MOST_AUTHOR_BYTES);
        Self::from_source(source, problem, interfaces)
    }

    /// Reads a manifest file of at most 256 KiB.
    ///
    /// # Errors
    /// As [`Manifest::parse`], and if the file cannot be read.
    pub fn load(path: &Path, interfaces: &[Interface]) -> Result<Manifest, Diagnostics> {
        let (source, problem, _) = file::read(path, MOST_AUTHOR_BYTES)?;
        Self::from_source(source, problem, interfaces)
    }

    /// The limits of an instance for which the operator sets none. An author can lower limits; only the operator raises
    /// them.
    pub fn limits_in_force(&self) -> Limits {
        self.limits.lowering(Limits::default())
    }

    /// The format embedded in a component: the file's structure as canonical JSON.
    pub fn to_json(&self) -> serde_json::Value {
        let capabilities: serde_json::Map<_, _> = self
            .capabilities
            .iter()
            .map(|(name, request)| {
                let value = serde_json::json!({
                    "reason": request.reason,
                    "required": request.required,
                    "scope": request.scope,
                    "suggest": request.suggest,
                });
                (name.to_string(), value)
            })
            .collect();
        let mut json = serde_json::json!({
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "schedule": { "every": format!("{}ms", self.every.get()) },
            "capabilities": capabilities,
        });
        if let Some(schedule) = json.get_mut("schedule").and_then(serde_json::Value::as_object_mut)
            && !self.watches.is_empty()
        {
            schedule.insert("watch".into(), watch::to_json(&self.watches));
        }
        if let Some(map) = json.as_object_mut() {
            let within = Some(self.verify_within).filter(|within| *within > Millis::ZERO);
            let attempts: serde_json::Map<_, _> = [("verify_within", within), ("cooldown", self.cooldown)]
                .into_iter()
                .filter_map(|(key, time)| Some((key.to_owned(), format!("{}ms", time?.get()).into())))
                .collect();
            if !attempts.is_empty() {
                map.insert("attempts".into(), attempts.into());
            }
            if !self.ladder.is_empty() {
                map.insert("stage".into(), stages::to_json(&self.ladder));
            }
            if !self.limits.is_empty() {
                map.insert("limits".into(), self.limits.to_json());
            }
            if let Some(path) = &self.settings_schema {
                map.insert("settings".into(), serde_json::json!({ "schema": path }));
            }
        }
        json
    }

    /// Reads the embedded format, with the same checks as for the file, because a component is equally untrusted.
    ///
    /// # Errors
    /// All problems; their places are unknown.
    pub fn from_json(file_name: &str, text: &str, interfaces: &[Interface]) -> Result<Manifest, Diagnostics> {
        let (source, problem) = Source::from_text(file_name, text, MOST_AUTHOR_BYTES);
        let node = match problem {
            Some(problem) => Err(problem),
            None => serde_json::from_str(text)
                .map_err(|error| Problem::whole(codes::SYNTAX, format!("not valid JSON: {error}")))
                .and_then(|value| Node::from_json(&value)),
        };
        Self::validate(&Arc::new(source), node, interfaces)
    }

    fn from_source(
        source: Source,
        problem: Option<Problem>,
        interfaces: &[Interface],
    ) -> Result<Manifest, Diagnostics> {
        let node = match problem {
            Some(problem) => Err(problem),
            None if source.text.trim().is_empty() => Err(Problem::whole(codes::EMPTY_FILE, "the manifest is empty")
                .hint(format!("begin with\n{}", example_lines().join("\n")))),
            None => Node::from_toml(&source.text, MOST_AUTHOR_VALUES),
        };
        Self::validate(&Arc::new(source), node, interfaces)
    }

    fn validate(
        source: &Arc<Source>,
        node: Result<Node, Problem>,
        interfaces: &[Interface],
    ) -> Result<Manifest, Diagnostics> {
        let node = node.map_err(|problem| Problems::from(problem).of(source))?;
        let mut problems = Problems::default();
        let manifest = read(&node, interfaces, &mut problems);
        match manifest {
            Some(mut manifest) if !problems.has_errors() => {
                manifest.warnings = problems.of(source);
                Ok(manifest)
            }
            _ => Err(problems.of(source)),
        }
    }
}

const REQUIRED: &[(&str, &str)] = &[
    ("name", "name = \"my-policy\""),
    ("version", "version = \"0.1.0\""),
    ("description", "description = \"what it keeps well, in one line\""),
    ("schedule", "[schedule]\nevery = \"60s\""),
];

fn example_lines() -> Vec<&'static str> {
    REQUIRED.iter().map(|(_, line)| *line).collect()
}

fn read(node: &Node, interfaces: &[Interface], problems: &mut Problems) -> Option<Manifest> {
    let fields = Fields::of(node, "the manifest", KEYS, problems)?;
    fields.require(REQUIRED, problems);
    let name = fields.text("name", 1_000, problems);
    if let (Some(text), Some(node)) = (name, fields.get("name"))
        && !identifier::is_name(text)
    {
        problems.add(identifier::bad_name("a policy", text, node.span.clone()));
    }
    let version = fields.text("version", 1_000, problems);
    if let (Some(text), Some(node)) = (version, fields.get("version"))
        && !identifier::is_version(text)
    {
        let shown = ansai_core::text::inert(text, 60);
        problems.add(
            Problem::error(codes::BAD_VERSION, node.span.clone(), format!("`{shown}` is not a semantic version"))
                .hint("write three numbers, such as \"0.1.0\""),
        );
    }
    let description = fields.text("description", 300, problems);
    let schedule = fields.get("schedule").and_then(|node| read_schedule(node, problems));
    let attempts = fields.get("attempts").and_then(|node| {
        let fields = Fields::of(node, "`[attempts]`", &["cooldown", "verify_within"], problems)?;
        Some((
            fields.duration("verify_within", VERIFY_WITHIN, problems),
            fields.duration("cooldown", COOLDOWN, problems),
        ))
    });
    let (verify_within, cooldown) = attempts.unwrap_or_default();
    let ladder = fields.get("stage").map(|node| stages::read(node, problems)).unwrap_or_default();
    let mut capabilities = BTreeMap::new();
    if let Some(node) = fields.get("capabilities")
        && let Some(entries) = table_of("`[capabilities]`", node, problems)
    {
        for entry in entries {
            if let Some((name, request)) = request::read(entry, interfaces, problems) {
                capabilities.insert(name, request);
            }
        }
    }
    let limits = fields.get("limits").map(|node| limits::read(node, "`[limits]`", problems)).unwrap_or_default();
    for raised in limits.raised() {
        let span = fields.get("limits").map_or(0..0, |node| node.span.clone());
        let message = format!("`{}` asks for {}, but only the operator raises a limit", raised.key, raised.value);
        let hint = format!("the default {} applies; say in the README what the operator has to set", raised.default);
        problems.add(Problem::warning(codes::RAISED_LIMIT, span, message).hint(hint));
    }
    let settings_schema = fields.get("settings").and_then(|node| read_settings(node, problems));
    let (every, watches) = schedule?;
    Some(Manifest {
        name: name?.to_owned(),
        version: version?.to_owned(),
        description: description?.to_owned(),
        every,
        watches,
        verify_within: verify_within.unwrap_or(Millis::ZERO),
        cooldown,
        ladder,
        capabilities,
        limits,
        settings_schema,
        warnings: Diagnostics::default(),
    })
}

/// The interval, and what wakes the policy in between.
fn read_schedule(node: &Node, problems: &mut Problems) -> Option<(Millis, Vec<Watch>)> {
    let fields = Fields::of(node, "`[schedule]`", &["every", "watch"], problems)?;
    fields.require(&[("every", "every = \"60s\"")], problems);
    let watches = fields.get("watch").map(|node| watch::read(node, problems)).unwrap_or_default();
    Some((fields.duration("every", SCHEDULE, problems)?, watches))
}

pub(crate) fn table_of<'n>(place: &str, node: &'n Node, problems: &mut Problems) -> Option<&'n [Entry]> {
    let entries = node.entries();
    if entries.is_none() {
        problems.add(fields::not_a_table(place, node));
    }
    entries
}

fn read_settings(node: &Node, problems: &mut Problems) -> Option<String> {
    let fields = Fields::of(node, "`[settings]`", &["schema"], problems)?;
    fields.require(&[("schema", "schema = \"settings.schema.json\"")], problems);
    let path = fields.text("schema", 255, problems)?;
    let beside = !path.contains('\0') && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if !beside {
        let span = fields.get("schema").map_or(0..0, |node| node.span.clone());
        problems.add(
            Problem::error(codes::BAD_PATH, span, "`schema` must be a path relative to the manifest")
                .hint("relative and without `..`, such as \"settings.schema.json\""),
        );
        return None;
    }
    Some(path.to_owned())
}
