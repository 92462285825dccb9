//! `ansai.toml`: the state directory, the policies that run, and their grants.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ansai_core::{Code, InstanceName, Interface, Millis, Mode, Never, RetryPolicy, codes};

use crate::audit_log::{self, AuditLog};
use crate::control::{self, Control};
use crate::diagnostics::Diagnostics;
use crate::export::Export;
use crate::fields::Fields;
use crate::file;
use crate::hidden;
use crate::hook::{self, Hooks};
use crate::identifier;
use crate::index::{self, PolicyIndex};
use crate::instance::{self, BUILTIN, Instance, PolicySource, REGISTRY};
use crate::isolation::{self, Isolation};
use crate::labels::{self, Labels};
use crate::manifest::{Manifest, table_of};
use crate::never;
use crate::node::{MOST_HOST_VALUES, Node};
use crate::notify::{self, Notify};
use crate::place::{Place, placed};
use crate::problem::{Problem, Problems};
use crate::registry::{self, RegistrySettings};
use crate::safety::{self, HostSafety};
use crate::schema::SettingProblem;
use crate::source::{MOST_HOST_BYTES, Source, Span};
use crate::stages::StagesChange;
use crate::target::{self, CALL_LIMIT, Targets};
use crate::target_grants::{self, Configured};
use crate::target_use;
use crate::trust::Trust;

pub(crate) const MODES: &[(&str, Mode)] =
    &[("observe", Mode::Observe), ("approve", Mode::Approve), ("enforce", Mode::Enforce)];

/// The engine has room for so many evaluations.
const EVALUATIONS: (u64, u64) = (1, 256);

const REACH: &[(&str, ServerCalls)] = &[("process", ServerCalls::Process), ("thread", ServerCalls::Thread)];

/// Where servers are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerCalls {
    /// In a process of its own, without rights on this host.
    Process,
    /// In the process of ansai itself.
    Thread,
}

/// Settings of the daemon as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Daemon {
    /// Absolute path; `None` if the caller chooses it.
    pub state_dir: Option<PathBuf>,
    /// Mode of every instance that sets none.
    pub mode: Mode,
    /// A filter for `tracing`, not validated.
    pub log: Option<String>,
    /// How long one call of a server may take; `None` if the caller chooses it.
    pub call_limit: Option<Millis>,
    /// How many evaluations may run at the same time; `None` if the number of cores decides.
    pub evaluations: Option<usize>,
    /// Where servers are called; `None` if the caller chooses it.
    pub reach: Option<ServerCalls>,
    /// Where guest code runs, for instances that do not say it; `None` if the caller chooses it.
    pub isolation: Option<Isolation>,
}

/// A valid host configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct HostConfig {
    /// `[daemon]`.
    pub daemon: Daemon,
    /// `[control]`.
    pub control: Control,
    /// `[audit]`.
    pub audit: AuditLog,
    /// `[audit.export]`.
    pub export: Option<Export>,
    /// `labels` of `[host]`.
    pub labels: Labels,
    /// `[host.storm]` and `[host.budget]`, with the defaults.
    pub safety: HostSafety,
    /// `[target.NAME]` tables, by name.
    pub targets: Targets,
    /// `[hook.NAME]` tables, by name.
    pub hooks: Hooks,
    /// `[never]`, with the defaults.
    pub never: Never,
    /// `[notify]`.
    pub notify: Notify,
    /// `[registry]` and `[[trust]]`.
    pub registry: RegistrySettings,
    /// `[index]`.
    pub index: Option<PolicyIndex>,
    /// `[policy.NAME]` tables, by the operator's name.
    pub policies: BTreeMap<InstanceName, Instance>,
    /// Warnings: valid, but probably not what the operator means.
    pub warnings: Diagnostics,
    source: Arc<Source>,
}

impl HostConfig {
    /// Parses a configuration. `file_name` appears in messages; its directory is the base of relative sources.
    ///
    /// # Errors
    /// All problems, each with its place.
    pub fn parse(file_name: &str, text: &str, interfaces: &[Interface]) -> Result<HostConfig, Diagnostics> {
        let (source, problem) = Source::from_text(file_name, text, MOST_HOST_BYTES);
        Self::from_source(source, problem, interfaces)
    }

