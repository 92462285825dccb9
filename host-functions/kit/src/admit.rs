//! Whether a call is answered at all. Every backend asks [`admit`] first, on the side that answers: the side that runs
//! guest code is not trusted with it.

use std::sync::Arc;

use ansai_core::event::Phase;
use ansai_core::{InstanceName, Refusal, Scope};

use crate::authorize::{Scopes, authorize};
use crate::backend::Abort;
use crate::call::{Call, Reply};
use crate::registry::{Body, Function, InterfaceDef, Registry};

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The instance, for the line that a refusal says to add.
    pub instance: &'a InstanceName,
    /// Actions can be called in `plan` only.
    pub phase: Phase,
    /// What it may do.
    pub grants: Grants<'a>,
}

/// What a caller may do.
#[derive(Debug, Clone, Copy)]
pub enum Grants<'a> {
    /// As granted now.
    InForce(&'a Scopes),
    /// As granted when the call was recorded: the recorded reply is a refusal where it was not allowed.
    Recorded,
}

/// A call that may be answered.
#[derive(Clone)]
pub struct Admitted {
    /// Its interface.
    pub entry: &'static InterfaceDef,
    /// Its function.
    pub function: &'static Function,
    /// What may bound it, see [`authorize`]; none for interfaces that need no grant, and for recorded calls.
    pub scopes: Vec<Arc<Scope>>,
}

impl Admitted {
    /// Whether it proposes a step.
    pub fn proposes(&self) -> bool {
        matches!(self.function.body, Body::Action(_))
    }
}

/// Why a call is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAdmitted {
    /// The registry has no such function. The evaluation ends.
    NoSuchFunction(Abort),
    /// An action was called in `detect`.
    WrongPhase(Refusal),
    /// Not granted, outside the scope, or with arguments that make no sense.
    Unauthorized(Refusal),
}

impl NotAdmitted {
    /// What the caller is told.
    pub fn into_answer(self) -> Result<Reply, Abort> {
        match self {
            NotAdmitted::NoSuchFunction(abort) => Err(abort),
            NotAdmitted::WrongPhase(refusal) | NotAdmitted::Unauthorized(refusal) => Ok(Err(refusal)),
        }
    }
}

