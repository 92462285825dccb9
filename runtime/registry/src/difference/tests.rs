//! Pairs of versions, and what differs.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use ansai_core::scope::{Bytes, Count, Names, Roots, Switch, TypedField};
use ansai_core::{Field, InterfaceKind, Scope, ScopeTables};

use super::*;

const ROOTS: TypedField<Roots> = TypedField::set("roots", "directories");
const NAMES: TypedField<Names> = TypedField::set("names", "services");
const MOST: TypedField<Count> = TypedField::at_most("max_files", 10, "files");
const LEAST: TypedField<Count> = TypedField::at_least("min_files", 10, "files");
const OWN: TypedField<Bytes> = TypedField::operator("keep", 10, "bytes");
const MAY: TypedField<Switch> = TypedField::allow("volumes", false, "volumes");
const ONLY: TypedField<Switch> = TypedField::restrict("security", false, "updates");
static FIELDS: [Field; 7] =
    [ROOTS.field(), NAMES.field(), MOST.field(), LEAST.field(), OWN.field(), MAY.field(), ONLY.field()];
const NAME: &str = "ansai:files/files-actions";

fn ability(scope: impl Into<ScopeTables>) -> Ability {
    Ability {
        kind: InterfaceKind::Actions,
        words: "propose to remove files".to_owned(),
        fields: &FIELDS,
        functions: Some(BTreeSet::from(["remove".to_owned()])),
        scope: scope.into(),
        required: false,
        reason: "to make room".to_owned(),
    }
}

