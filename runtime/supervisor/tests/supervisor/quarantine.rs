//! Expired files in quarantine, with the records of the steps that moved them there, and a host on which their removal stops in the middle.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use ansai_audit::{Durability, Log};
use ansai_core::event::{Intent, Record};
use ansai_core::{
    Event, InstanceName, Interface, InterfaceName, Millis, Mode, OnFailure, Preview, Refusal, Scope, ScopeInForce,
    ScopeTables, Timestamp,
};
use ansai_host_functions::live::LiveHost;
use ansai_kit::action::{
    Action, Amount, Applied, Begun, Described, Fate, Item, OnStop, Previewed, Progress, Proposed, StepContext,
};
use ansai_kit::function::Types;
use ansai_kit::guard::Guard;
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::host_access::{HostAccess, QuarantineOrigin};
use ansai_kit::registry::{Body, Function, InterfaceDef, Registry};
use ansai_kit::target::Reach;
use ansai_local::files::fields::{HOLD_BELOW_PERCENT, MAX_BYTES, MAX_FILES, MIN_AGE_HOURS, ROOTS, UNDO_HOURS};
use ansai_local::files::{QUARANTINE_EXPIRY, QUARANTINE_ORIGIN};
use ansai_supervisor::authority::{EffectiveGrants, Fixed};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::over_live::{OverLive, host};
use crate::scene::{ONE, Scene, all_grants};

const FILES_ACTIONS: InterfaceName = InterfaceName::from_static("ansai:files/files-actions");

/// The granted root.
pub(crate) fn root(scene: &Scene) -> PathBuf {
    scene.path("data")
}

/// Everything that the policy requests, and the file actions.
pub(crate) fn granted(scene: &Scene, mode: Mode) -> EffectiveGrants {
    let mut all = (*all_grants(mode).scopes).clone();
    all.insert(FILES_ACTIONS, scope(&root(scene)).into());
    EffectiveGrants::new(Arc::new(all), mode)
}

/// The same grants for the one instance, unchanging.
pub(crate) fn fixed(scene: &Scene, mode: Mode) -> Fixed {
    Fixed::new([(ONE.parse().unwrap(), granted(scene, mode))])
}

/// Everything that the policy requests, and the file actions with one table for each root.
pub(crate) fn granted_each(roots: &[&Path], mode: Mode) -> EffectiveGrants {
    let mut all = (*all_grants(mode).scopes).clone();
    let tables = ScopeTables::try_from(roots.iter().map(|root| scope(root)).collect::<Vec<_>>()).unwrap();
    let fields = ansai_local::files::FILES_ACTIONS.interface.fields;
    all.insert(FILES_ACTIONS, ScopeInForce::of(fields, &ScopeTables::default(), &tables).unwrap());
    EffectiveGrants::new(Arc::new(all), mode)
}

fn scope(root: &Path) -> Scope {
    Scope::default()
        .with_set(&ROOTS, [root.to_str().unwrap()])
        .with_number(&MIN_AGE_HOURS, 0)
        .with_number(&MAX_FILES, 100)
        .with_number(&MAX_BYTES, 1 << 30)
        .with_number(&UNDO_HOURS, 24)
        .with_number(&HOLD_BELOW_PERCENT, 100)
}

/// Removes new files with these names, so that they are quarantined, and lets them expire.
pub(crate) fn expire(scene: &Scene, plan: &str, names: &[&str]) {
    expire_in(scene, &root(scene), plan, names);
}

/// The same under a table with this root only.
pub(crate) fn expire_in(scene: &Scene, root: &Path, plan: &str, names: &[&str]) {
    expire_as(scene, root, plan, names, Forged::Nothing);
}

/// How a quarantine differs from what the audit log has of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forged {
    Nothing,
    /// The log has no such plan.
    Plan,
    /// The index has an earlier end.
    End,
    /// The index has the name of another file.
    Path,
    /// The record of what the step did is another one.
    Items,
}

/// A plan as ansai writes it.
#[derive(Serialize)]
struct PlanFile<'a> {
    plan: &'a str,
    instance: &'a str,
    at: Timestamp,
    on_failure: OnFailure,
    steps: [&'a Proposed; 1],
}

