#![allow(clippy::unwrap_used, reason = "tests")]
use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;

fn name(text: &str) -> InterfaceName {
    text.parse().unwrap()
}

#[test]
fn a_name_has_a_package_an_interface_and_perhaps_a_version() {
    for (text, package, interface, version) in [
        ("ansai:disk/disk-probe", "ansai:disk", "disk-probe", None),
        ("ansai:disk/disk-probe@0.1.0", "ansai:disk", "disk-probe", Some("0.1.0")),
        ("wasi:clocks/wall-clock@0.2.0-rc-2023-11-10", "wasi:clocks", "wall-clock", Some("0.2.0-rc-2023-11-10")),
        ("a:b/c@1.0.0+build.5", "a:b", "c", Some("1.0.0+build.5")),
        ("A:b2/HTTP-x", "A:b2", "HTTP-x", None),
    ] {
        let name = name(text);
        assert_eq!((name.package(), name.interface(), name.version()), (package, interface, version), "{text}");
        assert_eq!((name.as_str(), name.to_string().as_str()), (text, text));
    }
}

#[test]
fn what_is_not_a_name_is_refused() {
    let long = format!("a:b/{}", "c".repeat(InterfaceName::MAX_BYTES - 4));
    assert!(long.parse::<InterfaceName>().is_ok(), "the longest");
    let too_long = format!("{long}c");
    for text in [
        "",
        "ansai",
        "ansai:disk",
        "ansai/disk-probe",
        "ansai:disk/",
        "ansai:/disk-probe",
        ":disk/disk-probe",
        "/",
        ":/",
        ":/@",
        "ansai:disk/disk-probe@",
        "ansai:disk/disk-probe@0.1.0@0.2.0",
        "ansai:disk/disk-probe@@0.1.0",
        "ansai:disk/disk-probe@latest",
        "ansai:disk/disk-probe@0.1.",
        "ansai:disk/disk-probe/x",
        "ansai:disk:x/disk-probe",
        "ansai:disk@0.1.0/disk-probe",
        "ansai:disk/disk--probe",
        "ansai:disk/disk-",
        "ansai:disk-/disk",
        "ansai:disk/-disk",
        "ansai:disk/1disk",
        "ansai:disk/disk_probe",
        "ansai:disk/disk.probe",
        "ansai:disk/disk probe",
        " ansai:disk/disk-probe",
        "ansai:disk/disk-probe\n",
        "ansai:disk/disk\0",
        "ansai:disk/\u{1b}[31m",
        "ansai:disk/d\u{ef}sk",
        "ansai:disk/disk-probe@0.1.0\u{202e}",
        too_long.as_str(),
    ] {
        let error = text.parse::<InterfaceName>().unwrap_err().to_string();
        assert!(error.contains("is not the name of an interface"), "{text:?}: {error}");
        assert!(!error.chars().any(char::is_control), "{error:?}");
        assert!(error.len() < 400, "{error}");
    }
}

#[test]
fn a_version_makes_another_name_of_the_same_interface() {
    let (plain, first, second) = (name("a:b/c"), name("a:b/c@0.1.0"), name("a:b/c@0.2.0"));
    assert!(plain != first && first != second);
    assert!(plain.same_interface(&first) && first.same_interface(&plain) && first.same_interface(&second));
    assert!(
        plain.same_interface(&plain) && !plain.same_interface(&name("a:b/cd")) && !plain.same_interface(&name("a:c/b"))
    );
    for one in [&plain, &first, &second, &InterfaceName::from_static("a:b/c@3.0.0")] {
        assert_eq!(one.without_version(), plain);
        assert_eq!(one.without_version().version(), None);
    }
    assert_eq!(second.in_version("0.3.0"), "a:b/c@0.3.0");
    assert_eq!(plain.in_version("0.3.0").version(), Some("0.3.0"));
}

#[test]
fn maps_find_names_by_text() {
    static LITERAL: InterfaceName = InterfaceName::from_static("a:b/c");
    let ordered: BTreeMap<InterfaceName, u8> = [(name("a:b/c@0.1.0"), 2), (LITERAL.clone(), 1)].into();
    assert_eq!((ordered.get("a:b/c"), ordered.get(&name("a:b/c")), ordered.get("a:b")), (Some(&1), Some(&1), None));
    let hashed: HashMap<InterfaceName, u8> = ordered.into_iter().collect();
    assert_eq!((hashed.get("a:b/c@0.1.0"), hashed.get(&LITERAL)), (Some(&2), Some(&1)));
}

