//! Expired files in quarantine, and a host on which their removal stops in the middle.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use ansai_core::scope::{Roots, TypedField};
use ansai_core::{
    Interface, InterfaceName, Measure, Millis, Mode, Refusal, Scope, ScopeInForce, ScopeTables, Timestamp,
};
use ansai_host_functions::live::LiveHost;
use ansai_kit::action::{
    Action, Amount, Applied, Begun, Described, Fate, Item, OnStop, Previewed, Progress, Proposed, StepContext,
};
use ansai_kit::function::Types;
use ansai_kit::guard::Guard;
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::host_access::{EvaluationStart, HostAccess, HostBackend};
use ansai_kit::registry::{Body, Function, InterfaceDef, Registry};
use ansai_kit::target::Reach;
use ansai_local::files::fields::{HOLD_BELOW_PERCENT, MAX_BYTES, MAX_FILES, MIN_AGE_HOURS, ROOTS, UNDO_HOURS};
use ansai_supervisor::authority::{EffectiveGrants, Fixed};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

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
    expire_in(&root(scene), plan, names);
}

/// The same under a table with this root only.
pub(crate) fn expire_in(root: &Path, plan: &str, names: &[&str]) {
    std::fs::create_dir_all(root).unwrap();
    for name in names {
        std::fs::write(root.join(name), "content").unwrap();
    }
    let what = json!({
        "root": root, "globs": names, "exclude": [], "min-age-hours": 0, "min-bytes": 0, "max-files": 0,
        "enough-bytes": 0,
    });
    let arguments = to_raw_value(&json!({ "what": what, "reason": "a test" })).unwrap();
    let (_, _, remove) = ansai_host_functions::builtin().action(&format!("{FILES_ACTIONS}.remove")).unwrap();
    let (host, scope) = (Host::at("/"), scope(root));
    let now = Timestamp::EPOCH
        + Millis::from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap())
        + Millis::new(1_000);
    let deadline = Deadline::after(Duration::from_secs(60));
    let looking = ProbeContext { host: &host, scope: &scope, reach: Reach::none(), now, deadline: &deadline };
    let targets = remove.preview(&looking, &arguments, &[]).unwrap().targets;
    let acting = StepContext {
        host: &host,
        scope: &scope,
        reach: Reach::none(),
        now,
        step_id: &format!("{plan}-0"),
        arguments: &arguments,
        targets: &targets,
        stop: &AtomicBool::new(false),
    };
    let Begun::Finished(applied) = remove.begin(&acting).unwrap() else { panic!("removing is short") };
    assert!(applied.items.iter().all(|item| item.fate == Fate::Done), "{applied:?}");
    assert_eq!(applied.items.len(), names.len());
    let index = root.join(QUARANTINE).join(format!("{plan}-0/index.json"));
    let mut content: Value = serde_json::from_slice(&std::fs::read(&index).unwrap()).unwrap();
    content["until"] = json!(1);
    std::fs::write(index, content.to_string()).unwrap();
}

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
        Stops::Before => |live| Arc::new(StoppingHost { live, expiry: &STOPS_BEFORE }),
        Stops::After => |live| Arc::new(StoppingHost { live, expiry: &STOPS_AFTER }),
    }
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
}

impl HostAccess for StoppingHost {
    fn host(&self) -> &Host {
        HostAccess::host(&self.live)
    }

    fn facts(&self) -> Vec<Measure> {
        self.live.facts()
    }

    fn action(&self, name: &str) -> Option<(&'static InterfaceDef, &'static Function, &'static dyn Action)> {
        Registry::of(&[self.expiry]).action(name).or_else(|| self.live.action(name))
    }

    fn quarantine_expiry(&self) -> &'static InterfaceDef {
        self.expiry
    }

    fn quarantine_roots(&self) -> &'static TypedField<Roots> {
        self.live.quarantine_roots()
    }

    fn call_deadline(&self) -> Duration {
        HostAccess::call_deadline(&self.live)
    }

    fn backend(&self, start: EvaluationStart) -> Box<dyn HostBackend> {
        self.live.backend(start)
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