/// The same, with a quarantine that is not as the log has it. The plan gets a prefix that [`Scene::events`] leaves out.
pub(crate) fn expire_as(scene: &Scene, root: &Path, plan: &str, names: &[&str], forged: Forged) {
    std::fs::create_dir_all(root).unwrap();
    for name in names {
        std::fs::write(root.join(name), "content").unwrap();
    }
    let what = json!({
        "root": root, "globs": names, "exclude": [], "min-age-hours": 0, "min-bytes": 0, "max-files": 0,
        "enough-bytes": 0,
    });
    let arguments = to_raw_value(&json!({ "what": what, "reason": "a test" })).unwrap();
    let name = format!("{FILES_ACTIONS}.remove");
    let (_, _, remove) = ansai_host_functions::builtin().action(&name).unwrap();
    let (host, scope) = (Host::at("/"), scope(root));
    let now = Timestamp::EPOCH
        + Millis::from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap())
        + Millis::new(1_000);
    let deadline = Deadline::after(Duration::from_secs(60));
    let looking = ProbeContext { host: &host, scope: &scope, reach: Reach::none(), now, deadline: &deadline };
    let proposed = {
        let previewed = remove.preview(&looking, &arguments, &[]).unwrap();
        Proposed::new(name, arguments.into(), previewed)
    };
    let plan = format!("{EARLIER}{plan}");
    let acting = StepContext {
        host: &host,
        scope: &scope,
        reach: Reach::none(),
        now,
        step_id: &format!("{plan}-0"),
        arguments: &proposed.arguments,
        targets: &proposed.targets,
        stop: &AtomicBool::new(false),
    };
    let Begun::Finished(mut applied) = remove.begin(&acting).unwrap() else { panic!("removing is short") };
    assert!(applied.items.iter().all(|item| item.fate == Fate::Done), "{applied:?}");
    assert_eq!(applied.items.len(), names.len());
    let index = root.join(QUARANTINE).join(format!("{plan}-0/index.json"));
    let mut content: Value = serde_json::from_slice(&std::fs::read(&index).unwrap()).unwrap();
    content["until"] = json!(1);
    if forged == Forged::Path {
        content["files"][0]["path"] = json!("another");
    }
    std::fs::write(index, content.to_string()).unwrap();
    if forged != Forged::End {
        applied.items.iter_mut().for_each(|item| item.undo["until"] = json!(1));
    }
    if forged != Forged::Plan {
        record(scene, &plan, now, &proposed, &applied, forged);
    }
}

/// The records and files of a step that ended.
fn record(scene: &Scene, plan: &str, at: Timestamp, proposed: &Proposed, applied: &Applied, forged: Forged) {
    let (plan, instance) = (plan.to_owned(), ONE.parse::<InstanceName>().unwrap());
    let steps = [proposed];
    let file = PlanFile { plan: &plan, instance: ONE, at, on_failure: OnFailure::Stop, steps };
    let (file, items) = (serde_json::to_vec(&file).unwrap(), serde_json::to_vec(&applied.items).unwrap());
    let sha256 = |text: &[u8]| hex::encode(Sha256::digest(text));
    let (plan_sha256, items_sha256) = (sha256(&file), Some(sha256(&items)));
    let items = if forged == Forged::Items { b"[]".to_vec() } else { items };
    let plans = scene.state_dir().join("plans");
    std::fs::create_dir_all(&plans).unwrap();
    for (name, text) in [(format!("{plan}.plan.zst"), file), (format!("{plan}.0.items.zst"), items)] {
        std::fs::write(plans.join(name), zstd::encode_all(text.as_slice(), 3).unwrap()).unwrap();
    }
    let intent = Intent {
        plan: plan.clone(),
        step: 0,
        instance: instance.clone(),
        action: proposed.action.clone(),
        about: proposed.preview.about.clone(),
        arguments: serde_json::from_str(proposed.arguments.get()).unwrap(),
        targets: applied.items.len() as u64,
        targets_sha256: sha256(proposed.targets.get().as_bytes()),
        plan_sha256,
    };
    let outcome = Event::Outcome {
        plan,
        step: 0,
        instance,
        outcome: applied.outcome,
        reason: None,
        detail: applied.detail.clone(),
        measures: applied.measures.clone(),
        evidence: vec![],
        items_sha256,
        after_crash: false,
    };
    let (mut log, _) = Log::open(scene.state_dir().join("audit"), ansai_audit::Options::default()).unwrap();
    for event in [Event::Intent(intent), outcome] {
        log.append(&serde_json::to_vec(&Record { at, event }).unwrap(), Durability::Synced).unwrap();
    }
}

