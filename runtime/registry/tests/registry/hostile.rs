//! Registries that lie, hang, flood, lead elsewhere or die. Each is refused by its own code, and nothing is stored.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ansai_core::codes;
use ansai_harness::Tmpfs;
use ansai_harness::server::oci::{LyingRegistry, Say};
use ansai_registry::{Client, Connection, Digest, Limits};
use serde_json::{Value, json};

use crate::artifact::{
    COMPONENT, Content, client_of, content, content_of, manifest_of, pull, reference, registry, store, stored,
};
use crate::memory::most_kib;

fn blob() -> String {
    format!("/v2/web/blobs/{}", Digest::of(COMPONENT))
}

/// A registry that says this for the component.
fn says_for_component(say: impl Fn() -> Say + Send + Sync + 'static) -> LyingRegistry {
    registry(content(), move |path, _| (path == blob()).then(&say))
}

fn answer(headers: &str, body: &[u8]) -> Say {
    Say::Answer(200, headers.to_owned(), body.to_vec())
}

#[track_caller]
fn refused(registry: &LyingRegistry, selector: &str) -> ansai_core::Code {
    match pull(registry, selector) {
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.is_empty() && shown.len() < 400 && !shown.contains(char::is_control), "{shown}");
            error.code()
        }
        Ok(fetched) => panic!("{fetched:?}"),
    }
}

#[test]
fn an_honest_registry_is_pulled_from_by_tag_range_and_digest() {
    let honest = registry(content(), |_, _| None);
    let by_tag = pull(&honest, ":1.0.0").unwrap();
    assert_eq!(by_tag.component.digest, Digest::of(COMPONENT));
    for selector in ["@^1", "@>=0.9", &format!("@{}", by_tag.manifest.digest)] {
        assert_eq!(pull(&honest, selector).unwrap().manifest, by_tag.manifest, "{selector}");
    }
    assert_eq!(pull(&honest, "@<1").unwrap_err().code(), codes::NOT_IN_REGISTRY, "0.9.0 is a tag without content");
    assert_eq!(pull(&honest, "@^2").unwrap_err().code(), codes::NOT_IN_REGISTRY);
    assert_eq!(pull(&honest, ":1.0.1").unwrap_err().code(), codes::NOT_IN_REGISTRY);
}

#[test]
fn a_list_of_tags_that_are_none() {
    let tags = br#"{"tags":["9.0.0+b","9.0.0/../../x","9.0.0-x y","1.0.0"]}"#;
    let lists = registry(content(), |path, _| path.contains("/tags/").then(|| answer("", tags)));
    assert_eq!(pull(&lists, "@>=1").unwrap().reference.tag(), Some("1.0.0"));
    assert_eq!(refused(&lists, "@^9"), codes::NOT_IN_REGISTRY);
}

#[test]
fn content_that_is_not_what_was_announced() {
    let mut other = COMPONENT.to_vec();
    other[9] ^= 1;
    let (longer, shorter) = ([COMPONENT, b"!"].concat(), COMPONENT[1..].to_vec());
    for (body, code) in [
        (other, codes::CONTENT_DIGEST),
        (longer, codes::CONTENT_SIZE),
        (shorter, codes::CONTENT_SIZE),
        (Vec::new(), codes::CONTENT_SIZE),
    ] {
        let lying = says_for_component(move || answer("", &body));
        assert_eq!(refused(&lying, ":1.0.0"), code);
    }
}

#[test]
fn manifests_of_something_else() {
    let change = |change: &dyn Fn(&mut Value)| {
        let (mut manifest, config) = manifest_of(COMPONENT);
        change(&mut manifest);
        content_of(&manifest, &[&config, COMPONENT])
    };
    let two = change(&|manifest| {
        let layer = manifest["layers"][0].clone();
        manifest["layers"].as_array_mut().unwrap().push(layer);
    });
    let image = change(&|manifest| manifest["config"]["mediaType"] = json!("application/vnd.oci.image.config.v1+json"));
    let tar = change(&|manifest| manifest["layers"][0]["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar"));
    let index = change(&|manifest| manifest["mediaType"] = json!("application/vnd.oci.image.index.v1+json"));
    let huge = change(&|manifest| manifest["layers"][0]["size"] = json!(u64::MAX));
    let (mut manifest, config) = manifest_of(b"another component");
    manifest["layers"][0] = manifest_of(COMPONENT).0["layers"][0].clone();
    let config_of_another = content_of(&manifest, &[&config, COMPONENT]);
    let no_json: Content = [("manifests/1.0.0".to_owned(), b"\x00\xff".to_vec())].into();
    for (what, content) in [
        ("two", two),
        ("image", image),
        ("tar", tar),
        ("index", index),
        ("huge", huge),
        ("config", config_of_another),
        ("no JSON", no_json),
    ] {
        assert_eq!(refused(&registry(content, |_, _| None), ":1.0.0"), codes::NOT_A_POLICY, "{what}");
    }
}

