//! Policies written as a few lines of WebAssembly text: the misbehaving guests of `tests/guests`, and those of a
//! generator.
//!
//! A text is one of
//! - the fields of a core module. What it does not export is added: a memory, an allocator, and a `detect` and a `plan`
//!   with default answers. It can call `$observe`, `$well`, `$sick`, `$tell` and `$give-up`: each writes an answer at
//!   1024, where `detect` and `plan` leave theirs.
//! - a whole `(component …)` or `(module …)`.
//!
//! Lines at its top can add: `;; encoding: utf16` (or `compact-utf16`), `;; world: …` (more items of the guest's
//! world), `;; beside: N (module …)` (more core instances in the component), and `;; needs: …` (fields of a core module
//! that is in a component and does not run).

use std::fmt::Write as _;
use std::path::PathBuf;

use wasm_encoder::{
    ComponentSection as _, CustomSection, DataSection, InstanceSection, Module, ModuleSection, RawSection,
};
use wit_component::{ComponentEncoder, StringEncoding};

use crate::binary;

/// The contract's packages, in order of dependency.
const PACKAGES: [&str; 6] = ["policy", "disk", "files", "system", "journal", "packages"];
/// Interfaces that a guest may import, besides the base interfaces.
pub const INTERFACES: [&str; 9] = [
    "ansai:disk/disk-probe",
    "ansai:disk/disk-check-actions",
    "ansai:files/files-probe",
    "ansai:files/files-actions",
    "ansai:system/system-probe",
    "ansai:journal/journal-probe",
    "ansai:journal/journal-vacuum-actions",
    "ansai:packages/package-cache-probe",
    "ansai:files/quarantine-actions",
];
/// The manifest requests this many of them; importing another one is an error.
const ASKED: usize = 5;
/// The cases of `refusal` in the contract's order, and what `$tell` reports if there was none.
pub const TOLD: [&str; 11] = [
    "denied",
    "not-found",
    "unavailable",
    "unsupported",
    "invalid",
    "over-budget",
    "timed-out",
    "busy",
    "changed",
    "other",
    "answered",
];
/// Functions that nobody calls, with signatures that no policy has.
const NOTHING: &str = r#"(core module $m (func (export "f"))) (core instance $i (instantiate $m))
    (func $f (canon lift (core func $i "f"))) (export "detect" (func $f)) (export "plan" (func $f))"#;
/// Layout of `observation`: key 0, about 8, status 24 with its payload at 28, summary 36, evidence 44, related 52,
/// distance 64.
const SAYS: &str = r#"
(func $observe (param $key i32) (param $length i32) (param $status i32)
  (call $text (i32.const 2048) (local.get $key) (local.get $length))
  (call $text (i32.const 2056) (local.get $key) (local.get $length))
  (call $text (i32.const 2064) (local.get $key) (local.get $length))
  (i32.store (i32.const 2072) (local.get $status))
  (call $text (i32.const 2076) (local.get $key) (local.get $length))
  (if (i32.eq (local.get $status) (i32.const 1)) (then (i32.store (i32.const 2076) (i32.const 1))))
  (call $text (i32.const 2084) (local.get $key) (local.get $length))
  (i64.store (i32.const 2092) (i64.const 0))
  (i64.store (i32.const 2100) (i64.const 0))
  (i32.store (i32.const 2112) (i32.const 0))
  (call $text (i32.const 1028) (i32.const 2048) (i32.const 1)))
(func $text (param $at i32) (param $pointer i32) (param $length i32)
  (i32.store (local.get $at) (local.get $pointer))
  (i32.store offset=4 (local.get $at) (local.get $length)))
(func $well (call $observe (i32.const 257) (i32.const 6) (i32.const 0)))
(func $sick (call $observe (i32.const 257) (i32.const 6) (i32.const 1)))
;; The name of the refusal in a reply, whose payload is that far from its beginning.
(func $told (param $reply i32) (param $offset i32) (result i32)
  (i32.add (i32.const 256) (i32.mul (i32.const 16)
    (if (result i32) (i32.load8_u (local.get $reply))
      (then (i32.load8_u (i32.add (local.get $reply) (local.get $offset))))
      (else (i32.const 10))))))
