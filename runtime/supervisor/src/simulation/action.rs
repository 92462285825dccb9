//! Steps of a simulated host: they end faults, and touch nothing else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ansai_core::scope::Field;
use ansai_core::{InstanceName, Outcome, Preview, Refusal, Scope};
use ansai_kit::action::{Amount, Applied, Begun, Fate, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::host::ProbeContext;
use ansai_kit::registry::{Body, Function, InterfaceDef, Registry};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::world::World;

/// The worlds that steps act on, by the root directory of their host, with the number of the host that named them: an
/// action is static.
static WORLDS: Mutex<BTreeMap<String, (u64, Arc<World>)>> = Mutex::new(BTreeMap::new());
static HOSTS: AtomicU64 = AtomicU64::new(0);

/// Every action of a simulated host.
static SIMULATED: Simulated = Simulated;

/// Names the world of a host, until it is dropped. A later host with the same root keeps the name.
pub(super) struct Named(String, u64);

impl Named {
    pub(super) fn new(root: &str, world: Arc<World>) -> Named {
        let number = HOSTS.fetch_add(1, Ordering::Relaxed);
        worlds().insert(root.to_owned(), (number, world));
        Named(root.to_owned(), number)
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let mut worlds = worlds();
        if worlds.get(&self.0).is_some_and(|(number, _)| *number == self.1) {
            worlds.remove(&self.0);
        }
    }
}

fn worlds() -> MutexGuard<'static, BTreeMap<String, (u64, Arc<World>)>> {
    WORLDS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn world_of(doing: &StepContext<'_>) -> Result<Arc<World>, Refusal> {
    let root = doing.host.root().display().to_string();
    let found = worlds().get(&root).map(|(_, world)| world.clone());
    found.ok_or_else(|| Refusal::Unavailable("the simulation is over".into()))
}

/// An interface with the names, fields and functions of another one, whose actions are simulated. Kept for the life of
/// the process, once for each interface that ansai has.
pub(super) fn simulated(real: &'static InterfaceDef) -> &'static InterfaceDef {
    static MADE: OnceLock<Mutex<BTreeMap<&'static str, &'static InterfaceDef>>> = OnceLock::new();
    let mut made = MADE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    made.entry(real.interface.name.as_str()).or_insert_with(|| {
        // What the arguments of a real call may be is not simulated, so nothing checks them.
        let function = |one: &Function| Function { name: one.name, checks: &[], body: Body::Action(&SIMULATED) };
        let actions = real.functions.iter().filter(|one| matches!(one.body, Body::Action(_)));
        let functions: Vec<Function> = actions.map(function).collect();
        let functions: &'static [Function] = Box::leak(functions.into_boxed_slice());
        Box::leak(Box::new(InterfaceDef { interface: real.interface.clone(), doctor: &[], functions }))
    })
}

/// What a step uses of a bound if nothing else is said.
const BYTES: u64 = 100 << 20;
const PIECES: u64 = 1;

/// What one step uses of each upper bound of an interface, unless the fault says something else.
pub(super) fn usual(interface: &InterfaceDef) -> Vec<(String, u64)> {
    let bounds = interface.interface.fields.iter().filter(|field| is_upper_bound(field));
    bounds.map(|field| (field.name.to_owned(), if field.counts_bytes() { BYTES } else { PIECES })).collect()
}

fn is_upper_bound(field: &Field) -> bool {
    field.format().ends_with(", at most")
}

/// What the policy of a simulation proposes with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Arguments {
    pub(super) key: String,
    pub(super) reason: String,
}

/// What the host remembers of such a step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Targets {
    pub(super) instance: InstanceName,
    pub(super) interface: String,
    pub(super) key: String,
    pub(super) uses: Vec<(String, u64)>,
}

struct Simulated;

impl TypedAction for Simulated {
    type Arguments = Arguments;
    type Targets = Targets;
    const NOUN: &'static str = "item";

    fn preview(&self, _: &ProbeContext<'_>, _: Arguments, _: &[Arc<Proposed>]) -> Result<(Preview, Targets), Refusal> {
        Err(Refusal::Unsupported("a simulated host runs no guest, so nobody asks for a preview".into()))
    }

    fn is_within(&self, _: &Scope, _: &RawValue) -> Result<bool, Refusal> {
        Ok(true)
    }

    fn amounts(&self, targets: &Targets, treated: Option<&[Item]>) -> Vec<Amount> {
        let fields = fields_of(&targets.interface);
        let has_acted = treated.is_none_or(|items| !items.is_empty());
        let amount = |(bound, number): &(String, u64)| {
            let field = fields.iter().find(|field| field.name == bound)?;
            Some(Amount { bound: *field, number: if has_acted { *number } else { 0 } })
        };
        targets.uses.iter().filter_map(amount).collect()
    }

    fn begin(&self, doing: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<Begun, Refusal> {
        let act = world_of(doing)?.act(doing.step_id, &targets.instance, &targets.key, &targets.uses);
        let detail = if act.has_helped { "simulated: it helped" } else { "simulated: it did not help" };
        Ok(Begun::Finished(done(detail, &targets)))
    }

    fn undo(&self, _: &StepContext<'_>, _: Step<Self>, _: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("a simulated step cannot be undone".into()))
    }

    fn resolve(&self, doing: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<Applied, Refusal> {
        Ok(match world_of(doing)?.has_acted(doing.step_id) {
            true => done("simulated: it had acted", &targets),
            false => Applied { outcome: Outcome::Failed, ..Applied::unknown("simulated: it had not acted") },
        })
    }
}

/// The fields of an interface that has a simulated one.
fn fields_of(interface: &str) -> &'static [Field] {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(interface).copied().unwrap_or_default()
}

static KNOWN: Mutex<BTreeMap<String, &'static [Field]>> = Mutex::new(BTreeMap::new());

/// The registry with every action interface simulated, and nothing else.
pub(super) fn registry(real: &Registry) -> Registry {
    let has_actions =
        |entry: &&'static InterfaceDef| entry.functions.iter().any(|one| matches!(one.body, Body::Action(_)));
    let entries: Vec<&'static InterfaceDef> = real.entries().filter(has_actions).map(simulated).collect();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.extend(entries.iter().map(|entry| (entry.interface.name.to_string(), entry.interface.fields)));
    Registry::of(&entries)
}

fn done(detail: &str, targets: &Targets) -> Applied {
    let item = Item { target: targets.key.clone(), fate: Fate::Done, freed_bytes: 0, undo: serde_json::Value::Null };
    Applied { outcome: Outcome::Done, items: vec![item], ..Applied::unknown(detail) }
}
