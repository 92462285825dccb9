//! Several tables: what is in force, what is left out, and what they permit together.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;
use super::{FIELDS, MAX_FILES, MIN_AGE, ROOTS, UNDO, UNITS, scope};

fn tables(values: &[Value]) -> ScopeTables {
    ScopeTables::try_from(values.iter().map(|value| scope(value.clone()).unwrap()).collect::<Vec<_>>()).unwrap()
}

fn in_force(asked: &[Value], granted: &[Value]) -> ScopeInForce {
    ScopeInForce::of(FIELDS, &tables(asked), &tables(granted)).unwrap()
}

/// Roots of each table, with the granted table that it comes from.
fn shown(force: &ScopeInForce) -> Vec<(Vec<String>, Option<String>)> {
    force.tables().iter().map(|table| (table.scope.roots(&ROOTS).to_vec(), table.place())).collect()
}

fn expected(tables: &[(&[&str], Option<&str>)]) -> Vec<(Vec<String>, Option<String>)> {
    let owned = |set: &[&str]| set.iter().map(|root| (*root).to_owned()).collect();
    tables.iter().map(|(roots, place)| (owned(roots), place.map(str::to_owned))).collect()
}

#[test]
fn each_granted_table_meets_each_requested_one() {
    let force = in_force(
        &[json!({"roots": ["/var"]}), json!({"roots": ["/tmp"], "max_files": 5})],
        &[json!({"roots": ["/tmp/b", "/var/log"]}), json!({"roots": ["/srv"]}), json!({"roots": ["/tmp"]})],
    );
    let found = expected(&[
        (&["/var/log"], Some("table 1 of 3")),
        (&["/tmp/b"], Some("table 1 of 3")),
        // That of /srv permits nothing; the number is the operator's all the same.
        (&["/tmp"], Some("table 3 of 3")),
    ]);
    assert_eq!(shown(&force), found);
    let most: Vec<u64> = force.tables().iter().map(|table| table.scope.count(&MAX_FILES)).collect();
    assert_eq!(most, [1000, 5, 5]);
}

#[test]
fn tables_that_an_earlier_one_covers_are_left_out() {
    let log = json!({"roots": ["/var/log"], "max_files": 10});
    let wide = json!({"roots": ["/var", "/tmp"]});
    let kept = |granted: &[Value]| shown(&in_force(&[json!({})], granted)).len();
    assert_eq!(kept(&[wide.clone(), log.clone(), wide.clone()]), 1);
    // The narrow one is chosen first where both permit a call, so it stays.
    assert_eq!(kept(&[log.clone(), wide.clone()]), 2);
    // Older files only, or another time in quarantine, is not covered.
    assert_eq!(kept(&[json!({"roots": ["/a"], "min_age_hours": 9}), json!({"roots": ["/a"], "min_age_hours": 8})]), 2);
    assert_eq!(kept(&[json!({"roots": ["/a"], "min_age_hours": 8}), json!({"roots": ["/a"], "min_age_hours": 9})]), 1);
    assert_eq!(kept(&[json!({"roots": ["/a"], "undo_hours": 1}), json!({"roots": ["/a"], "undo_hours": 2})]), 2);
}

#[test]
fn one_table_is_in_force_even_if_it_permits_nothing() {
    for granted in [&[json!({})][..], &[json!({"roots": []}), json!({"max_files": 1})]] {
        let force = in_force(&[json!({})], granted);
        assert_eq!(force.tables().len(), 1);
        assert!(force.together().roots(&ROOTS).is_empty());
        assert_eq!((force.together().count(&MAX_FILES), force.together().hours(&MIN_AGE)), (1000, 24));
    }
    // Without sets, a table without fields has the defaults.
    let bounds = [MAX_FILES.field()];
    let force = ScopeInForce::of(&bounds, &ScopeTables::default(), &ScopeTables::default()).unwrap();
    assert_eq!(force.together().count(&MAX_FILES), 1000);
}

#[test]
fn together_they_have_all_members_and_the_widest_bounds() {
    let force = in_force(
        &[json!({})],
        &[
            json!({"roots": ["/a", "/b"], "max_files": 5, "min_age_hours": 9, "undo_hours": 3}),
            json!({"roots": ["/b", "/c"], "units": ["x"], "max_files": 7, "min_age_hours": 8, "undo_hours": 4}),
        ],
    );
    let together = force.together();
    assert_eq!(
        (together.roots(&ROOTS), together.names(&UNITS)),
        (&["/a", "/b", "/c"].map(str::to_owned)[..], &["x".to_owned()][..])
    );
    assert_eq!((together.count(&MAX_FILES), together.hours(&MIN_AGE), together.hours(&UNDO)), (7, 8, 3));
}

