//! The binary, and policies from a few lines of WebAssembly text.

use std::path::Path;
use std::process::Command;

use ansai_harness::Ansai;
use ansai_harness::guest::in_world;
use wasm_encoder::{ComponentSection as _, CustomSection};

pub(crate) use ansai_harness::scene::permit;
pub(crate) use ansai_harness::{Ran, Scene};

/// The binary, without any state directory said.
pub(crate) fn ansai(arguments: &[&str]) -> Ran {
    Ansai::new().current_dir("/").env("COLUMNS", "120").args(arguments).run()
}

/// The command itself, for what the harness does not do.
pub(crate) fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ansai"));
    command.args(arguments).current_dir(dir).env("COLUMNS", "120").env_remove("RUST_LOG");
    command
}

/// Asks for a required capability that its code uses.
pub(crate) const SEES: &str = r#","capabilities":{"ansai:disk/disk-probe":{"reason":"to see","required":true}}"#;

/// A manifest as a component holds it.
pub(crate) fn manifest(name: &str, more: &str) -> String {
    format!(r#"{{"name":"{name}","version":"0.1.0","description":"a test","schedule":{{"every":"60000ms"}}{more}}}"#)
}

/// A policy that finds nothing to say.
pub(crate) fn quiet(name: &str) -> Vec<u8> {
    with_sections(component("", "", ""), &manifest(name, ""), None)
}

/// The same with settings.
pub(crate) fn with_settings(name: &str, schema: &str) -> Vec<u8> {
    with_sections(component("", "", ""), &manifest(name, ""), Some(schema))
}

/// A policy that looks at the file systems and says nothing about them.
pub(crate) fn sees(name: &str) -> Vec<u8> {
    let import = r#"(import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func $list (param i32)))"#;
    with_sections(component(import, "(call $list (i32.const 4096))", ""), &manifest(name, SEES), None)
}

/// A policy with one finding whose texts want to take over the terminal.
pub(crate) fn sick(name: &str) -> Vec<u8> {
    let evil = r"\1b[31mred\1b[2J\e2\80\ae";
    let bytes = 15;
    // The record `observation` at 2048, its text at 3000; `unhealthy(critical)` at 2072.
    let text = |at: u32| {
        format!("(i32.store (i32.const {at}) (i32.const 3000)) (i32.store (i32.const {}) (i32.const {bytes}))", at + 4)
    };
    let detect = format!(
        "{} {} {} {} (i32.store8 (i32.const 2072) (i32.const 1)) (i32.store8 (i32.const 2076) (i32.const 2))
         (i32.store (i32.const 1028) (i32.const 2048)) (i32.store (i32.const 1032) (i32.const 1))",
        text(2048),
        text(2056),
        text(2064),
        text(2084),
    );
    let data = format!(r#"(data (i32.const 3000) "{evil}")"#);
    with_sections(component("", &detect, &data), &manifest(name, ""), None)
}

/// A policy whose `detect` traps.
pub(crate) fn traps(name: &str) -> Vec<u8> {
    with_sections(component("", "unreachable", ""), &manifest(name, ""), None)
}

/// A component with these sections.
pub(crate) fn with_sections(mut component: Vec<u8>, manifest: &str, schema: Option<&str>) -> Vec<u8> {
    let sections = [("ansai:manifest", Some(manifest)), ("ansai:settings-schema", schema)];
    for (name, text) in sections {
        if let Some(text) = text {
            CustomSection { name: name.into(), data: text.as_bytes().into() }.append_to_component(&mut component);
        }
    }
    component
}

/// What looks like a policy as long as nothing links it.
pub(crate) fn imports(interface: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
        (import "{interface}" (instance))
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f")))
        (export "detect" (func $f))
        (export "plan" (func $f)))"#
    );
    wat::parse_str(text).unwrap()
}

/// A component without sections. Results are at 1024, zeroed: `ok` of an empty list.
pub(crate) fn component(imports: &str, detect: &str, data: &str) -> Vec<u8> {
    component_of("", "", imports, detect, data)
}

/// The same, in a world that imports more, of these packages.
pub(crate) fn component_of(packages: &str, more: &str, imports: &str, detect: &str, data: &str) -> Vec<u8> {
    let text = format!(
        r#"(module {imports}
        (func (export "detect") (result i32) {detect} i32.const 1024)
        (func (export "plan") (param i32) (result i32) i32.const 1024)
        (memory (export "memory") 2) {data}
        (global $top (mut i32) (i32.const 65536))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
          (local $at i32)
          (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
          (global.set $top (i32.add (local.get $at) (local.get 3)))
          (local.get $at)))"#
    );
    let world = format!(
        "package ansai:test; world guest {{ include ansai:policy/policy@0.2.0; import ansai:disk/disk-probe@0.2.0; {more} }}
         {packages}"
    );
    in_world(&world, &text)
}