/// What the plans begin with that removed files before a test.
pub(crate) const EARLIER: &str = "earlier-";

const QUARANTINE: &str = ".ansai-quarantine";

/// Number of files in quarantine.
pub(crate) fn held(scene: &Scene) -> usize {
    held_in(&root(scene))
}

/// Number of files in the quarantine of a directory.
pub(crate) fn held_in(root: &Path) -> usize {
    let Ok(plans) = std::fs::read_dir(root.join(QUARANTINE)) else { return 0 };
    let files = plans.flat_map(|plan| std::fs::read_dir(plan.unwrap().path()).unwrap());
    files.filter(|file| file.as_ref().unwrap().file_name() != "index.json").count()
}

/// The place at which the removal stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stops {
    /// After the intent is durable, before the removal.
    Before,
    /// After the removal, before the outcome is recorded.
    After,
}

/// A file that exists once the removal has stopped.
pub(crate) fn stopped(scene: &Scene) -> PathBuf {
    beside(&root(scene))
}

fn beside(root: &Path) -> PathBuf {
    root.with_extension("stopped")
}

/// The live host, with a removal of expired files that never ends.
pub(crate) fn stopping(stops: Stops) -> fn(LiveHost) -> Arc<dyn HostAccess> {
    match stops {
        Stops::Before => |live| host(StoppingHost { live, expiry: &STOPS_BEFORE, origin: &QUARANTINE_ORIGIN }),
        Stops::After => |live| host(StoppingHost { live, expiry: &STOPS_AFTER, origin: &QUARANTINE_ORIGIN }),
    }
}

/// What happens between the look at a quarantine and its comparison with the log. Each test has a process of its own.
pub(crate) static MEANWHILE: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// The live host, on which [`MEANWHILE`] happens once.
pub(crate) fn racing(live: LiveHost) -> Arc<dyn HostAccess> {
    host(StoppingHost { live, expiry: &QUARANTINE_EXPIRY, origin: &Racing })
}

struct Racing;

impl QuarantineOrigin for Racing {
    fn steps(&self, targets: &RawValue) -> Result<Vec<String>, Refusal> {
        let meanwhile = MEANWHILE.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        QUARANTINE_ORIGIN.steps(targets)
    }

    fn is_part(&self, targets: &RawValue, earlier: &RawValue) -> bool {
        QUARANTINE_ORIGIN.is_part(targets, earlier)
    }

    fn is_of(&self, targets: &RawValue, step_id: &str, removal: &Proposed, items: &[Item]) -> bool {
        QUARANTINE_ORIGIN.is_of(targets, step_id, removal, items)
    }
}

/// Writes another path into the index of a step.
pub(crate) fn rename_in_index(root: &Path, plan: &str) {
    let index = root.join(QUARANTINE).join(format!("{EARLIER}{plan}-0/index.json"));
    let mut content: Value = serde_json::from_slice(&std::fs::read(&index).unwrap()).unwrap();
    content["files"][0]["path"] = json!("another");
    std::fs::write(index, content.to_string()).unwrap();
}

static STOPS_BEFORE: InterfaceDef =
    files_actions(&[Function { name: "expire-held", checks: &[], body: Body::Action(&Expiry(Stops::Before)) }]);
static STOPS_AFTER: InterfaceDef =
    files_actions(&[Function { name: "expire-held", checks: &[], body: Body::Action(&Expiry(Stops::After)) }]);

