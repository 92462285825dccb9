//! The store: what it keeps, what it removes, and what it notices.

use std::path::Path;

use ansai_core::codes;
use ansai_harness::server::oci::LyingRegistry;
use ansai_registry::{Credentials, Digest, Entry, Fetched, Login, Store};
use ansai_storage::Directory;
use zeroize::Zeroizing;

use crate::artifact::{COMPONENT, client_of, content, manifest_with, reference, registry, store, stored};

fn fetched(store: &Store) -> (LyingRegistry, Fetched) {
    let honest = registry(content(), |_, _| None);
    let fetched = client_of(&honest).fetch(&reference(&honest.host(), ":1.0.0"), store).unwrap();
    (honest, fetched)
}

fn file(place: &Path, digest: &Digest) -> std::path::PathBuf {
    place.join("registry/blobs/sha256").join(digest.hex())
}

#[test]
fn content_is_there_until_its_last_name_is_gone() {
    let place = tempfile::tempdir().unwrap();
    let store = store(place.path());
    let (_registry, fetched) = fetched(&store);
    let (digest, name) = (fetched.manifest.digest.clone(), fetched.reference.clone());
    assert_eq!(store.sweep(&[]).unwrap(), 0, "it is being pulled");
    store.add(&fetched).unwrap();
    drop(fetched);
    assert_eq!((store.sweep(&[]).unwrap(), stored(place.path()).len()), (0, 3));
    assert_eq!(std::fs::read(store.component(&digest).unwrap().0).unwrap(), COMPONENT);
    store.remove(&name).unwrap();
    assert_eq!(store.remove(&name).unwrap_err().code(), codes::NOT_PULLED);
    assert_eq!(
        (store.sweep(std::slice::from_ref(&digest)).unwrap(), stored(place.path()).len()),
        (0, 3),
        "it is pinned"
    );
    assert!(store.sweep(&[]).unwrap() > 0);
    assert!(stored(place.path()).is_empty());
    assert_eq!(store.component(&digest).unwrap_err().code(), codes::NOT_PULLED);
}

#[test]
fn a_pinned_policy_whose_manifest_cannot_be_read_keeps_its_component() {
    let place = tempfile::tempdir().unwrap();
    let store = store(place.path());
    let (_registry, fetched) = fetched(&store);
    let (manifest, component) = (fetched.manifest.digest.clone(), fetched.component.digest.clone());
    drop(fetched);
    // A directory stands for a disk that does not read: root reads every file.
    let (path, aside) = (file(place.path(), &manifest), place.path().join("aside"));
    std::fs::rename(&path, &aside).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(store.sweep(std::slice::from_ref(&manifest)).unwrap_err().code(), codes::FILE_ACCESS);
    assert!(file(place.path(), &component).exists());
    std::fs::remove_dir(&path).unwrap();
    std::fs::rename(&aside, &path).unwrap();
    assert_eq!(store.sweep(std::slice::from_ref(&manifest)).unwrap(), 0);
    assert!(store.component(&manifest).is_ok());
}

