//! One `[policy.NAME]` table of the host configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ansai_core::maintenance::Maintenance;
use ansai_core::{
    Interface, InterfaceKind, InterfaceName, Millis, Mode, RetryPolicy, ScopeTables, Shares, TotalBudget, Watch, codes,
};

use crate::approve;
use crate::fields::Fields;
use crate::host::MODES;
use crate::identifier;
use crate::incidents;
use crate::isolation::{self, Isolation};
use crate::limits::{self, LimitsChange};
use crate::manifest::{SCHEDULE, VERIFY_WITHIN, table_of};
use crate::node::{Entry, Kind, Node};
use crate::notify;
use crate::problem::{Problem, Problems};
use crate::safety;
use crate::scope_table::{self, Side};
use crate::share;
use crate::source::Span;
use crate::stages::{self, StagesChange};
use crate::target::CALL_LIMIT;
use crate::target_use::{self, TargetUses};
use crate::timing::{self, Timing};
use crate::watch;
use crate::windows;

/// Tables granted, by interface name.
pub type Grants = BTreeMap<InterfaceName, ScopeTables>;

/// Prefix of a `source` that names a built-in policy.
pub const BUILTIN: &str = "builtin:";
/// Prefix of a `source` that names a policy from a registry.
pub const REGISTRY: &str = "oci:";
const KEYS: &[&str] = &[
    "source",
    "sha256",
    "mode",
    "approval_expires",
    "announce",
    "windows",
    "emergency_passes",
    "every",
    "cron",
    "time_zone",
    "splay",
    "catch_up",
    "watch",
    "settings",
    "attempts",
    "incidents",
    "stages",
    "limits",
    "isolation",
    "share",
    "budget",
    "call_limit",
    "grant",
    "target",
];
const MONTH_MS: u64 = 30 * 86_400_000;
const DAY_MS: u64 = 86_400_000;
const MINUTE_MS: u64 = 60_000;
/// How long a plan waits for approval unless the operator says otherwise.
pub const APPROVAL_EXPIRES: Millis = Millis::from_hours(24);

/// Where the component of an instance is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySource {
    /// Path of a component, or of a directory with one.
    Path(PathBuf),
    /// Name of a policy in the share directory.
    Builtin(String),
    /// Name of a policy in a registry, as it is written after the prefix: `registry.example/acme/disk-space@^1.2`.
    Registry(String),
}

/// A policy as configured by the operator.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// The source as written: a path, `builtin:NAME` or `oci:REFERENCE`, see [`crate::HostConfig::source`].
    pub source: Option<String>,
    /// SHA-256 that the component must have, in lower-case hexadecimal digits.
    pub sha256: Option<String>,
    /// Mode of the instance, else of the daemon.
    pub mode: Mode,
    /// How long a plan waits for approval, and how long an approval counts.
    pub approval_expires: Millis,
    /// How long a plan waits after it was announced; zero if it is not.
    pub announce: Millis,
    /// When plans may begin.
    pub maintenance: Maintenance,
    /// The interval; `None` if the manifest's applies.
    pub every: Option<Millis>,
    /// When it runs by the clock on the wall, and how runs are spread.
    pub timing: Timing,
    /// What wakes it in between; `None` if the manifest's applies.
    pub watches: Option<Vec<Watch>>,
    /// The settings as written, an object. Resolve them with the policy's [`crate::Schema`].
    pub settings: serde_json::Value,
    /// How often, and at what interval, a finding may be treated.
    pub attempts: RetryPolicy,
    /// Whether the operator says how many attempts an incident has; otherwise its stages say it, if there are any.
    pub has_max: bool,
    /// Whether the operator says how long to wait between two attempts; otherwise the manifest says it, if it does.
    pub has_cooldown: bool,
    /// What the operator says about the stages.
    pub stages: StagesChange,
    /// Time during which verification is repeated; `None` if the manifest's applies.
    pub verify_within: Option<Millis>,
    /// Limits that override those of the manifest, which override the defaults.
    pub limits: LimitsChange,
    /// Which process runs its code; `None` if that of the host applies.
    pub isolation: Option<Isolation>,
    /// What it may use over time.
    pub shares: Shares,
    /// What all its actions together may use.
    pub budget: TotalBudget,
    /// How long one call of a server may take; `None` if the daemon's limit applies.
    pub call_limit: Option<Millis>,
    /// Granted scopes.
    pub grants: Grants,
    /// The granted tables with `approve = true`, counted from 1, by interface.
    pub approve: BTreeMap<InterfaceName, BTreeSet<usize>>,
    /// The targets that it may use, by name.
    pub targets: TargetUses,
    pub(crate) grant_spans: Vec<(InterfaceName, Span)>,
    pub(crate) settings_node: Option<Node>,
    pub(crate) name_span: Span,
}

