//! A registry that lies takes nothing away from a host: what is stored and pinned stays as it was, under each kind of lie, and
//! neither memory nor disk grows.

use std::io::Write as _;

use ansai_core::codes;
use ansai_harness::server::oci::{LyingRegistry, Say};
use ansai_registry::Digest;
use serde_json::json;

use crate::artifact::{COMPONENT, client_of, content, content_of, manifest_of, reference, registry, store, stored};
use crate::memory::most_kib;

/// The most that a refused pull may add to the memory of this process, with the registry in it, in KiB.
const MOST_GROWTH_KIB: u64 = 16 << 10;
/// A new component, which nobody has yet.
const NEWER: &[u8] = b"\0asm, or what the next component is";

/// A registry that says this for the new component.
fn lies(say: impl Fn() -> Say + Send + Sync + 'static) -> LyingRegistry {
    let (manifest, config) = manifest_of(NEWER);
    let path = format!("/v2/web/blobs/{}", Digest::of(NEWER));
    registry(content_of(&manifest, &[&config]), move |asked, _| (asked == path).then(&say))
}

fn answer(headers: &str, body: &[u8]) -> Say {
    Say::Answer(200, headers.to_owned(), body.to_vec())
}

/// The same with another manifest.
fn has(change: impl FnOnce(&mut serde_json::Value)) -> LyingRegistry {
    let (mut manifest, config) = manifest_of(NEWER);
    change(&mut manifest);
    registry(content_of(&manifest, &[&config, NEWER]), |_, _| None)
}

/// Sends zeros as long as somebody reads, 1 GiB at most.
fn endless() -> Say {
    Say::Raw(Box::new(|stream| {
        let piece = [0; 64 << 10];
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
        let _ = (0..16_384).try_for_each(|_| stream.write_all(&chunk));
    }))
}

#[test]
fn the_last_good_version_stays_under_each_lie_and_nothing_grows() {
    let honest = registry(content(), |_, _| None);
    let place = tempfile::tempdir().unwrap();
    let store = store(place.path());
    let good = client_of(&honest).fetch(&reference(&honest.host(), ":1.0.0"), &store).unwrap();
    store.add(&good).unwrap();
    let pinned = good.manifest.digest.clone();
    drop(good);
    let before = (stored(place.path()).len(), bytes(place.path()));

    let manifests = |say: fn() -> Say| registry(content(), move |path, _| path.contains("/manifests/").then(say));
    let cases = [
        ("wrong digest", codes::CONTENT_DIGEST, lies(|| answer("", &[b'x'; NEWER.len()]))),
        ("wrong size", codes::CONTENT_SIZE, lies(|| answer("", &[NEWER, b"!"].concat()))),
        ("endless component", codes::CONTENT_SIZE, lies(endless)),
        ("gzip bomb", codes::REGISTRY_ENCODING, lies(|| answer("content-encoding: gzip\r\n", b"\x1f\x8b"))),
        (
            "redirect inwards",
            codes::REGISTRY_REDIRECT,
            lies(|| Say::Answer(302, "location: http://169.254.169.254/\r\n".to_owned(), Vec::new())),
        ),
        (
            "dead in the middle",
            codes::REGISTRY_CUT_OFF,
            lies(|| {
                Say::Raw(Box::new(|stream| {
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", NEWER.len());
                    let _ = stream.write_all(&[head.as_bytes(), &NEWER[..5]].concat());
                }))
            }),
        ),
        ("endless manifest", codes::REGISTRY_TOO_LARGE, manifests(endless)),
        ("no manifest", codes::NOT_A_POLICY, manifests(|| answer("", b"\x00\xff"))),
        (
            "two layers",
            codes::NOT_A_POLICY,
            has(|manifest| {
                let layer = manifest["layers"][0].clone();
                manifest["layers"].as_array_mut().unwrap().push(layer);
            }),
        ),
        ("media type", codes::NOT_A_POLICY, has(|manifest| manifest["layers"][0]["mediaType"] = json!("text/plain"))),
        ("huge size", codes::NOT_A_POLICY, has(|manifest| manifest["layers"][0]["size"] = json!(u64::MAX))),
    ];
    let memory = most_kib();
    for (what, code, hostile) in cases {
        let refused = client_of(&hostile).fetch(&reference(&hostile.host(), ":1.0.0"), &store).unwrap_err();
        assert_eq!(refused.code(), code, "{what}");
        // What commands do before they fetch again.
        store.sweep(std::slice::from_ref(&pinned)).unwrap();
        assert_eq!((stored(place.path()).len(), bytes(place.path())), before, "{what}");
        let (path, digest) = store.component(&pinned).unwrap();
        assert_eq!((std::fs::read(path).unwrap(), digest), (COMPONENT.to_vec(), Digest::of(COMPONENT)), "{what}");
        assert_eq!(store.entries().unwrap().len(), 1, "{what}");
        let grew = most_kib() - memory;
        assert!(grew < MOST_GROWTH_KIB, "{what}: {grew} KiB");
    }
}

/// All bytes of files in a directory.
fn bytes(place: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(place).unwrap().map(Result::unwrap);
    let of = |entry: std::fs::DirEntry| match entry.file_type().unwrap().is_dir() {
        true => bytes(&entry.path()),
        false => entry.metadata().unwrap().len(),
    };
    entries.map(of).sum()
}
