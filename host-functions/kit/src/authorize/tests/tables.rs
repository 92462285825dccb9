//! Several tables: one of them must permit the whole call.

use ansai_core::ScopeTables;
use proptest::prelude::*;

use super::*;
use crate::function::ProbeFunction;

static LOOKS: &(dyn ProbeFunction + Sync) = &Probe(|_, _: NoArguments| Ok(()));

fn tables(values: &[Value]) -> ScopeInForce {
    let table = |value: &Value| Scope::parse("ansai:x/x-probe", FIELDS, value.as_object().unwrap()).unwrap();
    let granted = ScopeTables::try_from(values.iter().map(table).collect::<Vec<_>>()).unwrap();
    ScopeInForce::of(FIELDS, &ScopeTables::default(), &granted).unwrap()
}

fn ask(granted: &ScopeInForce, arguments: &Value) -> Result<Vec<Arc<Scope>>, Refusal> {
    let function = Function { name: "f", checks: CHECKS, body: Body::Probe(&Probe(|_, _: NoArguments| Ok(()))) };
    let arguments = RawValue::from_string(arguments.to_string()).unwrap();
    authorize(&InstanceName::from_static("i"), &entry(InterfaceKind::Probe), &function, Some(granted), &arguments)
}

/// Logs after 30 days, temporary files after 7.
fn logs_and_temporary_files() -> ScopeInForce {
    tables(&[
        json!({"roots": ["/var/log"], "units": ["*"], "max_files": 10, "min_age_hours": 720}),
        json!({"roots": ["/tmp"], "units": ["*"], "max_files": 9, "min_age_hours": 168}),
        json!({"roots": ["/srv"], "units": ["*"], "max_files": 2, "min_age_hours": 168}),
    ])
}

#[test]
fn the_first_table_that_permits_the_call_bounds_it() {
    let granted = logs_and_temporary_files();
    for (index, arguments) in
        [call("/var/log", "x", 10, 720), call("/tmp/a", "x", 9, 168), call("/srv", "x", 1, 999)].iter().enumerate()
    {
        assert_eq!(ask(&granted, arguments), Ok(vec![granted.tables()[index].scope.clone()]), "{arguments}");
    }
    let both = tables(&[
        json!({"roots": ["/a"], "units": ["*"], "max_files": 1}),
        json!({"roots": ["/"], "units": ["*"], "max_files": 9}),
    ]);
    let chosen = |files| ask(&both, &call("/a", "x", files, 0)).unwrap()[0].count(&MAX_FILES);
    assert_eq!((chosen(1), chosen(2)), (1, 9));
}

/// The refusal of a call that mixes tables names the one that permits the most.
#[test]
fn a_call_that_mixes_tables_is_denied_by_the_nearest() {
    for (arguments, words) in [
        (
            call("/var/log", "x", 1, 168),
            [
                "`what.age` is 168, below the bound, granted is min_age_hours = 720 in table 1 of 3",
                "set min_age_hours = 168 in [policy.i.grant] \"ansai:x/x-probe\", table 1 of 3",
            ],
        ),
        (
            call("/srv", "x", 9, 168),
            // Tables 2 and 3 each permit all but one: the first of them.
            ["`what.root` is \"/srv\", granted is roots = [\"/tmp\"] in table 2 of 3", "add \"/srv\" to roots"],
        ),
        (
            call("/etc", "x", 2, 10),
            // All permit two.
            ["granted is roots = [\"/var/log\"] in table 1 of 3", "table 1 of 3"],
        ),
    ] {
        let Err(Refusal::Denied(why)) = ask(&logs_and_temporary_files(), &arguments) else {
            unreachable!("{arguments}")
        };
        assert!(words.iter().all(|words| why.contains(words)), "{why}");
    }
    let Err(Refusal::Denied(why)) = ask(&tables(&[granted().unwrap()]), &call("/etc", "nginx", 1, 24)) else {
        unreachable!("it is outside")
    };
    assert!(!why.contains("table"), "{why}");
}

#[test]
fn what_makes_no_sense_is_invalid_under_any_table() {
    let granted = logs_and_temporary_files();
    for arguments in [
        call("/tmp/../var/log", "x", 1, 168),
        call("/tmp/./a", "x", 1, 168),
        // Outside of all, and without sense at the end.
        json!({"what": {"root": "/etc", "files": 1, "age": -1}, "unit": "x"}),
        json!({"what": {"root": "/tmp", "files": 1, "age": 168}}),
    ] {
        assert!(matches!(ask(&granted, &arguments), Err(Refusal::Invalid(_))), "{arguments}");
    }
}

#[test]
fn a_probe_without_checks_sees_all_tables_and_an_action_each() {
    let granted = logs_and_temporary_files();
    let nothing = RawValue::from_string("{}".into()).unwrap();
    let ask = |kind, body| {
        let function = Function { name: "f", checks: &[], body };
        authorize(&InstanceName::from_static("i"), &entry(kind), &function, Some(&granted), &nothing).unwrap()
    };
    let seen = ask(InterfaceKind::Probe, Body::Probe(LOOKS));
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].roots(&ROOTS), ["/var/log", "/tmp", "/srv"]);
    assert_eq!((seen[0].count(&MAX_FILES), seen[0].hours(&MIN_AGE)), (10, 168));
    let each = ask(InterfaceKind::Actions, Body::Action(&crate::admit::tests::Nothing));
    assert_eq!(each, granted.tables().iter().map(|table| table.scope.clone()).collect::<Vec<_>>());
}

fn table() -> impl Strategy<Value = Value> {
    let roots = proptest::collection::vec("(/[ab]){1,2}", 1..3);
    let units = proptest::collection::vec("[ab*]{1,2}", 1..3);
    (roots, units, 0_u64..4, 0_u64..4).prop_map(
        |(roots, units, files, age)| json!({"roots": roots, "units": units, "max_files": files, "min_age_hours": age}),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 3_000 }))]
    #[test]
    fn a_call_is_permitted_if_and_only_if_one_table_alone_permits_it(
        values in proptest::collection::vec(table(), 1..4),
        (root, unit, files, age) in ("(/[ab]){1,3}", "[ab]{1,2}", 0_u64..4, 0_u64..4),
    ) {
        let arguments = call(&root, &unit, files, age);
        let alone = values.iter().any(|one| ask(&tables(std::slice::from_ref(one)), &arguments).is_ok());
        match ask(&tables(&values), &arguments) {
            Ok(scopes) => {
                prop_assert!(alone);
                let bounds = CHECKS.iter().all(|check| {
                    scopes[0].permits(&check.field, arguments.pointer(check.argument).unwrap()).is_ok()
                });
                prop_assert!(scopes.len() == 1 && bounds);
            }
            Err(Refusal::Denied(why)) => prop_assert!(!alone, "{}", why),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