    /// Reads a configuration file of at most 16 MiB, and finds out who can write it.
    ///
    /// # Errors
    /// As [`HostConfig::parse`], and if the file cannot be read.
    pub fn load(path: &Path, interfaces: &[Interface]) -> Result<(HostConfig, Trust), Diagnostics> {
        let (source, problem, trust) = file::read(path, MOST_HOST_BYTES)?;
        Ok((Self::from_source(source, problem, interfaces)?, trust))
    }

    /// Where the component of an instance is. A relative path is relative to the directory of the configuration file.
    /// `None` if the instance does not exist or names no source.
    pub fn source(&self, instance: &InstanceName) -> Option<PolicySource> {
        let written = self.policies.get(instance)?.source.as_deref()?;
        if let Some(name) = written.strip_prefix(BUILTIN) {
            return Some(PolicySource::Builtin(name.to_owned()));
        }
        if let Some(reference) = written.strip_prefix(REGISTRY) {
            return Some(PolicySource::Registry(reference.to_owned()));
        }
        let directory = Path::new(&self.source.name).parent();
        Some(PolicySource::Path(directory.unwrap_or(Path::new("")).join(written)))
    }

    /// How long one call of a server may take for an instance, unless the target has a limit of its own: as the instance
    /// says, else as `[daemon]` says.
    pub fn call_limit(&self, instance: &InstanceName) -> Option<Millis> {
        let own = self.policies.get(instance).and_then(|instance| instance.call_limit);
        own.or(self.daemon.call_limit)
    }

    /// Which process runs the code of an instance: as the instance says, else as `[daemon]` says.
    pub fn isolation(&self, instance: &InstanceName) -> Option<Isolation> {
        self.policies.get(instance).and_then(|instance| instance.isolation).or(self.daemon.isolation)
    }

    /// Byte range of an instance's setting in the file; if the setting is not in the file, of the nearest table around
    /// it.
    pub fn settings_span(&self, instance: &InstanceName, path: &[String]) -> Option<Span> {
        let instance = self.policies.get(instance)?;
        let place = Place::of(instance.settings_node.as_ref(), &instance.name_span, path);
        Some(if place.missing == 0 { place.value } else { place.key })
    }

    /// Turns problems of an instance's settings into diagnostics with places in the configuration.
    pub fn settings_diagnostics(&self, instance: &InstanceName, problems: &[SettingProblem]) -> Diagnostics {
        let (node, table) = match self.policies.get(instance) {
            Some(instance) => (instance.settings_node.as_ref(), instance.name_span.clone()),
            None => (None, 0..0),
        };
        placed(node, &table, problems).of(&self.source)
    }

    /// The same for its settings for one target.
    pub fn target_settings_diagnostics(
        &self,
        instance: &InstanceName,
        target: &str,
        problems: &[SettingProblem],
    ) -> Diagnostics {
        let (node, table) = match self.policies.get(instance).and_then(|instance| instance.targets.get(target)) {
            Some(wanted) => (wanted.settings_node.as_ref(), wanted.name_span.clone()),
            None => (None, 0..0),
        };
        placed(node, &table, problems).of(&self.source)
    }

    /// How often, at what interval and in which stages the incidents of an instance are healed, with the stages of its
    /// manifest.
    ///
    /// # Errors
    /// The configuration names a stage that the manifest does not have.
    pub fn retry_policy(&self, instance: &InstanceName, manifest: &Manifest) -> Result<RetryPolicy, Diagnostics> {
        let Some(configured) = self.policies.get(instance) else { return Ok(RetryPolicy::default()) };
        let mut ladder = configured.stages.over(&manifest.ladder).map_err(|unknown| {
            let mut problems = Problems::default();
            for one in unknown {
                problems.add(Problem::error(one.code, one.span, one.message).maybe_hint(one.hint));
            }
            problems.of(&self.source)
        })?;
        let attempts = configured.attempts.clone();
        // `max` means the attempts of this one stage: without this, more than the manifest's would have no effect.
        if let ([stage], true, StagesChange::None) = (ladder.0.as_mut_slice(), configured.has_max, &configured.stages) {
            stage.attempts = attempts.max_attempts;
        }
        let max_attempts =
            if ladder.is_empty() || configured.has_max { attempts.max_attempts } else { ladder.attempts() };
        let verify_within = configured.verify_within.unwrap_or(manifest.verify_within);
        let cooldown = manifest.cooldown.filter(|_| !configured.has_cooldown).unwrap_or(attempts.cooldown);
        Ok(RetryPolicy { cooldown, verify_within, max_attempts, ladder, ..attempts })
    }