const fn files_actions(functions: &'static [Function]) -> InterfaceDef {
    let of = &ansai_local::files::FILES_ACTIONS.interface;
    let interface = Interface {
        name: FILES_ACTIONS,
        version: of.version,
        kind: of.kind,
        sensitivity: of.sensitivity,
        ability: of.ability,
        fields: of.fields,
    };
    InterfaceDef { interface, functions, doctor: &[] }
}

struct StoppingHost {
    live: LiveHost,
    expiry: &'static InterfaceDef,
    origin: &'static dyn QuarantineOrigin,
}

impl OverLive for StoppingHost {
    fn live(&self) -> &LiveHost {
        &self.live
    }

    fn action(&self, name: &str) -> Option<(&'static InterfaceDef, &'static Function, &'static dyn Action)> {
        Registry::of(&[self.expiry]).action(name).or_else(|| self.live.action(name))
    }

    fn quarantine_expiry(&self) -> &'static InterfaceDef {
        self.expiry
    }

    fn quarantine_origin(&self) -> &'static dyn QuarantineOrigin {
        self.origin
    }
}

/// The real action, with a stop added.
struct Expiry(Stops);

impl Expiry {
    fn real() -> &'static dyn Action {
        match ansai_local::files::QUARANTINE_EXPIRY.functions[0].body {
            Body::Action(action) => action,
            _ => panic!("it is an action"),
        }
    }

    fn stop(doing: &StepContext<'_>) -> ! {
        let arguments: Value = serde_json::from_str(doing.arguments.get()).unwrap();
        std::fs::write(beside(Path::new(arguments["root"].as_str().unwrap())), "").unwrap();
        loop {
            std::thread::park();
        }
    }
}

impl Action for Expiry {
    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: &RawValue,
        earlier: &[Arc<Proposed>],
    ) -> Result<Previewed, Refusal> {
        Self::real().preview(ask, arguments, earlier)
    }

    fn previewed(&self, preview: Preview, targets: Box<RawValue>) -> Result<Previewed, Refusal> {
        Self::real().previewed(preview, targets)
    }

    fn describe(&self, targets: &RawValue) -> Described {
        Self::real().describe(targets)
    }

    fn is_within(&self, scope: &Scope, targets: &RawValue) -> Result<bool, Refusal> {
        Self::real().is_within(scope, targets)
    }

    fn amounts(&self, targets: &RawValue, treated: Option<&[Item]>) -> Result<Vec<Amount>, Refusal> {
        Self::real().amounts(targets, treated)
    }

    fn begin(&self, doing: &StepContext<'_>) -> Result<Begun, Refusal> {
        if self.0 == Stops::After {
            let _ = Self::real().begin(doing)?;
        }
        Self::stop(doing)
    }

    fn guard(&self, doing: &StepContext<'_>) -> Result<Guard, Refusal> {
        Self::real().guard(doing)
    }

    fn confirm(&self, doing: &StepContext<'_>) -> Result<(), Refusal> {
        Self::real().confirm(doing)
    }

    fn undo(&self, doing: &StepContext<'_>, items: &[Item]) -> Result<Applied, Refusal> {
        Self::real().undo(doing, items)
    }

    fn resolve(&self, doing: &StepContext<'_>) -> Result<Applied, Refusal> {
        Self::real().resolve(doing)
    }

    fn acts_after_undo(&self) -> bool {
        Self::real().acts_after_undo()
    }

    fn after_undo(&self, doing: &StepContext<'_>) -> Result<Applied, Refusal> {
        Self::real().after_undo(doing)
    }

    fn noun(&self) -> &'static str {
        Self::real().noun()
    }

    fn types(&self) -> Types {
        Self::real().types()
    }

    fn on_stop(&self) -> OnStop {
        Self::real().on_stop()
    }

    fn poll(&self, doing: &StepContext<'_>, handle: &RawValue) -> Progress {
        Self::real().poll(doing, handle)
    }

    fn cancel(&self, doing: &StepContext<'_>, handle: &RawValue) -> Applied {
        Self::real().cancel(doing, handle)
    }
}