/// Finds the function of a call and checks that this caller may call it, in this phase and with these arguments.
///
/// The budget of an evaluation (calls, bytes, proposals) is not checked here: the engine's gate does that.
pub fn admit(registry: &Registry, caller: Caller<'_>, call: Call<'_>) -> Result<Admitted, NotAdmitted> {
    let Some((entry, function)) = registry.find(call.interface, call.function) else {
        let why = format!("no function {}.{}", call.interface, call.function);
        return Err(NotAdmitted::NoSuchFunction(Abort(why)));
    };
    if matches!(function.body, Body::Action(_)) && caller.phase == Phase::Detect {
        let why = format!("{}.{} is an action: call it in `plan`, not in `detect`", call.interface, call.function);
        return Err(NotAdmitted::WrongPhase(Refusal::Denied(why)));
    }
    let scopes = match caller.grants {
        Grants::Recorded => Vec::new(),
        Grants::InForce(scopes) => {
            authorize(caller.instance, entry, function, scopes.get(call.interface), call.arguments)
                .map_err(NotAdmitted::Unauthorized)?
        }
    };
    Ok(Admitted { entry, function, scopes })
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_core::scope::{Count, Field, TypedField};
    use ansai_core::{Interface, InterfaceKind, InterfaceName, Preview, ScopeInForce, Sensitivity};
    use serde_json::value::RawValue;

    use super::*;
    use crate::action::{Applied, Begun, Item, Proposed, Step, StepContext, TypedAction};
    use crate::authorize::Check;
    use crate::call::NoArguments;
    use crate::function::Probe;
    use crate::host::ProbeContext;

    const MAX_FILES: TypedField<Count> = TypedField::at_most("max_files", 10, "");
    const FIELDS: &[Field] = &[MAX_FILES.field()];

    const fn interface(name: &'static str, kind: InterfaceKind) -> Interface {
        let name = InterfaceName::from_static(name);
        Interface { name, version: "0.2.0", kind, sensitivity: Sensitivity::Metadata, ability: "", fields: FIELDS }
    }

    static PROBE: InterfaceDef = InterfaceDef {
        interface: interface("ansai:x/x-probe", InterfaceKind::Probe),
        doctor: &[],
        functions: &[Function {
            name: "look",
            checks: &[Check::of("/files", &MAX_FILES)],
            body: Body::Probe(&Probe(look)),
        }],
    };

    static ACTIONS: InterfaceDef = InterfaceDef {
        interface: interface("ansai:x/x-actions", InterfaceKind::Actions),
        doctor: &[],
        functions: &[Function { name: "act", checks: &[], body: Body::Action(&Nothing) }],
    };

    pub(crate) struct Nothing;

    impl TypedAction for Nothing {
        type Arguments = NoArguments;
        type Targets = ();
        const NOUN: &'static str = "thing";

        fn preview(&self, _: &ProbeContext<'_>, _: NoArguments, _: &[Arc<Proposed>]) -> Result<(Preview, ()), Refusal> {
            Err(not_asked())
        }
        fn begin(&self, _: &StepContext<'_>, _: Step<Self>) -> Result<Begun, Refusal> {
            Err(not_asked())
        }
        fn undo(&self, _: &StepContext<'_>, _: Step<Self>, _: &[Item]) -> Result<Applied, Refusal> {
            Err(not_asked())
        }
        fn resolve(&self, _: &StepContext<'_>, _: Step<Self>) -> Result<Applied, Refusal> {
            Err(not_asked())
        }
    }

    fn look(_: &ProbeContext<'_>, _: NoArguments) -> Result<(), Refusal> {
        Err(not_asked())
    }

    fn not_asked() -> Refusal {
        Refusal::Other("only asked whether it may be called".into())
    }

    /// How a call of `interface.function` ends: `ok`, or which refusal.
    fn ends(grants: Option<&[&str]>, phase: Phase, (interface, function): (&str, &str), arguments: &str) -> String {
        let mut registry = Registry::of(&[&PROBE, &ACTIONS]);
        for entry in crate::policy::INTERFACES {
            registry = registry.with(entry);
        }
        let scope = ScopeInForce::from(Scope::in_force(FIELDS, &Scope::default(), &Scope::default()));
        let scopes: Scopes =
            Arc::new(grants.unwrap_or_default().iter().map(|name| (name.parse().unwrap(), scope.clone())).collect());
        let granted = if grants.is_some() { Grants::InForce(&scopes) } else { Grants::Recorded };
        let arguments = Arc::from(RawValue::from_string(arguments.to_owned()).unwrap());
        let interface: InterfaceName = interface.parse().unwrap();
        let call = Call { interface: &interface, function, arguments: &arguments };
        match admit(&registry, Caller { instance: &InstanceName::from_static("i"), phase, grants: granted }, call) {
            Ok(admitted) => format!("ok, {}", if admitted.scopes.is_empty() { "free" } else { "bounded" }),
            Err(NotAdmitted::NoSuchFunction(abort)) => format!("ended: {abort}"),
            Err(NotAdmitted::WrongPhase(_)) => "wrong phase".into(),
            Err(NotAdmitted::Unauthorized(Refusal::Denied(_))) => "denied".into(),
            Err(NotAdmitted::Unauthorized(refusal)) => format!("{refusal:?}"),
        }
    }

    const LOOK: (&str, &str) = ("ansai:x/x-probe", "look");
    const ACT: (&str, &str) = ("ansai:x/x-actions", "act");
    const BOTH: Option<&[&str]> = Some(&["ansai:x/x-probe", "ansai:x/x-actions"]);

    #[test]
    fn what_is_granted_and_within_its_scope_is_admitted() {
        for phase in [Phase::Detect, Phase::Plan] {
            assert_eq!(ends(BOTH, phase, LOOK, r#"{"files": 10}"#), "ok, bounded");
            assert_eq!(ends(BOTH, phase, LOOK, r#"{"files": 11}"#), "denied");
            assert_eq!(ends(Some(&[]), phase, LOOK, r#"{"files": 10}"#), "denied");
        }
    }

    #[test]
    fn actions_are_for_plan_only_whatever_is_granted() {
        for grants in [BOTH, Some(&[][..]), None] {
            assert_eq!(ends(grants, Phase::Detect, ACT, "{}"), "wrong phase");
        }
        assert_eq!(ends(BOTH, Phase::Plan, ACT, "{}"), "ok, bounded");
        assert_eq!(ends(Some(&[]), Phase::Plan, ACT, "{}"), "denied");
    }

    #[test]
    fn a_recorded_call_is_bounded_by_what_was_recorded() {
        assert_eq!(ends(None, Phase::Detect, LOOK, r#"{"files": 11}"#), "ok, free");
        assert_eq!(ends(None, Phase::Plan, ACT, "{}"), "ok, free");
    }

    #[test]
    fn the_interfaces_of_every_policy_need_no_grant() {
        assert_eq!(ends(Some(&[]), Phase::Detect, ("ansai:policy/context", "now"), "{}"), "ok, free");
    }

    #[test]
    fn an_unknown_function_ends_the_evaluation() {
        let unknown = [("ansai:x/x-probe", "act"), ("ansai:y/y-probe", "look"), ("ansai:x/x-probe@0.2.0", "look")];
        for call in unknown {
            let end = ends(BOTH, Phase::Plan, call, "{}");
            assert_eq!(end, format!("ended: no function {}.{}", call.0, call.1));
        }
    }

    #[test]
    fn each_way_out_has_its_answer() {
        let denied = Refusal::Denied("no".into());
        assert_eq!(NotAdmitted::WrongPhase(denied.clone()).into_answer().unwrap().unwrap_err(), denied);
        assert_eq!(NotAdmitted::Unauthorized(denied.clone()).into_answer().unwrap().unwrap_err(), denied);
        let abort = Abort("no function".into());
        assert_eq!(NotAdmitted::NoSuchFunction(abort.clone()).into_answer().unwrap_err(), abort);
    }
}