    /// A problem of a target's secret, at `secret` in its table.
    pub fn secret_diagnostics(&self, target: &str, code: Code, message: &str, hint: Option<String>) -> Diagnostics {
        let span = self.targets.get(target).map_or(0..0, |target| target.secret_span.clone());
        Problems::from(Problem::error(code, span, message).maybe_hint(hint)).of(&self.source)
    }

    /// A problem of a hook, at this key of its table, or at the table if it has no such key.
    pub fn hook_diagnostics(
        &self,
        hook: &str,
        key: &str,
        code: Code,
        message: &str,
        hint: Option<String>,
    ) -> Diagnostics {
        let span = self.hooks.get(hook).map(|hook| hook.spans.get(key).unwrap_or(&hook.name_span).clone());
        Problems::from(Problem::error(code, span.unwrap_or(0..0), message).maybe_hint(hint)).of(&self.source)
    }

    /// A problem of a channel, at this key of its table, or at the table if it has no such key.
    pub fn channel_diagnostics(&self, channel: &str, key: &str, problem: (Code, &str, Option<String>)) -> Diagnostics {
        let (code, message, hint) = problem;
        let found = self.notify.channels.get(channel);
        let span = found.map(|channel| channel.spans.get(key).unwrap_or(&channel.name_span).clone());
        Problems::from(Problem::error(code, span.unwrap_or(0..0), message).maybe_hint(hint)).of(&self.source)
    }

    /// A warning for each grant that the manifest does not request.
    pub fn unasked_grants(&self, instance: &InstanceName, manifest: &Manifest) -> Diagnostics {
        let mut found = Problems::default();
        if let Some(configured) = self.policies.get(instance) {
            for (name, span) in &configured.grant_spans {
                if !manifest.capabilities.contains_key(name) {
                    found.add(
                        Problem::warning(
                            codes::UNASKED_GRANT,
                            span.clone(),
                            format!("{} does not ask for \"{name}\"", manifest.name),
                        )
                        .hint("delete the line: a later version could use it without review"),
                    );
                }
            }
        }
        found.of(&self.source)
    }

    fn from_source(
        source: Source,
        problem: Option<Problem>,
        interfaces: &[Interface],
    ) -> Result<HostConfig, Diagnostics> {
        let mut source = source;
        let node = match problem {
            Some(problem) => Err(problem),
            None => Node::from_toml(&source.text, MOST_HOST_VALUES),
        };
        let secrets = node.as_ref().map_or_else(|_| hidden::in_text(&source.text), hidden::in_tree);
        source.hide(&secrets);
        let source = Arc::new(source);
        let node = node.map_err(|problem| Problems::from(problem).of(&source))?;
        let mut problems = Problems::default();
        let config = read(&node, interfaces, &mut problems);
        match config {
            Some(parts) if !problems.has_errors() => {
                let Parts {
                    daemon,
                    control,
                    audit,
                    export,
                    labels,
                    safety,
                    targets,
                    hooks,
                    never,
                    notify,
                    registry,
                    index,
                    policies,
                } = parts;
                let warnings = problems.of(&source);
                Ok(HostConfig {
                    daemon,
                    control,
                    audit,
                    export,
                    labels,
                    safety,
                    targets,
                    hooks,
                    never,
                    notify,
                    registry,
                    index,
                    policies,
                    warnings,
                    source,
                })
            }
            _ => Err(problems.of(&source)),
        }
    }
}

/// What the file says.
struct Parts {
    daemon: Daemon,
    control: Control,
    audit: AuditLog,
    export: Option<Export>,
    labels: Labels,
    safety: HostSafety,
    targets: Targets,
    hooks: Hooks,
    never: Never,
    notify: Notify,
    registry: RegistrySettings,
    index: Option<PolicyIndex>,
    policies: BTreeMap<InstanceName, Instance>,
}

