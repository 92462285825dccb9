//! Components and files that are small, and whose manifest, schema or scenario costs its reader dearly. The real binary
//! reads them with little address space and little processor time: it refuses them instead of being ended by a limit.

use std::fmt::Write as _;

use ansai_harness::Invocation;
use serde_json::{Value, json};
use wasm_encoder::{
    ComponentBuilder, ComponentSection as _, ComponentTypeRef, ComponentValType, CustomSection, InstanceType,
};

use crate::support::*;

/// Address space of a program that reads a few hundred KiB, and seconds of processor time. An ordinary component takes a
/// small part of both.
const ADDRESS_SPACE: &str = "--as=500000000";
const PROCESSOR: &str = "--cpu=20";
/// Peak memory of commands that reserve address space for the engine, in bytes.
const MOST_MEMORY: u64 = 250 << 20;

/// `ansai` under these limits.
fn limited(scene: &Scene, limits: &[&str], arguments: &[&str]) -> Ran {
    let prlimit = Invocation::of("prlimit").current_dir(scene.root()).env("COLUMNS", "120").args(limits);
    prlimit.arg("--").arg(env!("CARGO_BIN_EXE_ansai")).args(arguments).limit(std::time::Duration::from_secs(600)).run()
}

fn inspected(component: &[u8]) -> Ran {
    let scene = Scene::new();
    let file = scene.policy("p", component);
    limited(&scene, &[ADDRESS_SPACE, PROCESSOR], &["inspect", file.to_str().unwrap()])
}

fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

/// A property for each number.
fn numbered(count: usize, property: impl Fn(usize) -> Value) -> Value {
    (0..count).map(|at| (format!("p{at}"), property(at))).collect::<serde_json::Map<_, _>>().into()
}

/// Lists in lists: each element has a default of so many elements.
fn nested_defaults(levels: usize, width: usize) -> Value {
    (0..levels).fold(json!({"type": "string", "default": "x"}), |below, _| {
        let items = object(json!({"a": below}));
        json!({"type": "array", "items": items, "default": vec![json!({}); width]})
    })
}

