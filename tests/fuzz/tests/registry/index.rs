//! The index of policies: the signed document, the payload, and the pages.

use ansai_fuzz::random::Random;
use ansai_registry::{Digest, index};

use super::{CASES, changed, key};
use crate::rounds::{case, rounds};

/// The signed document, and the payload of a publisher who signs anything.
#[test]
fn changed_indexes_are_refused_or_read() {
    let (key, public) = key();
    let keys = [public];
    let version = index::Version {
        version: "1.0.0".to_owned(),
        digest: Some(Digest::of(b"manifest").to_string()),
        component: Digest::of(b"component").hex().to_owned(),
        bytes: 1_000,
        imports: vec!["ansai:disk/disk-probe@0.2.0".to_owned()],
        abilities: vec!["see how full file systems are".to_owned()],
        languages: vec!["Rust".to_owned()],
        signers: vec![index::Signer { name: "acme".to_owned(), key: "key".to_owned() }],
        is_reproduced: true,
        scenarios: Some(index::Scenarios { count: 3, passed: 2 }),
        chaos: None,
    };
    let listed = index::Listed {
        name: "web".to_owned(),
        repository: Some("registry.example/acme/web".to_owned()),
        description: "keeps it up".to_owned(),
        versions: vec![version],
    };
    let good = index::Index::new(1, "Policies", vec![listed]);
    let (sealed, payload) = (good.seal(&key).unwrap(), serde_json::to_vec(&good).unwrap());
    rounds("indexes", |seed| {
        let mut read = 0;
        for number in 0..CASES {
            let mut random = Random::new(seed, number as u64);
            let sealed = changed(&mut random, &sealed);
            let payload = changed(&mut random, &payload);
            case(number, || {
                if let Ok(index) = index::Index::open(&sealed, &keys) {
                    assert_eq!(index, good, "its signature is of another payload");
                }
                let Ok(index) = serde_json::from_slice::<index::Index>(&payload) else { return };
                read += 1;
                for page in index::pages(&index) {
                    assert!(page.name.ends_with(".html") && !page.name.contains('/'), "{}", page.name);
                    assert!(!page.text.contains('\u{202e}') && !page.text.contains('\u{1b}'), "{}", page.name);
                }
                index.search(&["disk".to_owned()]);
                index.named("web");
            });
        }
        assert!(read > 0, "none of {CASES} was read");
    });
}