fn read(node: &Node, interfaces: &[Interface], problems: &mut Problems) -> Option<Parts> {
    let fields = Fields::of(
        node,
        "the configuration",
        &[
            "daemon", "control", "audit", "host", "target", "hook", "never", "notify", "registry", "trust", "index",
            "policy",
        ],
        problems,
    )?;
    let daemon = fields.get("daemon").and_then(|node| read_daemon(node, problems)).unwrap_or_default();
    let control = fields.get("control").and_then(|node| control::read(node, problems)).unwrap_or_default();
    let (audit, export) = fields.get("audit").and_then(|node| audit_log::read(node, problems)).unwrap_or_default();
    let (labels, safety) = fields.get("host").map(|node| read_host(node, problems)).unwrap_or_default();
    let targets = fields.get("target").map(|node| target::read(node, problems)).unwrap_or_default();
    let hooks = fields.get("hook").map(|node| hook::read(node, problems)).unwrap_or_default();
    let never = fields.get("never").map(|node| never::read(node, problems)).unwrap_or_default();
    let mut registry = fields.get("registry").map(|node| registry::read(node, problems)).unwrap_or_default();
    registry.trust = fields.get("trust").map(|node| registry::read_trust(node, problems)).unwrap_or_default();
    let index = fields.get("index").and_then(|node| index::read(node, problems));
    let mut policies = BTreeMap::new();
    if let Some(node) = fields.get("policy")
        && let Some(entries) = table_of("`[policy]`", node, problems)
    {
        for entry in entries {
            let name = entry.key.parse::<InstanceName>();
            if name.is_err() {
                let span = entry.key_span.clone();
                problems.add(identifier::bad_name("an instance", &entry.key, span));
            }
            if let (Some(instance), Ok(name)) = (instance::read(entry, daemon.mode, interfaces, problems), name) {
                policies.insert(name, instance);
            }
        }
    }
    let written = fields.get("target").and_then(Node::entries).unwrap_or_default();
    let written: BTreeSet<&str> = written.iter().map(|entry| entry.key.as_str()).collect();
    target_use::check(policies.values(), &targets, &written, problems);
    if let Some(node) = fields.get("policy") {
        let configured = Configured { instances: &policies, targets: &targets, written: &written };
        target_grants::check(node, interfaces, &configured, problems);
        let written = fields.get("hook").and_then(Node::entries).unwrap_or_default();
        hook::check_grants(node, interfaces, &written.iter().map(|entry| entry.key.as_str()).collect(), problems);
    }
    let written = fields.get("policy").and_then(Node::entries).unwrap_or_default();
    let instances: Vec<&str> = written.iter().map(|entry| entry.key.as_str()).collect();
    let used = policies.values().flat_map(|policy| policy.targets.keys());
    let of_targets = used.filter_map(|name| targets.get(name)).map(|target| &target.labels).collect();
    let takable = notify::Takable { host: &labels, targets: of_targets, instances: &instances };
    let notify = fields.get("notify").map(|node| notify::read(node, &takable, problems)).unwrap_or_default();
    Some(Parts {
        daemon,
        control,
        audit,
        export,
        labels,
        safety,
        targets,
        hooks,
        never,
        notify,
        registry,
        index,
        policies,
    })
}

fn read_host(node: &Node, problems: &mut Problems) -> (Labels, HostSafety) {
    let Some(fields) = Fields::of(node, "`[host]`", &["labels", "storm", "budget"], problems) else {
        return Default::default();
    };
    let labels = fields.get("labels").map(|node| labels::read(node, "`labels` of `[host]`", problems));
    (labels.unwrap_or_default(), safety::of_host(&fields, problems))
}

const DAEMON: &[&str] = &["state_dir", "mode", "log", "call_limit", "evaluations", "reach", "isolation"];

fn read_daemon(node: &Node, problems: &mut Problems) -> Option<Daemon> {
    let fields = Fields::of(node, "`[daemon]`", DAEMON, problems)?;
    let state_dir = fields.text("state_dir", 4_096, problems);
    if let (Some(path), Some(node)) = (state_dir, fields.get("state_dir"))
        && !ansai_core::scope::is_plain_absolute(path)
    {
        problems.add(
            Problem::error(
                codes::BAD_PATH,
                node.span.clone(),
                "`state_dir` must be an absolute path without `.` or `..`",
            )
            .hint("such as \"/var/lib/ansai\", without a slash at the end"),
        );
    }
    Some(Daemon {
        state_dir: state_dir.map(PathBuf::from),
        mode: fields.word("mode", MODES, problems).unwrap_or_default(),
        log: fields.text("log", 1_000, problems).map(str::to_owned),
        call_limit: fields.duration("call_limit", CALL_LIMIT, problems),
        evaluations: fields.number("evaluations", EVALUATIONS, problems).and_then(|most| usize::try_from(most).ok()),
        reach: fields.word("reach", REACH, problems),
        isolation: fields.word("isolation", isolation::OF_DAEMON, problems),
    })
}