/// A directory below another one may have a quarantine of its own.
#[test]
fn together_they_have_the_roots_of_covered_tables() {
    let force = in_force(&[json!({})], &[json!({"roots": ["/a"]}), json!({"roots": ["/a/b"]})]);
    assert_eq!((force.tables().len(), force.together().roots(&ROOTS).len()), (1, 2));
}

#[test]
fn the_number_of_tables_is_bounded() {
    let some = |count: usize| ScopeTables::try_from(vec![Scope::default(); count]);
    assert_eq!(some(0), Err(TableCountError::Empty));
    assert_eq!(some(MOST_TABLES).map(|tables| tables.count()), Ok(64));
    assert_eq!(some(MOST_TABLES + 1), Err(TableCountError::TooMany(65)));
    let asked = |count: u64| tables(&(0..count).map(|number| json!({"max_files": 100 + number})).collect::<Vec<_>>());
    let granted = tables(&(0..64).map(|number| json!({"roots": [format!("/{number}")]})).collect::<Vec<_>>());
    let most = ScopeInForce::of(FIELDS, &asked(4), &granted).map(|force| force.tables().len());
    assert_eq!(most, Ok(MOST_IN_FORCE));
    assert_eq!(ScopeInForce::of(FIELDS, &asked(5), &granted), Err(TooManyInForce));
}

#[test]
fn as_json_it_is_always_a_list() {
    let only = in_force(&[json!({})], &[json!({"roots": ["/a"]})]);
    assert_eq!(json!(only)[0]["roots"], json!(["/a"]));
    assert_eq!(json!(ScopeInForce::from(Scope::default())), json!([{}]));
    assert_eq!(json!(tables(&[json!({"roots": ["/a"]}), json!({})])), json!([{"roots": ["/a"]}, {}]));
}

const CHECKED: [Field; 3] = [ROOTS.field(), MAX_FILES.field(), MIN_AGE.field()];

fn table() -> impl Strategy<Value = Scope> {
    let roots = proptest::option::weighted(0.8, proptest::collection::vec("(/[ab]{1,2}){1,3}", 0..3));
    (roots, proptest::option::of(0_u64..4), proptest::option::of(22_u64..26)).prop_map(|(roots, files, age)| {
        let mut table = serde_json::Map::new();
        let _ = roots.map(|roots| table.insert("roots".into(), json!(roots)));
        let _ = files.map(|files| table.insert("max_files".into(), json!(files)));
        let _ = age.map(|age| table.insert("min_age_hours".into(), json!(age)));
        Scope::parse("ansai:x/x-probe", &CHECKED, &table).unwrap()
    })
}

fn some_tables() -> impl Strategy<Value = ScopeTables> {
    proptest::collection::vec(table(), 1..4).prop_map(|tables| ScopeTables::try_from(tables).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 5_000 }))]
    #[test]
    fn a_call_is_permitted_if_one_granted_and_one_requested_table_permit_it(
        (asked, granted) in (some_tables(), some_tables()),
        (root, files, age) in ("(/[ab]{1,2}){1,4}", 0_u64..4, 22_u64..26),
    ) {
        let call = [json!(root), json!(files), json!(age)];
        let whole = |scope: &Scope| CHECKED.iter().zip(&call).all(|(field, value)| scope.permits(field, value).is_ok());
        let force = ScopeInForce::of(&CHECKED, &asked, &granted).unwrap();
        let permitted = force.tables().iter().any(|table| whole(&table.scope));
        let by_one = granted.iter().any(|granted| {
            asked.iter().any(|asked| whole(&Scope::in_force(&CHECKED, asked, granted)))
        });
        prop_assert_eq!(permitted, by_one);
        // Nothing that a table permits is invisible to what they permit together.
        prop_assert!(!permitted || whole(force.together()));
        // The chosen table is that of the operator's order.
        let first = granted.iter().flat_map(|granted| asked.iter().map(|asked| Scope::in_force(&CHECKED, asked, granted)));
        let first = first.into_iter().find(whole);
        let chosen = force.tables().iter().map(|table| Scope::clone(&table.scope)).find(whole);
        prop_assert_eq!(chosen, first);
    }
}
