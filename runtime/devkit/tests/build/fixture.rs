//! Policies without dependencies, which compile fast and need no package registry.

use std::path::Path;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};
use tempfile::TempDir;
use wit_component::StringEncoding;
use wit_parser::Resolve;

const fn interface(name: &'static str, kind: InterfaceKind) -> Interface {
    let name = InterfaceName::from_static(name);
    Interface { name, version: "0.2.0", kind, sensitivity: Sensitivity::Metadata, ability: "do something", fields: &[] }
}

pub(crate) const INTERFACES: &[Interface] = &[
    interface("ansai:policy/context", InterfaceKind::Base),
    interface("ansai:disk/disk-probe", InterfaceKind::Probe),
    interface("ansai:disk/disk-check-actions", InterfaceKind::Actions),
];

pub(crate) const LIB: &str = r#"
#[unsafe(link_section = "component-type")]
pub static WORLD: [u8; include_bytes!("world.bin").len()] = *include_bytes!("world.bin");
#[unsafe(no_mangle)]
pub extern "C" fn detect() -> i32 { IMPORTS }
#[unsafe(no_mangle)]
pub extern "C" fn plan(_: i32) -> i32 { 0 }
#[unsafe(no_mangle)]
pub extern "C" fn cabi_realloc(_: i32, _: i32, _: i32, _: i32) -> i32 { core::panic!("no memory") }
"#;

/// Creates a directory with a policy whose world imports these interfaces and whose `detect` calls one of them.
pub(crate) fn policy(name: &str, imports: &[&str], asked: &[&str], call: Option<(&str, &str)>) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &[u8]| std::fs::write(dir.path().join(path), text).unwrap();
    std::fs::create_dir(dir.path().join("src")).unwrap();
    let asked: String = asked.iter().map(|one| format!("[capabilities.\"{one}\"]\nreason = \"to look\"\n")).collect();
    write(
        "policy.toml",
        format!(
            "name = \"{name}\"\nversion = \"1.2.3\"\ndescription = \"a test\"\n[schedule]\nevery = \"60s\"\n{asked}\
             [settings]\nschema = \"settings.schema.json\"\n"
        )
        .as_bytes(),
    );
    write("settings.schema.json", br#"{"type": "object", "properties": {"percent": {"type": "number"}}}"#);
    write("README.md", b"# A test\n");
    write("LICENSE-ONE", b"first\n");
    write("licence.txt", b"second\n");
    write(
        "Cargo.toml",
        format!(
            "[package]\nname = \"{name}\"\nversion = \"1.2.3\"\nedition = \"2024\"\n[workspace]\n[lib]\ncrate-type = \
             [\"cdylib\"]\n[profile.release]\nstrip = true\npanic = \"abort\"\n"
        )
        .as_bytes(),
    );
    write("Cargo.lock", format!("version = 4\n\n[[package]]\nname = \"{name}\"\nversion = \"1.2.3\"\n").as_bytes());
    write("src/world.bin", &world(imports));
    let lib = match call {
        Some((module, function)) => format!(
            "#[link(wasm_import_module = \"{module}\")]\nunsafe extern \"C\" {{ #[link_name = \"{function}\"] fn \
             called(area: i32); }}\n{}",
            LIB.replace("IMPORTS", "unsafe { called(16) }; 0")
        ),
        None => LIB.replace("IMPORTS", "0"),
    };
    write("src/lib.rs", lib.as_bytes());
    dir
}

/// Creates a workspace with a [`policy`] as its only member; the workspace holds the lock file and the profile.
pub(crate) fn workspace(name: &str, call: Option<(&str, &str)>) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join(name);
    std::fs::rename(policy(name, &["ansai:disk/disk-probe@0.2.0"], &["ansai:disk/disk-probe"], call).keep(), &dir)
        .unwrap();
    std::fs::rename(dir.join("Cargo.lock"), place.path().join("Cargo.lock")).unwrap();
    let manifest = std::fs::read_to_string(dir.join("Cargo.toml")).unwrap();
    let (package, profile) = manifest.split_once("[profile").unwrap();
    std::fs::write(dir.join("Cargo.toml"), package.replace("[workspace]\n", "")).unwrap();
    let root = format!("[workspace]\nresolver = \"3\"\nmembers = [\"{name}\"]\n[profile{profile}");
    std::fs::write(place.path().join("Cargo.toml"), root).unwrap();
    place
}

/// The description of a policy's world, as bindings add it to a module.
fn world(imports: &[&str]) -> Vec<u8> {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    for package in ["policy", "disk"] {
        resolve.push_dir(wit.join(package)).unwrap();
    }
    resolve
        .push_str("other.wit", "package other:things@0.2.0;\ninterface clock { list-filesystems: func() -> string; }")
        .unwrap();
    let imports: String = imports.iter().map(|one| format!("import {one};\n")).collect();
    let text = format!("package test:policy;\nworld test {{ include ansai:policy/policy@0.2.0;\n{imports} }}");
    let package = resolve.push_str("test.wit", &text).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    wit_component::metadata::encode(&resolve, world, StringEncoding::UTF8, None).unwrap()
}