#[test]
#[should_panic(expected = "not the name of an interface")]
fn a_wrong_literal_is_found() {
    let _ = InterfaceName::from_static("a:b");
}

#[test]
fn in_files_a_name_is_a_string() {
    let map = BTreeMap::from([(name("a:b/c@0.1.0"), name("a:b/c"))]);
    let text = serde_json::to_string(&map).unwrap();
    assert_eq!(text, r#"{"a:b/c@0.1.0":"a:b/c"}"#);
    assert_eq!(serde_json::from_str::<BTreeMap<InterfaceName, InterfaceName>>(&text).unwrap(), map);
    let error = serde_json::from_str::<InterfaceName>(r#""a:b""#).unwrap_err();
    assert!(error.to_string().contains("`a:b` is not the name of an interface"), "{error}");
    assert!(serde_json::from_str::<InterfaceName>("7").is_err());
}

proptest! {
    #[test]
    fn names_keep_their_text_and_parts(
        plain in "[a-z][a-z0-9]{0,5}:[a-z](-?[a-z0-9]){0,5}/[a-z](-?[a-z0-9]){0,9}",
        version in proptest::option::of("[0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}(-[a-z0-9]{1,4})?"),
    ) {
        let text = version.as_ref().map_or(plain.clone(), |version| format!("{plain}@{version}"));
        let name = name(&text);
        prop_assert_eq!(name.as_str(), &text);
        prop_assert_eq!(name.version(), version.as_deref());
        prop_assert_eq!(format!("{}/{}", name.package(), name.interface()), plain.clone());
        prop_assert_eq!(name.without_version(), plain);
        let json = serde_json::to_string(&name).unwrap();
        prop_assert_eq!(serde_json::from_str::<InterfaceName>(&json).unwrap(), name);
    }

    #[test]
    fn whatever_is_read_is_a_name_and_ordered_by_its_text(one in "[a:/@.-]{0,9}", other in "(a:b/[a-c@0.-]{0,6})?") {
        if let (Ok(a), Ok(b)) = (one.parse::<InterfaceName>(), other.parse::<InterfaceName>()) {
            prop_assert_eq!(a.cmp(&b), one.cmp(&other));
            prop_assert_eq!(a == b, one == other);
        }
        if let Ok(name) = other.parse::<InterfaceName>() {
            prop_assert_eq!(other.matches('@').count(), usize::from(name.version().is_some()));
            prop_assert!(!name.package().is_empty() && !name.interface().is_empty() && name.version() != Some(""));
        }
    }

    #[test]
    fn nothing_panics(text: String) {
        let _ = text.parse::<InterfaceName>();
    }
}

#[test]
fn only_a_later_version_that_adds_serves() {
    let at = |version: &str| name(&format!("a:b/c@{version}"));
    let cases = [
        ("0.2.1", "0.2.0", true, false),
        ("0.2.0", "0.2.0", true, false),
        ("0.2.0", "0.2.1", false, true),
        ("0.2.10", "0.2.9", true, false),
        ("0.3.0", "0.2.0", false, false),
        ("0.2.0", "0.3.0", false, false),
        ("1.0.0", "0.2.0", false, false),
        ("0.0.2", "0.0.1", false, false),
        ("0.0.2", "0.0.2", true, false),
        ("1.2.0", "1.1.7", true, false),
        ("1.1.7", "1.2.0", false, true),
        ("2.0.0", "1.0.0", false, false),
        ("0.2.1-rc.1", "0.2.0", false, false),
        ("0.2.1", "0.2.1-rc.1", false, false),
        ("0.2.1-rc.1", "0.2.1-rc.1", true, false),
        ("0.2", "0.2.0", false, false),
        ("0.2.99999999999999999999", "0.2.0", false, false),
    ];
    for (offered, asked, serves, is_extended) in cases {
        let found = (at(offered).serves(&at(asked)), at(offered).is_extended_by(&at(asked)));
        assert_eq!(found, (serves, is_extended), "{offered} for {asked}");
    }
    assert!(!at("0.2.1").serves(&name("a:b/d@0.2.0")) && !name("a:b/d@0.2.0").is_extended_by(&at("0.2.1")));
    assert!(!at("0.2.1").serves(&name("a:b/c")) && !name("a:b/c").serves(&at("0.2.1")));
}
