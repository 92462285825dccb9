//! An artifact as a registry has it, and a registry that serves it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ansai_harness::server::oci::{LyingRegistry, Say};
use ansai_registry::{Client, Connection, Digest, Fetched, Limits, Reference, RegistryError, Store};
use ansai_storage::Directory;
use serde_json::{Value, json};

pub(crate) const COMPONENT: &[u8] = b"\0asm, or what a component is";
pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// What a registry has, by path below `/v2/web/`.
pub(crate) type Content = BTreeMap<String, Vec<u8>>;

pub(crate) fn manifest_of(component: &[u8]) -> (Value, Vec<u8>) {
    manifest_with(&Digest::of(component), component.len())
}

pub(crate) fn manifest_with(component: &Digest, size: usize) -> (Value, Vec<u8>) {
    let config = json!({
        "created": "1970-01-01T00:00:00Z", "architecture": "wasm", "os": "wasip2", "layerDigests": [component],
    });
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {
            "mediaType": "application/vnd.wasm.config.v0+json", "digest": Digest::of(&config), "size": config.len(),
        },
        "layers": [{ "mediaType": "application/wasm", "digest": component, "size": size }],
    });
    (manifest, config)
}

/// A policy under the tag 1.0.0.
pub(crate) fn content() -> Content {
    let (manifest, config) = manifest_of(COMPONENT);
    content_of(&manifest, &[&config, COMPONENT])
}

pub(crate) fn content_of(manifest: &Value, content: &[&[u8]]) -> Content {
    let manifest = manifest.to_string().into_bytes();
    let mut all: Content =
        content.iter().map(|bytes| (format!("blobs/{}", Digest::of(bytes)), bytes.to_vec())).collect();
    all.insert(format!("manifests/{}", Digest::of(&manifest)), manifest.clone());
    all.insert("manifests/1.0.0".to_owned(), manifest);
    all.insert("tags/list?n=1000".to_owned(), br#"{"name":"web","tags":["1.0.0","latest","0.9.0","x"]}"#.to_vec());
    all
}

/// `/v2/web/manifests/1.0.0` to `manifests/1.0.0`.
pub(crate) fn below(path: &str) -> &str {
    path.strip_prefix("/v2/web/").unwrap_or(path)
}

pub(crate) fn serve(content: &Content, path: &str) -> Say {
    match content.get(below(path)) {
        Some(bytes) => Say::Answer(200, String::new(), bytes.clone()),
        None => Say::Answer(404, String::new(), Vec::new()),
    }
}

/// A registry that serves this, unless `lie` says something else.
pub(crate) fn registry(
    content: Content,
    lie: impl Fn(&str, &str) -> Option<Say> + Send + Sync + 'static,
) -> LyingRegistry {
    LyingRegistry::start(Arc::new(move |_, path, headers| lie(path, headers).unwrap_or_else(|| serve(&content, path))))
}

pub(crate) fn client_of(registry: &LyingRegistry) -> Client {
    let limits = Limits { answer: Duration::from_secs(5), content: Duration::from_secs(5) };
    Client::new(&registry.host(), &Connection { plain: true, limits, ..Connection::default() }, None).unwrap()
}

pub(crate) fn reference(host: &str, selector: &str) -> Reference {
    format!("{host}/web{selector}").parse().unwrap()
}

pub(crate) fn store(place: &Path) -> Store {
    Store::create(&Directory::create(place).unwrap()).unwrap()
}

/// The names of what is stored.
pub(crate) fn stored(place: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(place.join("registry/blobs/sha256")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Pulls version 1.0.0 into a new store; what fails stores no component.
pub(crate) fn pull(registry: &LyingRegistry, selector: &str) -> Result<Fetched, RegistryError> {
    let place = tempfile::tempdir().unwrap();
    let store = store(place.path());
    let pulled = client_of(registry).fetch(&reference(&registry.host(), selector), &store);
    if pulled.is_err() {
        assert_eq!(stored(place.path()), Vec::<String>::new());
    }
    assert!(store.entries().unwrap().is_empty(), "nothing has a name before it is checked");
    pulled
}