#[test]
fn a_manifest_that_is_not_the_one_that_was_asked_for() {
    let digest = Digest::of(b"what was asked for").to_string();
    let mut replayed = content();
    replayed.insert(format!("manifests/{digest}"), replayed["manifests/1.0.0"].clone());
    assert_eq!(refused(&registry(replayed, |_, _| None), &format!("@{digest}")), codes::CONTENT_DIGEST);
    let header = format!("docker-content-digest: {digest}\r\n");
    let manifest = content()["manifests/1.0.0"].clone();
    let lying =
        registry(content(), move |path, _| path.ends_with("/manifests/1.0.0").then(|| answer(&header, &manifest)));
    assert_eq!(refused(&lying, ":1.0.0"), codes::CONTENT_DIGEST);
}

/// Sends pieces until the client has enough.
fn endless(stream: &mut std::net::TcpStream, piece: &[u8]) {
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
    while stream.write_all(&chunk).is_ok() {}
}

/// Would break: a client that collects what a registry sends.
#[test]
fn floods() {
    let before = most_kib();
    let floods = registry(content(), |path, _| {
        path.contains("/manifests/").then(|| Say::Raw(Box::new(|stream| endless(stream, &[b' '; 4096]))))
    });
    assert_eq!(refused(&floods, ":1.0.0"), codes::REGISTRY_TOO_LARGE);
    let floods = says_for_component(|| Say::Raw(Box::new(|stream| endless(stream, &[0; 4096]))));
    assert_eq!(refused(&floods, ":1.0.0"), codes::CONTENT_SIZE);
    let headers = registry(content(), |_, _| {
        Some(Say::Raw(Box::new(|stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
            while stream.write_all(b"x-more: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n").is_ok() {}
        })))
    });
    assert_eq!(refused(&headers, ":1.0.0"), codes::REGISTRY_ANSWER);
    let pages = registry(content(), |path, _| {
        path.contains("/tags/")
            .then(|| answer("link: </v2/web/tags/list?n=1000&last=x>; rel=\"next\"\r\n", br#"{"tags":["a"]}"#))
    });
    assert_eq!(refused(&pages, "@^1"), codes::REGISTRY_ANSWER);
    let grew = most_kib() - before;
    assert!(grew < 8 << 10, "{grew} KiB, registries included");
}

#[test]
fn a_registry_that_is_slow_or_silent() {
    let drips = says_for_component(|| {
        Say::Raw(Box::new(|stream| {
            let _ =
                stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", COMPONENT.len()).as_bytes());
            for byte in COMPONENT {
                if stream.write_all(&[*byte]).is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        }))
    });
    let silent = registry(content(), |_, _| Some(Say::Raw(Box::new(|_| std::thread::sleep(Duration::from_secs(3))))));
    for slow in [drips, silent] {
        let place = tempfile::tempdir().unwrap();
        let limits = Limits { answer: Duration::from_millis(500), content: Duration::from_millis(500) };
        let client =
            Client::new(&slow.host(), &Connection { plain: true, limits, ..Connection::default() }, None).unwrap();
        let began = Instant::now();
        let refused = client.fetch(&reference(&slow.host(), ":1.0.0"), &store(place.path())).unwrap_err();
        assert_eq!(refused.code(), codes::REGISTRY_TIMEOUT);
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert!(stored(place.path()).is_empty());
    }
}

#[test]
fn a_registry_that_leads_elsewhere() {
    for location in [
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/x",
        "https://127.0.0.1/x",
        "file:///etc/passwd",
        "http://user@127.0.0.1/x",
        "//169.254.169.254/x",
        "http://[::ffff:169.254.169.254]/x",
        "",
    ] {
        let leads = says_for_component(move || Say::Answer(302, format!("location: {location}\r\n"), Vec::new()));
        assert_eq!(refused(&leads, ":1.0.0"), codes::REGISTRY_REDIRECT, "{location}");
    }
    let nowhere = says_for_component(|| Say::Answer(307, String::new(), Vec::new()));
    assert_eq!(refused(&nowhere, ":1.0.0"), codes::REGISTRY_ANSWER);
    let around = says_for_component(|| Say::Answer(302, format!("location: {}\r\n", blob()), Vec::new()));
    assert_eq!(refused(&around, ":1.0.0"), codes::REGISTRY_REDIRECT);
}

#[test]
fn a_redirect_to_storage_is_followed_without_the_login() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    let storage = LyingRegistry::start(Arc::new(move |_, path, headers| {
        assert_eq!(path, "/content?signature=x");
        counted.fetch_add(1 + usize::from(headers.contains("authorization")) * 100, Ordering::SeqCst);
        answer("", COMPONENT)
    }));
    let to = format!("http://{}/content?signature=x", storage.host());
    let leads = says_for_component(move || Say::Answer(307, format!("location: {to}\r\n"), Vec::new()));
    assert!(pull(&leads, ":1.0.0").is_ok());
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[test]
fn compressed_content() {
    let bomb = says_for_component(|| answer("content-encoding: gzip\r\n", b"\x1f\x8b"));
    assert_eq!(refused(&bomb, ":1.0.0"), codes::REGISTRY_ENCODING);
    let manifest =
        registry(content(), |path, _| path.contains("/manifests/").then(|| answer("content-encoding: zstd\r\n", b"x")));
    assert_eq!(refused(&manifest, ":1.0.0"), codes::REGISTRY_ENCODING);
}

#[test]
fn a_registry_that_dies_or_is_none() {
    let half = says_for_component(|| {
        Say::Raw(Box::new(|stream| {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", COMPONENT.len());
            let _ = stream.write_all(&[head.as_bytes(), &COMPONENT[..5]].concat());
        }))
    });
    assert_eq!(refused(&half, ":1.0.0"), codes::REGISTRY_CUT_OFF);
    let chunk = says_for_component(|| {
        Say::Raw(Box::new(|stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n\0asm,\r\n");
        }))
    });
    assert_eq!(refused(&chunk, ":1.0.0"), codes::REGISTRY_CUT_OFF);
    for (says, code) in [
        (&b"220 mail.example ESMTP\r\n"[..], codes::REGISTRY_ANSWER),
        (b"HTTP/1.1 200 OK\r\nx", codes::REGISTRY_UNREACHABLE),
        (b"", codes::REGISTRY_UNREACHABLE),
    ] {
        let strange = registry(content(), move |_, _| {
            Some(Say::Raw(Box::new(move |stream| {
                let _ = stream.write_all(says);
            })))
        });
        assert_eq!(refused(&strange, ":1.0.0"), code, "{}", says.escape_ascii());
    }
    for (status, code) in [
        (500, codes::REGISTRY_ANSWER),
        (201, codes::REGISTRY_ANSWER),
        (401, codes::REGISTRY_LOGIN),
        (403, codes::REGISTRY_LOGIN),
        (404, codes::NOT_IN_REGISTRY),
    ] {
        let refuses = says_for_component(move || Say::Answer(status, String::new(), Vec::new()));
        assert_eq!(refused(&refuses, ":1.0.0"), code, "{status}");
    }
    let gone = LyingRegistry::start(Arc::new(|_, _, _| answer("", b""))).host();
    let place = tempfile::tempdir().unwrap();
    let client = Client::new(&gone, &Connection { plain: true, ..Connection::default() }, None).unwrap();
    let refused = client.fetch(&reference(&gone, ":1.0.0"), &store(place.path())).unwrap_err();
    assert_eq!(refused.code(), codes::REGISTRY_UNREACHABLE);
}

#[test]
fn a_disk_that_is_full() {
    if !ansai_harness::requires_root() {
        return;
    }
    let small = Tmpfs::new(1);
    let component = vec![7; 2 << 20];
    let (manifest, config) = manifest_of(&component);
    let honest = registry(content_of(&manifest, &[&config, &component]), |_, _| None);
    let store = store(small.path());
    let full = client_of(&honest).fetch(&reference(&honest.host(), ":1.0.0"), &store).unwrap_err();
    assert_eq!(full.code(), codes::STORE_FULL);
    assert!(stored(small.path()).is_empty());
}

#[test]
fn eight_pulls_at_the_same_time() {
    let honest = registry(content(), |_, _| None);
    let place = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        let one = || {
            let store = store(place.path());
            let fetched = client_of(&honest).fetch(&reference(&honest.host(), ":1.0.0"), &store).unwrap();
            store.add(&fetched).unwrap();
            store.sweep(&[]).unwrap();
        };
        let all: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        all.into_iter().for_each(|one| one.join().unwrap());
    });
    let store = store(place.path());
    assert_eq!(store.entries().unwrap().len(), 1);
    assert_eq!(stored(place.path()).len(), 3);
    assert!(store.component(&store.entries().unwrap()[0].digest).is_ok());
}