fn schema_bombs() -> Vec<(&'static str, Value, &'static str)> {
    let text = "x".repeat(200_000);
    let doubling: serde_json::Map<_, _> = (0..40)
        .map(|at| {
            let next = json!({"$ref": format!("#/$defs/d{}", at + 1)});
            (format!("d{at}"), object(json!({"a": next, "b": next})))
        })
        .chain([("d40".to_owned(), json!({}))])
        .collect();
    let unevaluated = (0..30).fold(json!({}), |below, _| json!({"unevaluatedProperties": false, "anyOf": [below]}));
    let failing = json!({"allOf": vec![json!({"type": "string"}); 900]});
    let unknown: serde_json::Map<_, _> = (0..9_000).map(|at| (format!("unknown{at}"), json!(1))).collect();
    vec![
        ("patterns", object(numbered(4_000, |at| json!({"pattern": format!("\\w{{25}}{at}")}))), "schema-too-large"),
        (
            "names by pattern",
            json!({"type": "object", "patternProperties": numbered(5_000, |_| json!({}))}),
            "schema-too-large",
        ),
        // So few schemas that only the number of patterns is too large.
        ("few patterns", object(numbered(900, |at| json!({"pattern": format!("\\w{{25}}{at}")}))), "schema-too-large"),
        (
            "few names by pattern",
            json!({"type": "object", "patternProperties": numbered(900, |_| json!({}))}),
            "schema-too-large",
        ),
        ("a pattern of classes", object(json!({"a": {"pattern": "\\p{L}".repeat(40_000)}})), "schema-too-large"),
        ("a repeated pattern", object(json!({"a": {"pattern": "(\\p{L}{60}){60}"}})), "bad-schema"),
        (
            "a pattern as a setting",
            object(json!({"a": {"format": "regex", "default": "(\\p{L}{60}){60}"}})),
            "schema-keyword",
        ),
        (
            "doubling",
            json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": doubling}),
            "schema-too-large",
        ),
        ("many settings", object(numbered(4_000, |_| json!({}))), "schema-too-large"),
        (
            "a text for each reference",
            json!({
                "type": "object",
                "properties": numbered(900, |_| json!({"$ref": "#/$defs/d"})),
                "$defs": {"d": {"description": text}},
            }),
            "schema-too-large",
        ),
        (
            "a list for each reference",
            json!({
                "type": "object",
                "properties": numbered(900, |_| json!({"$ref": "#/$defs/d"})),
                "$defs": {"d": {"enum": (0..3_000).collect::<Vec<_>>()}},
            }),
            "schema-too-large",
        ),
        ("many values", object(json!({"a": {"enum": vec![0; 100_000]}})), "schema-too-large"),
        (
            "many values that nothing refers to",
            json!({"type": "object", "$defs": {"d": {"enum": vec![0; 100_000]}}}),
            "schema-too-large",
        ),
        ("many errors", object(numbered(6_000, |_| json!({"type": 1}))), "bad-schema"),
        ("what was not evaluated", object(json!({"a": unevaluated})), "schema-too-large"),
        ("defaults in defaults", object(json!({"a": nested_defaults(6, 200)})), "schema-default"),
        (
            "a long default for each element",
            object(json!({"a": {
                "type": "array",
                "items": object(json!({"b": {"type": "string", "default": text}})),
                "default": vec![json!({}); 5_000],
            }})),
            "schema-default",
        ),
        (
            "tables without settings",
            object(json!({"a": {
                "type": "array",
                "items": object(numbered(900, |_| json!({}))),
                "default": vec![json!({}); 9_000],
            }})),
            "schema-default",
        ),
        (
            "defaults that fail often",
            object(json!({"a": {"type": "array", "items": failing, "default": vec![1; 9_000]}})),
            "schema-default",
        ),
        (
            "a list that each element is compared with",
            object(json!({"a": {
                "type": "array",
                "items": {"enum": (0..3_000).collect::<Vec<_>>()},
                "default": vec![2_999; 9_000],
            }})),
            "schema-default",
        ),
        (
            "unknown settings in a default",
            object(json!({"a": {"type": "object", "properties": numbered(900, |_| json!({})), "default": unknown}})),
            "schema-default",
        ),
    ]
}

/// Would break: any of the bounds of `runtime/config/src/schema/bounds.rs`, as each bomb needs its own.
#[test]
fn every_schema_is_read_within_bounds() {
    inspected(&with_settings("p", &object(json!({"a": {"type": "string", "default": "b"}})).to_string())).code(0);
    for (name, schema, code) in schema_bombs() {
        let schema = schema.to_string();
        assert!(schema.len() <= 256 << 10, "{name} has {} bytes", schema.len());
        eprintln!("{name}");
        let ran = inspected(&with_settings("p", &schema));
        let most = if code == "bad-schema" { 20 } else { 50 };
        assert!(ran.stderr.matches(&format!("[{code}]")).count() <= most, "{name}: {}", ran.stderr);
        ran.code(2).complains(&format!("[{code}]"));
    }
}

#[test]
fn every_command_is_bounded() {
    let (_, schema, _) = schema_bombs().swap_remove(0);
    let scene = Scene::new();
    let file = scene.policy("p", &with_settings("p", &schema.to_string()));
    let config = format!("[policy.p]\nsource = \"{}\"\n", file.display());
    let config = scene.configuration(&config);
    let (file, config) = (file.to_str().unwrap(), config.to_str().unwrap());
    for arguments in [
        ["check", file].as_slice(),
        &["check", file, "--suggest-grants"],
        &["test", file],
        &["run", "--once", file],
        &["run", "--once", "--config", config],
        &["check", "--config", config],
    ] {
        let state = scene.state_dir();
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--state-dir", state.to_str().unwrap()]).collect();
        let ran = limited(&scene, &[PROCESSOR], &arguments);
        assert!(ran.peak_memory < MOST_MEMORY, "{arguments:?}: {} bytes", ran.peak_memory);
        ran.code(2).complains("[schema-too-large]");
    }
}

