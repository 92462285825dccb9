//! Content is streamed: memory does not grow with it.

use std::io::Write as _;

use ansai_harness::server::oci::Say;
use ansai_registry::{Client, Connection, Digest, MOST_COMPONENT_BYTES};
use sha2::{Digest as _, Sha256};

use crate::artifact::{content_of, manifest_with, reference, registry, store, stored};

const PIECE: &[u8] = &[5; 64 << 10];
const PIECES: usize = 640;

/// The most that this process has had in memory, in KiB. Each test has its own process.
pub(crate) fn most_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn forty_mebibytes_are_stored_in_a_few() {
    let size = PIECE.len() * PIECES;
    assert!(u64::try_from(size).unwrap() <= MOST_COMPONENT_BYTES);
    let mut hash = Sha256::new();
    (0..PIECES).for_each(|_| hash.update(PIECE));
    let digest: Digest = format!("sha256:{}", hex::encode(hash.finalize())).parse().unwrap();
    let (manifest, config) = manifest_with(&digest, size);
    let path = format!("/v2/web/blobs/{digest}");
    let honest = registry(content_of(&manifest, &[&config]), move |asked, _| {
        (asked == path).then(|| {
            Say::Raw(Box::new(move |stream| {
                let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n").as_bytes());
                (0..PIECES).for_each(|_| stream.write_all(PIECE).unwrap());
            }))
        })
    });
    let place = tempfile::tempdir().unwrap();
    let store = store(place.path());
    // A busy machine takes its time.
    let client = Client::new(&honest.host(), &Connection { plain: true, ..Connection::default() }, None).unwrap();
    let before = most_kib();
    let began = std::time::Instant::now();
    client.fetch(&reference(&honest.host(), ":1.0.0"), &store).unwrap();
    let (took, grew) = (began.elapsed(), most_kib() - before);
    println!("{} MiB in {took:?}, {grew} KiB more memory, registry included", size >> 20);
    assert!(grew < 8 << 10, "{grew} KiB");
    assert_eq!(stored(place.path()).len(), 3);
}
