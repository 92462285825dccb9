//! Components that cannot be composed, and their messages.

use ansai_devkit::virtualize::VirtualizeError;

use crate::place::Place;
use crate::text::{component, random};

/// Returns message and hint.
fn refused(bytes: &[u8]) -> (&'static str, String) {
    let place = Place::with_manifest(bytes, "refused");
    let error = place.try_virtualize(None, None).unwrap_err();
    assert_eq!(place.names(), ["guest.wasm", "policy.toml"]);
    (error.code().word(), format!("{error}; {}", error.hint().unwrap()))
}

#[test]
fn each_kind_of_invalid_file_has_its_message() {
    let wasi = random("0.2.0");
    let preview1 = wat::parse_str(
        r#"(module (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32))))"#,
    )
    .unwrap();
    let package = {
        let mut resolve = wit_parser::Resolve::default();
        let package = resolve.push_str("a.wit", "package a:b; interface c { d: func(); }").unwrap();
        wit_component::encode(&resolve, package).unwrap()
    };
    let cases: [(&[u8], &str, &str); 7] = [
        (b"", "not-wasm", "magic number"),
        (b"hello", "not-wasm", "magic number"),
        (&wat::parse_str("(module)").unwrap(), "core-module", "wasm-tools component new"),
        (&preview1, "preview1", "--adapt wasi_snapshot_preview1.reactor.wasm"),
        (&wasi[..wasi.len() / 2], "unreadable", "cannot read"),
        (&package, "unreadable", "WIT package"),
        (&component("", "", "", ""), "no-wasi", "nothing to replace"),
    ];
    for (bytes, kind, words) in cases {
        let (found, said) = refused(bytes);
        assert_eq!(found, kind, "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn imports_outside_ansai_and_wasi_0_2_are_named() {
    for name in ["wasi:random/random@0.3.0", "acme:tools/random@1.0.0"] {
        let (package, version) = name.split_once("/random@").unwrap();
        let bytes = component(
            &format!("package {package}@{version} {{ interface random {{ get-random-u64: func() -> u64; }} }}"),
            &format!("import {name};"),
            &format!("(import \"{name}\" \"get-random-u64\" (func $random (result i64)))"),
            "(drop (call $random))",
        );
        let (kind, said) = refused(&bytes);
        assert_eq!(kind, "foreign-import");
        assert!(said.contains(name) && said.contains("WASI 0.2"), "{said}");
    }
    let bare = wat::parse_str(r#"(component (import "hammer" (func)))"#).unwrap();
    assert_eq!(refused(&bare).0, "foreign-import");
}

#[test]
fn a_component_of_another_world_is_no_policy() {
    let other = wat::parse_str(
        r#"(component (import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result u64))))))"#,
    )
    .unwrap();
    let (kind, said) = refused(&other);
    assert_eq!(kind, "missing-export");
    assert!(said.contains("`detect`") && said.contains("include ansai:policy/policy"), "{said}");
}

#[test]
fn unknown_interfaces_are_refused_by_name() {
    let bytes = component(
        "package ansai:brain@0.2.0 { interface brain-probe { think: func() -> u64; } }
         package wasi:random@0.2.0 { interface random { get-random-u64: func() -> u64; } }",
        "import ansai:brain/brain-probe@0.2.0; import wasi:random/random@0.2.0;",
        "(import \"ansai:brain/brain-probe@0.2.0\" \"think\" (func $think (result i64)))
         (import \"wasi:random/random@0.2.0\" \"get-random-u64\" (func $random (result i64)))",
        "(drop (call $think)) (drop (call $random))",
    );
    let (_, said) = refused(&bytes);
    assert!(said.contains("ansai:brain/brain-probe@0.2.0"), "{said}");
}

#[test]
fn too_large_files_are_not_read() {
    let place = Place::new(b"");
    let file = std::fs::File::create(place.path("guest.wasm")).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    let error = place.try_virtualize(None, None).unwrap_err();
    assert!(error.to_string().contains("larger than 64 MiB"), "{error}");
}

#[test]
fn other_than_regular_files_are_refused() {
    let place = Place::new(b"");
    std::fs::remove_file(place.path("guest.wasm")).unwrap();
    assert!(matches!(place.try_virtualize(None, None), Err(VirtualizeError::Build(_))));
    std::fs::create_dir(place.path("guest.wasm")).unwrap();
    assert!(matches!(place.try_virtualize(None, None), Err(VirtualizeError::Build(_))));
}