#[test]
fn every_manifest_is_read_within_bounds() {
    let unknown = (0..20_000).fold(String::new(), |mut text, at| {
        let _ = write!(text, ",\"k{at}\":0");
        text
    });
    let bombs = [
        ("many keys", manifest("p", &unknown), "too-many-values"),
        ("a long list", manifest("p", &format!(",\"a\":[{}0]", "0,".repeat(120_000))), "too-many-values"),
        ("nested", manifest("p", &format!(",\"a\":{}{}", "[".repeat(100_000), "]".repeat(100_000))), "syntax"),
        ("a long key", manifest("p", &format!(",\"{}\":0", "k".repeat(200_000))), "unknown-key"),
    ];
    for (name, manifest, code) in bombs {
        eprintln!("{name}");
        inspected(&with_sections(component("", "", ""), &manifest, None)).code(2).complains(&format!("[{code}]"));
    }
}

/// Files beside the sources, and a configuration of somebody else.
#[test]
fn every_file_is_read_within_bounds() {
    let ordinary = "name = \"p\"\nversion = \"0.1.0\"\ndescription = \"d\"\n[schedule]\nevery = \"60s\"\n";
    let list = |bytes: usize| format!("x = [{}]\n", "1,".repeat(bytes / 2));
    let tables = |bytes: usize| "[[a]]\n".repeat(bytes / 6);
    let headers = |bytes: usize| {
        let mut text = String::new();
        for at in 0..bytes / 8 {
            let _ = writeln!(text, "[{at:05}]");
        }
        text
    };
    for (name, bomb, code) in [
        ("a list", list(250_000), "too-many-values"),
        ("tables", tables(250_000), "too-many-values"),
        ("headers", headers(250_000), "too-many-values"),
        ("large", list(900_000), "file-too-large"),
    ] {
        eprintln!("{name}");
        let scene = Scene::new();
        scene.write("p/policy.toml", format!("{ordinary}{bomb}"));
        let ran = limited(&scene, &[PROCESSOR], &["check", "p"]);
        assert!(ran.peak_memory < MOST_MEMORY, "{name}: {} bytes", ran.peak_memory);
        ran.code(2).complains(&format!("[{code}]"));
    }
    for bomb in [list(1_000_000), tables(1_000_000)] {
        let scene = Scene::new();
        scene.policy("p", &quiet("p"));
        scene.write("policies/p/scenarios/s.toml", format!("description = \"d\"\n{bomb}"));
        let ran = limited(&scene, &[PROCESSOR], &["test", "policies/p"]);
        assert!(ran.peak_memory < MOST_MEMORY, "{} bytes", ran.peak_memory);
        ran.says("[too-many-values]");
    }
    // Each file alone is within its bound.
    let scene = Scene::new();
    scene.policy("p", &quiet("p"));
    for number in 0..17 {
        let text = format!("description = \"d\"\n[expect]\nobservations = []\n# {}\n", "x".repeat((1 << 20) - 100));
        scene.write(&format!("policies/p/scenarios/s{number}.toml"), text);
    }
    let ran = limited(&scene, &[PROCESSOR], &["test", "policies/p"]);
    assert!(ran.peak_memory < MOST_MEMORY, "{} bytes", ran.peak_memory);
    ran.code(2).complains("[scenarios-too-large]").complains("17 MiB together: at most 16 MiB");
    limited(&scene, &[PROCESSOR], &["check", "policies/p"]).code(2).complains("[scenarios-too-large]");
    for bomb in [list(16_000_000), tables(16_000_000)] {
        let scene = Scene::new();
        let config = scene.configuration(&bomb);
        let ran = limited(&scene, &[PROCESSOR], &["check", "--config", config.to_str().unwrap()]);
        assert!(ran.peak_memory < MOST_MEMORY, "{} bytes", ran.peak_memory);
        ran.code(2).complains("[too-many-values]");
    }
}