fn with(abilities: impl IntoIterator<Item = (&'static str, Ability)>) -> Subject {
    let abilities = abilities.into_iter().map(|(name, ability)| (name.to_owned(), ability)).collect();
    Subject { name: "web".to_owned(), version: "1.0.0".to_owned(), abilities, ..Subject::default() }
}

fn asks(scope: impl Into<ScopeTables>) -> Subject {
    with([(NAME, ability(scope))])
}

/// Each change as `+ new`, `- old` or `~ old > new`, without the neutral ones.
fn told(old: &Subject, new: &Subject) -> Vec<String> {
    let text = |change: &Change| {
        let sign = match change.effect {
            Effect::Wider => '+',
            Effect::Narrower => '-',
            Effect::Neutral => '~',
        };
        let old = change.old.as_ref().map(|old| format!("{old} > ")).unwrap_or_default();
        format!("{sign} {old}{}", change.new.as_deref().unwrap_or_default()).trim_end_matches(" > ").to_owned()
    };
    let difference = Difference::between(old, new);
    difference.changes().iter().filter(|change| change.effect != Effect::Neutral).map(text).collect()
}

fn roots(roots: &[&str]) -> Scope {
    Scope::default().with_set(&ROOTS, roots.iter().copied())
}

#[test]
fn the_same_version_differs_in_nothing() {
    let one = asks(roots(&["/var/log"]));
    let difference = Difference::between(&one, &one);
    assert!(difference.changes().is_empty() && !difference.is_wider());
}

#[test]
fn a_wider_field_is_found_and_a_narrower_one_is_not_taken_for_it() {
    let most = |number| Scope::default().with_number(&MOST, number);
    let least = |number| Scope::default().with_number(&LEAST, number);
    let may = |is_on| Scope::default().with_switch(&MAY, is_on);
    let only = |is_on| Scope::default().with_switch(&ONLY, is_on);
    let open = Scope::default;
    for (old, new, expected) in [
        (roots(&["/var/log"]), roots(&["/var/log", "/srv"]), vec!["+ roots: /srv"]),
        (roots(&["/var/log"]), roots(&["/var"]), vec!["+ roots: /var"]),
        (roots(&["/var"]), roots(&["/var/log"]), vec!["- roots: /var"]),
        (roots(&["/var", "/srv"]), roots(&["/srv", "/var"]), vec![]),
        (roots(&["/var"]), roots(&["/var", "/var/log"]), vec![]),
        (roots(&["/a"]), roots(&["/b"]), vec!["+ roots: /b", "- roots: /a"]),
        (roots(&["/a"]), roots(&["/ab"]), vec!["+ roots: /ab", "- roots: /a"]),
        (roots(&["/a"]), open(), vec!["+ roots: /a > roots: what you choose"]),
        (open(), roots(&["/a"]), vec!["- roots: what you choose > roots: /a"]),
        (roots(&[]), roots(&["/"]), vec!["+ roots: /"]),
        (roots(&["/"]), roots(&["/etc"]), vec!["- roots: /"]),
        (most(5), most(6), vec!["+ max_files: at most 5 > max_files: at most 6"]),
        (most(6), most(5), vec!["- max_files: at most 6 > max_files: at most 5"]),
        (most(6), open(), vec!["+ max_files: at most 6 > max_files: what you choose"]),
        (open(), most(6), vec!["- max_files: what you choose > max_files: at most 6"]),
        (least(5), least(4), vec!["+ min_files: at least 5 > min_files: at least 4"]),
        (least(5), least(6), vec!["- min_files: at least 5 > min_files: at least 6"]),
        (may(false), may(true), vec!["+ volumes: false > volumes: true"]),
        (may(true), may(false), vec!["- volumes: true > volumes: false"]),
        (only(true), only(false), vec!["+ security: true > security: false"]),
        (only(false), only(true), vec!["- security: false > security: true"]),
        (open().with_number(&OWN, 1), open().with_number(&OWN, 2), vec![]),
        (open().with_set(&NAMES, ["a"]), open().with_set(&NAMES, ["a", "b"]), vec!["+ names: b"]),
    ] {
        assert_eq!(told(&asks(old.clone()), &asks(new.clone())), expected, "{old:?} {new:?}");
    }
}

#[test]
fn both_at_once_are_both_told() {
    let old = roots(&["/var/log"]).with_number(&MOST, 10);
    let new = roots(&["/var/log", "/etc"]).with_number(&MOST, 5);
    let difference = Difference::between(&asks(old.clone()), &asks(new.clone()));
    assert!(difference.is_wider());
    let expected = ["+ roots: /etc", "- max_files: at most 10 > max_files: at most 5"];
    assert_eq!(told(&asks(old), &asks(new)), expected);
}

#[test]
fn a_table_is_wider_unless_one_table_of_before_covers_all_of_it() {
    let tables = |tables: Vec<Scope>| ScopeTables::try_from(tables).unwrap();
    let small = roots(&["/var/log"]).with_number(&MOST, 100);
    let big = roots(&["/srv"]).with_number(&MOST, 5);
    let two = tables(vec![small.clone(), big.clone()]);
    let swapped = tables(vec![big.clone(), small.clone()]);
    assert_eq!(told(&asks(two.clone()), &asks(swapped)), Vec::<String>::new());
    assert_eq!(
        told(&asks(two.clone()), &asks(small.clone())),
        ["- roots: /srv; names: what you choose; max_files: at most 5"]
    );
    // The directory of one and the number of the other: no table had that.
    let mixed = tables(vec![small, big, roots(&["/srv"]).with_number(&MOST, 100)]);
    assert_eq!(told(&asks(two), &asks(mixed)), ["+ roots: /srv; names: what you choose; max_files: at most 100"]);
}

#[test]
fn a_new_interface_is_told_with_its_functions_scope_and_reason() {
    let new = with([(NAME, Ability { required: true, ..ability(roots(&["/var"])) })]);
    let difference = Difference::between(&with([]), &new);
    let [change] = difference.changes() else { unreachable!("{difference:?}") };
    assert_eq!((change.effect, change.what, change.name.as_str()), (Effect::Wider, What::Interface, NAME));
    assert_eq!(change.new.as_deref(), Some("can propose to remove files"));
    assert_eq!(
        change.details,
        [
            "functions: remove",
            "required: does not load without a grant",
            "asks for roots: /var; names: what you choose",
            "author says: to make room"
        ]
    );
    assert_eq!(told(&new, &with([])), ["- can propose to remove files"]);
}

#[test]
fn a_function_of_an_interface_that_was_there_is_more_than_before() {
    let functions = |names: Option<&[&str]>| {
        let functions = names.map(|names| names.iter().map(ToString::to_string).collect());
        with([(NAME, Ability { functions, ..ability(Scope::default()) })])
    };
    let (one, two) = (functions(Some(&["remove"])), functions(Some(&["remove", "truncate"])));
    let unknown = functions(None);
    assert_eq!(told(&one, &two), ["+ truncate"]);
    assert_eq!(told(&two, &one), ["- truncate"]);
    // A component that hides its functions gets no benefit of the doubt.
    assert_eq!(told(&one, &unknown), ["+ unknown functions, possibly all"]);
    assert!(told(&unknown, &two).is_empty() && told(&unknown, &unknown).is_empty());
}

#[test]
fn what_only_the_host_bounds_is_told_but_not_wider() {
    let old = Subject {
        version: "1.0.0".to_owned(),
        component: "aa".to_owned(),
        imports: BTreeSet::from(["ansai:policy/log@0.2.0".to_owned()]),
        settings: BTreeMap::from([("a".to_owned(), "text".to_owned()), ("b".to_owned(), "size".to_owned())]),
        limits: BTreeMap::from([("memory", "1 MiB".to_owned())]),
        behaviour: BTreeMap::from([("schedule", "every 1 min".to_owned())]),
        ..with([])
    };
    let new = Subject {
        version: "1.1.0".to_owned(),
        component: "bb".to_owned(),
        imports: BTreeSet::from(["ansai:policy/store@0.2.0".to_owned()]),
        settings: BTreeMap::from([("b".to_owned(), "count".to_owned()), ("c".to_owned(), "text, required".to_owned())]),
        limits: BTreeMap::from([("memory", "64 MiB".to_owned())]),
        behaviour: BTreeMap::from([("schedule", "every 1 s".to_owned())]),
        ..with([])
    };
    let difference = Difference::between(&old, &new);
    assert!(!difference.is_wider());
    let what: Vec<What> = difference.changes().iter().map(|change| change.what).collect();
    assert_eq!(
        what,
        [
            What::Import,
            What::Import,
            What::Setting,
            What::Setting,
            What::Setting,
            What::Limit,
            What::Behaviour,
            What::Version,
            What::Component
        ]
    );
    // An import that this ansai does not know can be anything.
    let unknown = Subject { unknown: new.imports.clone(), ..new.clone() };
    assert!(Difference::between(&old, &unknown).is_wider());
}

#[test]
fn whoever_no_longer_signs_is_missed() {
    let signed = |names: Option<&[&str]>| Subject {
        signers: names.map(|names| names.iter().map(ToString::to_string).collect()),
        ..with([])
    };
    let (none, one, two) = (signed(Some(&[])), signed(Some(&["a"])), signed(Some(&["a", "b"])));
    assert_eq!(told(&two, &one), ["+ b"]);
    assert_eq!(told(&one, &none), ["+ a"]);
    assert!(told(&one, &two).is_empty());
    assert!(told(&signed(None), &none).is_empty() && told(&two, &signed(None)).is_empty(), "nobody has looked");
}

/// Would take minutes without a bound: a hundred million pairs.
#[test]
fn very_long_lists_are_wider_instead_of_slow() {
    let many = |from: u32| Scope::default().with_set(&NAMES, (from..from + 10_000).map(|one| format!("n{one}")));
    assert!(Difference::between(&asks(many(0)), &asks(many(10_000))).is_wider());
    assert_eq!(told(&asks(many(0)), &asks(many(1))), ["+ names: n10000", "- names: n0"]);
    assert!(!Difference::between(&asks(many(0)), &asks(many(0))).is_wider());
}
