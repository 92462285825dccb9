//! Whether an instance may be woken by something.

use std::sync::Arc;

use ansai_core::event::Phase;
use ansai_core::{InstanceName, InterfaceName, NamePattern, Refusal, Scope, Watch};
use ansai_kit::admit::{Caller, Grants, NotAdmitted, admit};
use ansai_kit::authorize::Scopes;
use ansai_kit::call::Call;
use ansai_kit::registry::Registry;
use ansai_local::service::SERVICE_PROBE;
use ansai_local::service::fields::UNITS;
use ansai_local::watch::same_look;
use serde_json::value::RawValue;

/// Asks whether the instance may call the probe that shows the same, with the scopes in force.
///
/// # Errors
/// The refusal of that call, with the line to add to the configuration.
pub fn may_watch(registry: &Registry, instance: &InstanceName, watch: &Watch, scopes: &Scopes) -> Result<(), Refusal> {
    let (interface, function, arguments) = same_look(watch);
    let interface = InterfaceName::from_static(interface);
    let arguments = RawValue::from_string(arguments.to_string());
    let arguments: Arc<RawValue> = arguments.map_err(|error| Refusal::Invalid(error.to_string()))?.into();
    let call = Call { interface: &interface, function, arguments: &arguments };
    let caller = Caller { instance, phase: Phase::Detect, grants: Grants::InForce(scopes) };
    match admit(registry, caller, call) {
        Ok(admitted) => match watch {
            Watch::Unit(pattern) if NamePattern::is_special(pattern) => every_name(&admitted.scopes, pattern),
            _ => Ok(()),
        },
        Err(NotAdmitted::Unauthorized(refusal) | NotAdmitted::WrongPhase(refusal)) => Err(refusal),
        Err(NotAdmitted::NoSuchFunction(abort)) => Err(Refusal::Unsupported(abort.to_string())),
    }
}

/// Refuses a pattern that could match a name outside the grant. As an argument it was compared as if it were a name, and
/// `a?.service` covers the text `a*.service`.
fn every_name(scopes: &[Arc<Scope>], pattern: &str) -> Result<(), Refusal> {
    let is_all = |granted: &String| granted == pattern || granted == "*" || granted == "*.service";
    match scopes.iter().any(|scope| scope.names(&UNITS).iter().any(is_all)) {
        true => Ok(()),
        false => Err(Refusal::Denied(format!(
            "to watch {pattern}, add \"{pattern}\" to `units` in the grant of {}",
            SERVICE_PROBE.interface.name
        ))),
    }
}