pub(crate) fn read(
    entry: &Entry,
    default_mode: Mode,
    interfaces: &[Interface],
    problems: &mut Problems,
) -> Option<Instance> {
    let place = format!("`[policy.{}]`", ansai_core::text::inert(&entry.key, 64));
    let fields = Fields::of(&entry.node, &place, KEYS, problems)?;
    let source = fields.text("source", 4_096, problems);
    if let (Some(text), Some(node)) = (source, fields.get("source"))
        && text.chars().any(char::is_control)
    {
        problems.add(Problem::error(codes::BAD_PATH, node.span.clone(), "`source` holds a control character"));
    }
    if let (Some(text), Some(node)) = (source, fields.get("source"))
        && let Some(name) = text.strip_prefix(BUILTIN)
        && !identifier::is_name(name)
    {
        problems.add(identifier::bad_name("a built-in policy", name, node.span.clone()));
    }
    let sha256 = fields.text("sha256", 1_000, problems);
    if let (Some(text), Some(node)) = (sha256, fields.get("sha256"))
        && !(text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
    {
        let message = "`sha256` is not 64 lower-case hexadecimal digits";
        let hint = "`ansai inspect` and `sha256sum` print the SHA-256 of a component";
        problems.add(Problem::error(codes::BAD_DIGEST, node.span.clone(), message).hint(hint));
    }
    let settings_node = fields.get("settings").filter(|node| table_of("`settings`", node, problems).is_some());
    if let Some(node) = settings_node {
        check_finite(node, problems);
    }
    let mut grants = Grants::new();
    let (mut grant_spans, mut approve) = (Vec::new(), BTreeMap::new());
    if let Some(node) = fields.get("grant")
        && let Some(entries) = table_of("`grant`", node, problems)
    {
        for entry in entries {
            let Some(interface) = scope_table::interface(entry, interfaces, problems) else {
                continue;
            };
            if interface.kind == InterfaceKind::Base {
                problems.add(
                    Problem::warning(
                        codes::ALWAYS_THERE,
                        entry.key_span.clone(),
                        format!("every policy has {} without a grant", interface.name),
                    )
                    .hint("delete the line"),
                );
            }
            let place = format!("the grant of {}", interface.name);
            let tables = match interface.kind {
                InterfaceKind::Actions => {
                    let (node, marked) = approve::take(&entry.node, problems);
                    if !marked.is_empty() {
                        approve.insert(interface.name.clone(), marked);
                    }
                    scope_table::read(&node, &place, interface, Side::Grant, problems)
                }
                InterfaceKind::Base | InterfaceKind::Probe => {
                    scope_table::read(&entry.node, &place, interface, Side::Grant, problems)
                }
            };
            grants.insert(interface.name.clone(), tables);
            grant_spans.push((interface.name.clone(), entry.key_span.clone()));
        }
    }
    let attempts = fields.get("attempts").and_then(|node| read_attempts(node, problems));
    let every = fields.duration("every", SCHEDULE, problems);
    let (mut attempts, verify_within) = attempts.unwrap_or_default();
    let says = |key: &str| fields.get("attempts").is_some_and(|node| node.get(key).is_some());
    let (has_max, has_cooldown) = (says("max"), says("cooldown"));
    if let Some(node) = fields.get("incidents") {
        incidents::read(node, &mut attempts, problems);
    }
    Some(Instance {
        source: source.map(str::to_owned),
        sha256: sha256.map(str::to_owned),
        mode: fields.word("mode", MODES, problems).unwrap_or(default_mode),
        approval_expires: fields
            .duration("approval_expires", (MINUTE_MS, MONTH_MS), problems)
            .unwrap_or(APPROVAL_EXPIRES),
        announce: fields.duration("announce", notify::ANNOUNCE, problems).unwrap_or(notify::NOT_ANNOUNCED),
        maintenance: windows::read(&fields, problems),
        every,
        timing: timing::read(&fields, every, problems),
        watches: fields.get("watch").map(|node| watch::read(node, problems)),
        settings: settings_node.map_or_else(|| serde_json::json!({}), Node::to_json),
        attempts,
        has_max,
        has_cooldown,
        stages: fields.get("stages").map(|node| stages::read_change(node, problems)).unwrap_or_default(),
        verify_within,
        limits: fields.get("limits").map(|node| limits::read(node, "`limits`", problems)).unwrap_or_default(),
        isolation: fields.word("isolation", isolation::OF_POLICY, problems),
        shares: fields.get("share").map(|node| share::read(node, problems)).unwrap_or_default(),
        budget: safety::of_instance(&fields, problems),
        call_limit: fields.duration("call_limit", CALL_LIMIT, problems),
        grants,
        approve,
        targets: target_use::read(fields.get("target"), &entry.key, problems),
        grant_spans,
        settings_node: settings_node.cloned(),
        name_span: entry.key_span.clone(),
    })
}

/// The policy, and the time in which to verify, which has its default in the manifest.
fn read_attempts(node: &Node, problems: &mut Problems) -> Option<(RetryPolicy, Option<Millis>)> {
    let fields = Fields::of(node, "`attempts`", &["cooldown", "max", "settle", "verify_within"], problems)?;
    let default = RetryPolicy::default();
    let most = fields.number("max", (1, 100), problems);
    let policy = RetryPolicy {
        cooldown: fields.duration("cooldown", (0, MONTH_MS), problems).unwrap_or(default.cooldown),
        max_attempts: most.and_then(|most| u32::try_from(most).ok()).unwrap_or(default.max_attempts),
        settle: fields.duration("settle", (0, DAY_MS), problems).unwrap_or(default.settle),
        ..default
    };
    Some((policy, fields.duration("verify_within", VERIFY_WITHIN, problems)))
}

/// Settings are passed as JSON, which has no infinity.
pub(crate) fn check_finite(node: &Node, problems: &mut Problems) {
    match &node.kind {
        Kind::Float(number) if !number.is_finite() => {
            problems.add(Problem::error(codes::OUT_OF_RANGE, node.span.clone(), "a setting must be a finite number"))
        }
        Kind::Array(list) => list.iter().for_each(|node| check_finite(node, problems)),
        Kind::Table(entries) => entries.iter().for_each(|entry| check_finite(&entry.node, problems)),
        _ => {}
    }
}