;; Observes it: healthy where the call was answered, else unknown.
(func $tell (param $reply i32) (param $offset i32) (local $name i32)
  (local.set $name (call $told (local.get $reply) (local.get $offset)))
  (call $observe (i32.add (local.get $name) (i32.const 1)) (i32.load8_u (local.get $name))
    (i32.mul (i32.const 2) (i32.load8_u (local.get $reply)))))
;; Gives up with it.
(func $give-up (param $reply i32) (param $offset i32) (local $name i32)
  (local.set $name (call $told (local.get $reply) (local.get $offset)))
  (i32.store (i32.const 1028) (i32.const 4))
  (call $text (i32.const 1032) (i32.add (local.get $name) (i32.const 1)) (i32.load8_u (local.get $name))))
"#;
/// Defaults for what the guest's text does not export.
const GIVEN: [(&str, &str); 4] = [
    ("memory", r#"(memory (export "memory") 2)"#),
    (
        "cabi_realloc",
        r#"(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
          (local $at i32)
          (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
          (global.set $top (i32.add (local.get $at) (local.get 3)))
          (local.get $at))"#,
    ),
    ("detect", r#"(func (export "detect") (result i32) (call $well) i32.const 1024)"#),
    (
        "plan",
        r#"(func (export "plan") (param i32) (result i32)
          i32.const 1024)"#,
    ),
];

/// The directory of the misbehaving guests.
pub fn directory() -> PathBuf {
    binary::repository().join("tests/guests")
}

/// The guest `tests/guests/NAME.wat` as `ansai build` would build it, with the policy name `name`.
///
/// # Panics
/// If it does not exist, or its text is wrong.
pub fn of_file(name: &str) -> Vec<u8> {
    let path = directory().join(format!("{name}.wat"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    with_manifest(of_text(&text), name)
}

/// The component, or other bytes, that the text describes, without a manifest.
///
/// # Panics
/// If the text is wrong.
pub fn of_text(text: &str) -> Vec<u8> {
    let said = |what: &str| text.lines().find_map(|line| line.strip_prefix(";; ")?.strip_prefix(what));
    let parse = |text: &str| wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    if let Some(fields) = said("needs: ") {
        return parse(&format!("(component (core module {fields}) {NOTHING})"));
    }
    let first = text.lines().find(|line| !line.starts_with(";;")).unwrap_or_default();
    if first.starts_with("(component") || first.starts_with("(module") {
        return parse(text);
    }
    let encoding = match said("encoding: ") {
        None => StringEncoding::UTF8,
        Some(name) => name.parse().unwrap_or_else(|error| panic!("{name}: {error}")),
    };
    let component = of_module(parse(&whole(text)), said("world: ").unwrap_or_default(), encoding);
    match said("beside: ").and_then(|beside| beside.split_once(' ')) {
        Some((count, module)) => with_instances(component, &parse(module), count.parse().expect("a number")),
        None => component,
    }
}

/// Adds the missing parts to a core module.
fn whole(fields: &str) -> String {
    let mut text = format!("(module {fields} {SAYS} (global $top (mut i32) (i32.const 65536))\n");
    for (export, given) in GIVEN {
        if !fields.contains(&format!("(export \"{export}\")")) {
            text.push_str(given);
        }
    }
    for (index, name) in TOLD.iter().enumerate() {
        let _ = write!(text, "(data (i32.const {}) \"\\{:02x}{name}\")", 256 + 16 * index, name.len());
    }
    text + ")"
}

/// Wraps a core module that uses the canonical ABI in a component. All of the contract can be imported; `world` holds
/// more items of its world.
///
/// # Panics
/// If they do not match.
pub fn of_module(module: Vec<u8>, world: &str, encoding: StringEncoding) -> Vec<u8> {
    encoded(module, resolved(world), encoding)
}

/// The description of a world that bindings add to a module: that of a policy with the whole contract.
///
/// # Panics
/// If the contract cannot be read.
pub fn world() -> Vec<u8> {
    let (resolve, world) = resolved("");
    wit_component::metadata::encode(&resolve, world, StringEncoding::UTF8, None).expect("metadata")
}

/// The component around the text of a core module, in the world `guest` of a package of the test's own: `wit` is the
/// text of that package, which may use the contract.
///
/// # Panics
/// When the module does not fit, or a text is wrong.
pub fn in_world(wit: &str, module: &str) -> Vec<u8> {
    let module = wat::parse_str(module).unwrap_or_else(|error| panic!("{error}\n{module}"));
    encoded(module, contract_with(wit), StringEncoding::UTF8)
}

fn encoded(
    mut module: Vec<u8>,
    (resolve, world): (wit_parser::Resolve, wit_parser::WorldId),
    encoding: StringEncoding,
) -> Vec<u8> {
    wit_component::embed_component_metadata(&mut module, &resolve, world, encoding).expect("metadata");
    let mut encoder = ComponentEncoder::default().validate(true).module(&module).expect("a module for this world");
    encoder.encode().unwrap_or_else(|error| panic!("{error:#}"))
}

fn resolved(more: &str) -> (wit_parser::Resolve, wit_parser::WorldId) {
    let imports = INTERFACES.map(|name| format!("import {name}@0.2.0;")).join(" ");
    contract_with(&format!(
        "package ansai:guest; world guest {{ include ansai:policy/policy@0.2.0; {imports} {more} }}"
    ))
}

/// The contract, with the world `guest` of one package more.
fn contract_with(wit: &str) -> (wit_parser::Resolve, wit_parser::WorldId) {
    let mut resolve = wit_parser::Resolve::default();
    for package in PACKAGES {
        let file = binary::repository().join(format!("wit/{package}/{package}.wit"));
        let text = std::fs::read_to_string(&file).expect("the contract");
        resolve.push_str(&file, &text).expect("the contract");
    }
    let package = resolve.push_str("world.wit", wit).unwrap_or_else(|error| panic!("{error:#}\n{wit}"));
    let world = resolve.select_world(&[package], Some("guest")).expect("the world");
    (resolve, world)
}

/// Adds this many bytes of unused data to the component.
pub fn with_data(mut component: Vec<u8>, bytes: usize) -> Vec<u8> {
    let mut data = DataSection::new();
    data.passive(vec![b'x'; bytes]);
    let mut module = Module::new();
    module.section(&data);
    ModuleSection(&module).append_to_component(&mut component);
    component
}

/// Adds this many core instances of a module to the component.
fn with_instances(mut component: Vec<u8>, module: &[u8], count: usize) -> Vec<u8> {
    let (mut depth, mut index) = (0, 0);
    for payload in wasmparser::Parser::new(0).parse_all(&component) {
        match payload.expect("a component of ours") {
            wasmparser::Payload::ModuleSection { .. } => {
                index += u32::from(depth == 0);
                depth += 1;
            }
            wasmparser::Payload::ComponentSection { .. } => depth += 1,
            wasmparser::Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    const CORE_MODULE: u8 = 1;
    RawSection { id: CORE_MODULE, data: module }.append_to_component(&mut component);
    let mut instances = InstanceSection::new();
    for _ in 0..count {
        instances.instantiate::<_, &str>(index, []);
    }
    instances.append_to_component(&mut component);
    component
}

/// Adds a manifest with this name that requests nearly all interfaces, none of them required.
pub fn with_manifest(mut component: Vec<u8>, name: &str) -> Vec<u8> {
    let asked = |name: &&str| format!(r#""{name}":{{"reason":"to misbehave"{}}}"#, scope(name));
    let asked = INTERFACES.iter().take(ASKED).map(asked).collect::<Vec<_>>().join(",");
    let manifest = format!(
        r#"{{"name":"{name}","version":"0.1.0","description":"a test","schedule":{{"every":"60000ms"}},
        "capabilities":{{{asked}}}}}"#
    );
    // A core module cannot hold sections of a component.
    if component.get(4..8) == Some(&[0x0d, 0, 1, 0]) {
        CustomSection { name: "ansai:manifest".into(), data: manifest.as_bytes().into() }
            .append_to_component(&mut component);
    }
    component
}

fn scope(interface: &str) -> &'static str {
    if interface.contains("/files-") { r#","scope":{"roots":"operator"}"# } else { "" }
}