#[test]
fn a_copy_has_the_sizes_that_its_manifest_announces() {
    let (place, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ours = store(place.path());
    let (_registry, fetched) = fetched(&ours);
    ours.add(&fetched).unwrap();
    // A manifest that announces more bytes than the component has, under a name of its own.
    let (manifest, _) = manifest_with(&fetched.component.digest, COMPONENT.len() + 1);
    let bytes = manifest.to_string().into_bytes();
    let digest = Digest::of(&bytes);
    std::fs::write(file(place.path(), &digest), &bytes).unwrap();
    let entry = Entry { reference: fetched.reference.clone(), digest };
    assert_eq!(ours.copy(&entry, &store(other.path())).unwrap_err().code(), codes::CONTENT_SIZE);
    assert!(stored(other.path()).is_empty());
}

#[test]
fn changed_content_is_noticed_and_pulled_again() {
    let place = tempfile::tempdir().unwrap();
    let store = store(place.path());
    let (registry, fetched) = fetched(&store);
    let manifest = fetched.manifest.digest.clone();
    for digest in [&fetched.component.digest, &manifest] {
        let path = file(place.path(), digest);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[0] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(store.component(&manifest).unwrap_err().code(), codes::STORE_DAMAGED);
        client_of(&registry).fetch(&fetched.reference, &store).unwrap();
        assert!(store.component(&manifest).is_ok());
    }
}

#[test]
fn a_link_in_the_store_is_not_followed() {
    let place = tempfile::tempdir().unwrap();
    let store = store(place.path());
    let (_registry, fetched) = fetched(&store);
    let (path, elsewhere) = (file(place.path(), &fetched.component.digest), place.path().join("elsewhere"));
    std::fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert_eq!(store.component(&fetched.manifest.digest).unwrap_err().code(), codes::FILE_ACCESS);
}

#[test]
fn a_copy_is_a_store_of_its_own() {
    let (place, usb) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ours = store(place.path());
    let (_registry, fetched) = fetched(&ours);
    ours.add(&fetched).unwrap();
    let copied = Store::at(Directory::create(usb.path().join("policies")).unwrap()).unwrap();
    for entry in ours.entries().unwrap() {
        let copy = ours.copy(&entry, &copied).unwrap();
        copied.add(&copy).unwrap();
    }
    let again = Store::at_existing(Directory::open(usb.path().join("policies")).unwrap()).unwrap();
    assert_eq!(again.entries().unwrap(), ours.entries().unwrap());
    // Whoever has the stick can change it.
    let blob = usb.path().join("policies/blobs/sha256").join(fetched.component.digest.hex());
    std::fs::write(blob, b"changed").unwrap();
    let entry = &again.entries().unwrap()[0];
    let other = tempfile::tempdir().unwrap();
    assert_eq!(again.copy(entry, &store(other.path())).unwrap_err().code(), codes::STORE_DAMAGED);
    assert!(stored(other.path()).is_empty());
    assert!(Store::at_existing(Directory::open(other.path()).unwrap()).is_err());
}

#[test]
fn an_index_of_nonsense_is_an_error_and_foreign_names_are_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let store = store(place.path());
    let index = place.path().join("registry/index.json");
    std::fs::write(&index, b"{").unwrap();
    assert_eq!(store.entries().unwrap_err().code(), codes::REGISTRY_FILE);
    let foreign = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"x",
        "digest":"{}","size":1,"annotations":{{"org.opencontainers.image.ref.name":"../../etc"}}}}]}}"#,
        Digest::of(b"")
    );
    std::fs::write(&index, foreign).unwrap();
    assert!(store.entries().unwrap().is_empty());
    let (_registry, fetched) = fetched(&store);
    store.add(&fetched).unwrap();
    assert!(std::fs::read_to_string(&index).unwrap().contains("../../etc"));
}

#[test]
fn logins_are_kept_for_their_registry() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = tempfile::tempdir().unwrap();
    let store = store(place.path());
    let login = |secret: &str| Login { user: "deploy".to_owned(), secret: Zeroizing::new(secret.to_owned()) };
    for (registry, secret) in [("a.example", "old"), ("b.example:5000", "other"), ("a.example", "new")] {
        Credentials::of(&store).unwrap().keep(&store, registry, &login(secret)).unwrap();
    }
    let kept = Credentials::of(&store).unwrap();
    assert_eq!(kept.get("a.example").unwrap().secret.as_str(), "new");
    assert_eq!(kept.get("b.example:5000").unwrap().secret.as_str(), "other");
    assert!(kept.get("b.example").is_none());
    let file = place.path().join("registry/logins.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(&file, b"{\"a.example\":{\"user\":\"u\",\"secret\":12345}}").unwrap();
    let Err(invalid) = Credentials::of(&store) else { panic!("read") };
    assert!(!invalid.to_string().contains("12345"));
    assert_eq!(invalid.code(), codes::REGISTRY_FILE);
}
