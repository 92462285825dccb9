//! Files that are read besides the component, and the place of the result.

use ansai_devkit::build::{LICENCE_SECTION, MANIFEST_SECTION, README_SECTION, SCHEMA_SECTION};
use ansai_engine::component::inspect;
use wasm_encoder::{ComponentSection as _, CustomSection};
use wasmparser::{Parser, Payload};

use crate::place::{Place, manifest};
use crate::text::random;

fn sections(component: &[u8]) -> Vec<String> {
    let names = Parser::new(0).parse_all(component).filter_map(|payload| match payload.unwrap() {
        Payload::CustomSection(section) if section.name().starts_with("ansai:") => Some(section.name().to_owned()),
        _ => None,
    });
    names.collect()
}

fn with_manifest(name: &str) -> Vec<u8> {
    let mut bytes = random("0.2.0");
    let text =
        format!(r#"{{"name":"{name}","version":"0.1.0","description":"a test","schedule":{{"every":"60000ms"}}}}"#);
    CustomSection { name: MANIFEST_SECTION.into(), data: text.as_bytes().into() }.append_to_component(&mut bytes);
    bytes
}

#[test]
fn files_next_to_the_manifest_are_embedded_as_by_build() {
    let place = Place::new(&random("0.2.0"));
    let text = manifest("beside") + "[settings]\nschema = \"settings.schema.json\"\n";
    place.write("policy.toml", text.as_bytes());
    place.write("settings.schema.json", br#"{"type": "object", "properties": {}}"#);
    place.write("README.md", b"# Beside\n");
    place.write("LICENSE", b"free\n");
    let made = place.virtualize();
    assert_eq!(made.path, place.path("beside.wasm"));
    assert!(made.has_manifest && !made.without_tail_calls);
    let bytes = place.read("beside.wasm");
    assert_eq!(made.bytes, bytes.len().into());
    assert_eq!(sections(&bytes), [MANIFEST_SECTION, SCHEMA_SECTION, README_SECTION, LICENCE_SECTION]);
    assert_eq!(inspect(&bytes).unwrap().digest, made.sha256);
    let left: Vec<String> = place.names().into_iter().filter(|name| name.starts_with(".building")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_manifest_elsewhere_has_to_be_named() {
    let (place, policy) = (Place::new(&random("0.2.0")), Place::new(b""));
    policy.write("policy.toml", manifest("elsewhere").as_bytes());
    let made = place.try_virtualize(Some(&policy.path("")), Some(&place.path("out.wasm"))).unwrap();
    assert_eq!(made.path, place.path("out.wasm"));
    assert!(made.has_manifest);
    assert_eq!(place.names(), ["guest.wasm", "out.wasm"]);
    let made = place.try_virtualize(Some(&policy.path("")), None).unwrap();
    assert_eq!(made.path, policy.path("elsewhere.wasm"));
}

#[test]
fn an_embedded_manifest_is_kept_and_takes_precedence() {
    let place = Place::with_manifest(&with_manifest("inside"), "beside");
    let made = place.virtualize();
    assert_eq!(made.path, place.path("inside.wasm"));
    assert!(inspect(&place.read("inside.wasm")).unwrap().manifest.unwrap().contains("inside"));
    let made = place.try_virtualize(Some(&place.path("")), None).unwrap();
    assert_eq!(made.path, place.path("beside.wasm"));
    assert!(inspect(&place.read("beside.wasm")).unwrap().manifest.unwrap().contains("beside"));
}

#[test]
fn a_component_without_a_manifest_is_composed() {
    let place = Place::new(&random("0.2.0"));
    let made = place.virtualize();
    assert_eq!(made.path, place.path("guest.virtual.wasm"));
    assert!(!made.has_manifest);
    assert_eq!(inspect(&place.read("guest.virtual.wasm")).unwrap().manifest, None);
}

#[test]
fn the_component_itself_is_never_overwritten() {
    let bytes = random("0.2.0");
    let place = Place::with_manifest(&bytes, "guest");
    let error = place.try_virtualize(None, None).unwrap_err();
    assert_eq!(error.code().word(), "overwrites-itself");
    assert!(error.hint().unwrap().contains("-o"));
    std::fs::hard_link(place.path("guest.wasm"), place.path("other.wasm")).unwrap();
    std::os::unix::fs::symlink("guest.wasm", place.path("link.wasm")).unwrap();
    for name in ["other.wasm", "link.wasm"] {
        let error = place.try_virtualize(None, Some(&place.path(name))).unwrap_err();
        assert_eq!(error.code().word(), "overwrites-itself");
    }
    assert_eq!(place.read("guest.wasm"), bytes);
}

#[test]
fn a_wrong_manifest_is_told_with_its_place() {
    let place = Place::new(&random("0.2.0"));
    place.write("policy.toml", b"name = \"x\"\n");
    let error = place.try_virtualize(None, None).unwrap_err();
    assert!(error.to_string().contains("policy.toml is invalid"), "{error}");
    assert_eq!(place.names(), ["guest.wasm", "policy.toml"]);
}