/// Sections that are no manifest and no schema: repeated, long, or both.
#[test]
fn every_other_section_is_read_within_bounds() {
    let with = |name: &str, data: &[u8], times: usize| {
        let mut component = quiet("p");
        let section = CustomSection { name: name.into(), data: data.into() };
        (0..times).for_each(|_| section.append_to_component(&mut component));
        component
    };
    for (name, times) in [("anything", 1_000_000), ("producers", 300_000), ("component-name", 300_000)] {
        inspected(&with(name, b"\x01\x08language\x01\x01a\x01b", times)).code(0);
    }
    for name in ["ansai:manifest", "ansai:settings-schema", "ansai:readme"] {
        inspected(&with(name, b"{}", 2)).code(2).complains("[bad-section]");
    }
    // The types of a component: one that is imported often, and many declarations.
    let long = component_with_types(200, 50_000, 250);
    assert!(long.len() < 11 << 20);
    inspected(&long).code(2).complains("[too-many]");
    let short = with_sections(component_with_types(200, 5_000, 250), &manifest("p", ""), None);
    inspected(&short).code(0);
}

/// One type with functions of long names, which so many interfaces have.
fn component_with_types(functions: u32, name: usize, imports: u32) -> Vec<u8> {
    let mut component = ComponentBuilder::default();
    let mut instance = InstanceType::new();
    let none: [(&str, ComponentValType); 0] = [];
    instance.ty().function().params(none).result(None);
    for at in 0..functions {
        let name = format!("f{at}-{}", "x".repeat(name));
        instance.export(&name, ComponentTypeRef::Func(0));
    }
    let ty = component.type_instance(None, &instance);
    for at in 0..imports {
        component.import(format!("ansai:a/b{at}@0.1.0"), ComponentTypeRef::Instance(ty));
    }
    let mut whole = component.finish();
    let exporting = imports_nothing();
    // Sections follow each other in any order.
    whole.extend(&exporting[8..]);
    whole
}

/// What exports `detect` and `plan`, and imports nothing.
fn imports_nothing() -> Vec<u8> {
    let text = r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f")))
        (export "detect" (func $f))
        (export "plan" (func $f)))"#;
    wat::parse_str(text).unwrap()
}

/// Would break: a limit that a manifest raises by itself.
#[test]
fn a_manifest_lowers_limits_and_the_operator_raises_them() {
    let asks = r#","limits":{"memory":"1GiB","fuel":1000000}"#;
    let scene = Scene::new();
    let file = scene.policy("p", &with_sections(component("", "", ""), &manifest("p", asks), None));
    let shown = scene.ansai(&["inspect", file.to_str().unwrap()]).code(0);
    let shown = shown.says("64.0 MiB").says("1000000").says("author asks for memory = \"1GiB\"");
    assert!(!shown.stdout.contains("1.00 GiB"));
    scene.ansai(&["run", "--once", file.to_str().unwrap()]).complains("[raised-limit]").complains("memory = \"1GiB\"");
    scene.ansai(&["check", file.to_str().unwrap()]).code(0).says("[raised-limit]");
    let suggested = scene.ansai(&["check", file.to_str().unwrap(), "--suggest-grants"]).code(0);
    suggested.says("# memory = \"1GiB\"");
    let raised = format!("[policy.p]\nsource = \"{}\"\n[policy.p.limits]\nmemory = \"1GiB\"\n", file.display());
    let config = scene.configuration(&raised);
    let checked = scene.ansai(&["check", "--config", config.to_str().unwrap()]).code(0);
    checked.says("memory = \"1GiB\" is above the default \"64MiB\"").says("of the daemon's memory");
    let share = format!("[policy.p]\nsource = \"{}\"\n[policy.p.share]\nprocessor_percent = 50\n", file.display());
    let with_share = scene.configuration(&share);
    let checked = scene.ansai(&["check", "--config", with_share.to_str().unwrap()]).code(0);
    checked.says("processor_percent = 50 is above the default 2: ").says("busy all the time").says("[raised-limit]");
    let config = scene.configuration(&raised);
    let ran = scene.ansai(&["run", "--once", "--config", config.to_str().unwrap()]).code(0);
    assert!(!ran.stderr.contains("raised-limit"), "the operator has decided: {}", ran.stderr);
}
