//! Recordings run again.

use crate::support::*;

fn recorded(place: &Scene) -> String {
    place.ansai(&["run", "policies", "--once"]);
    let list = place.ansai(&["recordings", "list", "--format", "json"]).code(0).json();
    list[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn the_same_component_gives_the_same() {
    let place = Scene::new();
    place.policy("p", &sees("p"));
    let id = recorded(&place);
    place.ansai(&["recordings", "show", &id]).code(0).says("ansai:disk/disk-probe.list-filesystems");
    place.ansai(&["replay", &id, "--policies", "policies"]).code(0).says("identical, including fuel");
    place.ansai(&["replay", "--all", "--policies", "policies"]).code(0).says("1 recording: 1 identical");
    place.ansai(&["replay", &id]).code(2).complains("no component here has the digest").complains("--policies DIR");
    place.ansai(&["replay", "--all"]).code(5).says("1 not replayed");
}

#[test]
fn another_component_differs() {
    let place = Scene::new();
    place.policy("p", &sees("p"));
    let id = recorded(&place);
    let other = place.write("other.wasm", sick("p"));
    let other = other.to_str().unwrap();
    place.ansai(&["replay", &id, "--with", other]).code(4).says("differs: call 1").says("no further call");
}

#[test]
fn what_the_log_does_not_know_is_refused() {
    let place = Scene::new();
    place.policy("p", &sees("p"));
    let id = recorded(&place);
    place.ansai(&["replay", "nothing-of-that-name", "--policies", "policies"]).code(2).complains("no recording");
    let other = recorded(&place);
    assert_ne!(id, other);
    let file = |id: &str| {
        let entries = std::fs::read_dir(place.path("state/recordings")).unwrap().map(|entry| entry.unwrap().path());
        entries.into_iter().find(|path| path.to_str().unwrap().contains(id)).unwrap()
    };
    let replay = |id: &str| place.ansai(&["replay", id, "--policies", "policies"]);
    std::fs::copy(file(&other), file(&id)).unwrap();
    replay(&id).code(4).complains("is not the one that was recorded");
    let forged = file(&id).to_str().unwrap().replace(&id, "forged");
    std::fs::rename(file(&id), forged).unwrap();
    replay("forged").code(4).complains("the audit log does not name recording");
    replay(&other).code(0);
    place.ansai(&["replay", "--all", "--policies", "policies"]).code(4).says("1 identical, 0 different, 1 refused");
    std::fs::remove_dir_all(place.path("state/audit")).unwrap();
    replay(&other).code(4).complains("the audit log does not name recording");
}
