#![allow(clippy::unwrap_used, reason = "tests")]

mod canonical;
mod elements;
mod tables;

use ansai_core::scope::{Count, Field, Hours, Names, Roots, TypedField};
use ansai_core::{Interface, Sensitivity};
use serde_json::json;

use super::*;
use crate::call::NoArguments;
use crate::function::{Base, Probe};
use crate::registry::Body;

const ROOTS: TypedField<Roots> = TypedField::set("roots", "");
const UNITS: TypedField<Names> = TypedField::set("units", "");
const MAX_FILES: TypedField<Count> = TypedField::at_most("max_files", 0, "");
const MIN_AGE: TypedField<Hours> = TypedField::at_least("min_age_hours", 0, "");

const FIELDS: &[Field] = &[ROOTS.field(), UNITS.field(), MAX_FILES.field(), MIN_AGE.field()];
const CHECKS: &[Check] = &[
    Check::of("/what/root", &ROOTS),
    Check::of("/unit", &UNITS),
    Check::of("/what/files", &MAX_FILES),
    Check::of("/what/age", &MIN_AGE),
];

fn entry(kind: InterfaceKind) -> InterfaceDef {
    let sensitivity = Sensitivity::Metadata;
    let name = InterfaceName::from_static("ansai:x/x-probe");
    InterfaceDef {
        interface: Interface { name, version: "0.1.0", kind, sensitivity, ability: "", fields: FIELDS },
        doctor: &[],
        functions: &[],
    }
}

fn refused(scope: Option<Value>, arguments: &Value, checks: &'static [Check]) -> Option<Refusal> {
    let function = Function { name: "f", checks, body: Body::Probe(&Probe(|_, _: NoArguments| Ok(()))) };
    let scope = scope.map(|scope| Scope::parse("ansai:x/x-probe", FIELDS, scope.as_object().unwrap()).unwrap());
    let scope = scope.map(ScopeInForce::from);
    let arguments = RawValue::from_string(arguments.to_string()).unwrap();
    authorize(&InstanceName::from_static("i"), &entry(InterfaceKind::Probe), &function, scope.as_ref(), &arguments)
        .err()
}

fn granted() -> Option<Value> {
    Some(json!({"roots": ["/var/log"], "units": ["nginx*"], "max_files": 10, "min_age_hours": 24}))
}

fn call(root: &str, unit: &str, files: u64, age: u64) -> Value {
    json!({"what": {"root": root, "files": files, "age": age}, "unit": unit})
}

#[test]
fn what_is_within_the_scope_passes_up_to_its_bounds() {
    for root in ["/var/log", "/var/log/nginx"] {
        assert_eq!(refused(granted(), &call(root, "nginx.service", 10, 24), CHECKS), None, "{root}");
    }
    assert_eq!(refused(granted(), &call("/var/log", "nginx", 0, 25), CHECKS), None);
    assert_eq!(refused(Some(json!({})), &json!({"anything": 1}), &[]), None, "nothing to bound");
}

#[test]
fn what_is_outside_is_denied_with_the_line_to_add() {
    for (arguments, is, granted_is, add) in [
        (
            call("/var/logs", "nginx", 1, 24),
            "`what.root` is \"/var/logs\"",
            "roots = [\"/var/log\"]",
            "add \"/var/logs\" to roots",
        ),
        (call("/var", "nginx", 1, 24), "`what.root` is \"/var\"", "roots", "add \"/var\" to roots"),
        (call("/var/log", "ssh", 1, 24), "`unit` is \"ssh\"", "units = [\"nginx*\"]", "add \"ssh\" to units"),
        (
            call("/var/log", "nginx", 11, 24),
            "`what.files` is 11, above the bound",
            "max_files = 10",
            "set max_files = 11",
        ),
        (
            call("/var/log", "nginx", 1, 23),
            "`what.age` is 23, below the bound",
            "min_age_hours = 24",
            "set min_age_hours = 23",
        ),
    ] {
        let Some(Refusal::Denied(why)) = refused(granted(), &arguments, CHECKS) else { unreachable!("{arguments}") };
        for words in ["ansai:x/x-probe.f", is, granted_is, add, "[policy.i.grant]"] {
            assert!(why.contains(words), "{words}: {why}");
        }
    }
    for scope in [None, Some(json!({}))] {
        let why = refused(scope, &call("/var/log", "nginx", 1, 24), CHECKS);
        assert!(matches!(why, Some(Refusal::Denied(_))), "{why:?}");
    }
}

#[test]
fn what_makes_no_sense_is_invalid() {
    for arguments in [
        call("/var/log/../../etc", "nginx", 1, 24),
        call("var/log", "nginx", 1, 24),
        call("/var/log/./a", "nginx", 1, 24),
        json!({"what": {"root": 7, "files": 1, "age": 24}, "unit": "nginx"}),
        json!({"what": {"root": "/var/log", "files": -1, "age": 24}, "unit": "nginx"}),
        json!({"what": {"root": "/var/log", "files": 1, "age": 24}}),
        json!({}),
    ] {
        let why = refused(granted(), &arguments, CHECKS);
        assert!(matches!(why, Some(Refusal::Invalid(_))), "{arguments}: {why:?}");
    }
}

#[test]
fn only_the_base_needs_no_grant() {
    let function = Function { name: "f", checks: CHECKS, body: Body::Base(&Base(|_, _: NoArguments| Ok(()))) };
    let arguments = RawValue::from_string("{}".into()).unwrap();
    assert_eq!(
        authorize(&InstanceName::from_static("i"), &entry(InterfaceKind::Base), &function, None, &arguments),
        Ok(Vec::new())
    );
    for kind in [InterfaceKind::Probe, InterfaceKind::Actions] {
        assert!(
            authorize(&InstanceName::from_static("i"), &entry(kind), &function, None, &arguments).is_err(),
            "{kind:?}"
        );
    }
}

#[test]
fn a_denial_says_that_an_interface_calls_servers() {
    let denied = |sensitivity| {
        let mut entry = entry(InterfaceKind::Probe);
        entry.interface.sensitivity = sensitivity;
        let function = Function { name: "f", checks: &[], body: Body::Probe(&Probe(|_, _: NoArguments| Ok(()))) };
        let arguments = RawValue::from_string("{}".into()).unwrap();
        authorize(&InstanceName::from_static("i"), &entry, &function, None, &arguments).unwrap_err().to_string()
    };
    let line = "to allow it, add \"ansai:x/x-probe\" to [policy.i.grant]";
    let calls_out = format!("denied: ansai:x/x-probe.f calls servers and is not granted; {line}");
    assert_eq!(denied(Sensitivity::Outgoing), calls_out);
    let others = format!("denied: ansai:x/x-probe.f is not granted; {line}");
    assert_eq!([Sensitivity::Metadata, Sensitivity::Content].map(denied), [others.clone(), others]);
}
