//! What is refused before any guest code runs, each with its own message and way out.

use crate::support::*;
use ansai_core::InterfaceName;
use ansai_engine::{Compiler, Engine};

fn refused(bytes: &[u8]) -> String {
    let error = engine().load(bytes).map(|_| ()).unwrap_err();
    assert!(!error.hint().is_empty());
    error.to_string()
}

#[test]
fn each_kind_of_wrong_bytes_has_its_message() {
    assert!(refused(b"").contains("not WebAssembly"));
    assert!(refused(b"#!/bin/sh").contains("not WebAssembly"));
    assert!(refused(b"\0asm\x01\0\0\0").contains("core module"));
    let whole = policy("", "", "");
    let cut = refused(&whole[..whole.len() / 2]);
    assert!(cut.contains("truncated or damaged"), "{cut}");
    assert!(refused(&vec![0u8; (64 << 20) + 1]).contains("the maximum is"));
}

#[test]
fn sections_that_would_cost_more_than_they_say_are_refused() {
    let section = |name: &str, bytes: usize| {
        let mut component = policy("", "", "");
        let mut content = vec![u8::try_from(name.len()).unwrap()];
        content.extend(name.bytes());
        content.resize(content.len() + bytes, b' ');
        component.push(0);
        // Its size, as LEB128 of five bytes.
        let size = content.len();
        component.extend((0..5).map(|at| (size >> (7 * at) & 0x7f) as u8 | if at < 4 { 0x80 } else { 0 }));
        component.extend(content);
        component
    };
    for (name, most) in [("ansai:manifest", 256 << 10), ("ansai:settings-schema", 256 << 10), ("ansai:readme", 1 << 20)]
    {
        let message = refused(&section(name, most + 1));
        assert_eq!(message, format!("the section `{name}` is too large"));
        engine().load(&section(name, most)).unwrap();
    }
}

#[test]
fn wasi_and_foreign_worlds_are_refused_by_name() {
    let wasi = r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance)))"#;
    let message = refused(&wat::parse_str(wasi).unwrap());
    assert!(message.contains("WASI (wasi:clocks/wall-clock@0.2.0)"), "{message}");
    let foreign = r#"(component (import "acme:tools/magic@1.0.0" (instance)))"#;
    assert!(refused(&wat::parse_str(foreign).unwrap()).contains("`acme:tools/magic@1.0.0`"));
    assert!(refused(&wat::parse_str("(component)").unwrap()).contains("does not export `detect`"));
}

#[test]
fn an_unknown_interface_names_the_nearest() {
    let text = r#"(component (import "ansai:disk/disk-probe@0.9.0" (instance))
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f")))
        (export "detect" (func $f)) (export "plan" (func $f)))"#;
    let message = refused(&wat::parse_str(text).unwrap());
    assert!(message.contains("it has `ansai:disk/disk-probe@0.2.0`"), "{message}");
}

#[test]
fn another_shape_than_the_contract_is_refused() {
    let text = r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f")))
        (export "detect" (func $f)) (export "plan" (func $f)))"#;
    let message = refused(&wat::parse_str(text).unwrap());
    assert!(message.contains("`detect` of `the policy` is declared as func() -> ;"), "{message}");
}

#[test]
fn only_what_is_asked_for_is_linked() {
    let bytes = policy(
        r#"(import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func $list (param i32)))"#,
        "(call $list (i32.const 2048))",
        "",
    );
    let message = engine().load_requested(&bytes, Some(&[])).map(|_| ()).unwrap_err();
    assert!(message.to_string().contains("does not request"), "{message}");
    assert!(message.hint().contains(r#"[capabilities."ansai:disk/disk-probe"]"#));
    assert!(engine().load_requested(&bytes, Some(&[InterfaceName::from_static("ansai:disk/disk-probe")])).is_ok());
}

#[test]
fn compiled_code_is_kept_and_a_damaged_copy_is_compiled_again() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    let engine = || Engine::new(ansai_host_functions::builtin(), Some(&cache), Compiler::InProcess).unwrap();
    let bytes = policy("", "", "");
    engine().load(&bytes).unwrap();
    let file = std::fs::read_dir(&cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "bin"))
        .unwrap();
    let kept = std::fs::read(&file).unwrap();
    let mut damaged = kept.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(&file, &damaged).unwrap();
    engine().load(&bytes).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), kept, "compiled and kept again");
}

/// What JavaScript becomes: one component calls another within it, and text goes from the memory of one to the other's.
#[test]
fn components_within_a_component_may_call_each_other() {
    let nested = wat::parse_str(
        r#"(component
        (component $callee
            (core module $m
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 64)
                (func (export "take") (param i32 i32)))
            (core instance $i (instantiate $m))
            (func (export "take") (param "text" string)
                (canon lift (core func $i "take")
                    (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))
        (component $caller
            (import "take" (func $take (param "text" string)))
            (core module $memory (memory (export "memory") 1))
            (core instance $memory (instantiate $memory))
            (core func $lowered (canon lower (func $take) (memory (core memory $memory "memory"))))
            (core module $m
                (import "" "take" (func $take (param i32 i32)))
                (func (export "run") i32.const 0 i32.const 4 call $take))
            (core instance $i (instantiate $m (with "" (instance (export "take" (func $lowered))))))
            (func (export "run") (canon lift (core func $i "run"))))
        (instance $callee (instantiate $callee))
        (instance $caller (instantiate $caller (with "take" (func $callee "take"))))
        (export "detect" (func $caller "run"))
        (export "plan" (func $caller "run")))"#,
    )
    .unwrap();
    // It was compiled: only its exports are not those of a policy.
    assert!(refused(&nested).contains("is declared as"), "{}", refused(&nested));
}

#[test]
fn a_module_has_one_memory() {
    let with = |memories: &str| {
        let text = format!(
            r#"(component
            (component (core module {memories}))
            (core module $m (memory 1) (func (export "run")))
            (core instance $i (instantiate $m))
            (func (export "detect") (canon lift (core func $i "run")))
            (func (export "plan") (canon lift (core func $i "run"))))"#
        );
        refused(&wat::parse_str(text).unwrap())
    };
    for several in ["(memory 1) (memory 1)", "(import \"a\" \"b\" (memory 1)) (memory 1)"] {
        assert!(with(several).contains("ansai disables: multi-memory"), "{}", with(several));
    }
    assert!(with("(memory 1)").contains("is declared as"));
}
