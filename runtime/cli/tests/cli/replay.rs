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

/// Would break: a file for each of thousands of samples, or a sample that cannot be replayed.
#[test]
fn samples_of_many_instances_are_replayed_from_one_file() {
    let place = Scene::new();
    place.policy("p", &sees("p"));
    let grant = "\"ansai:disk/disk-probe\" = {}";
    let one = |number: u32| format!("[policy.p{number}]\nsource = \"policies/p\"\n[policy.p{number}.grant]\n{grant}\n");
    let config = place.configuration(&(0..121).map(one).collect::<String>());
    place.ansai(&["run", "--once", "--config", config.to_str().unwrap()]).code(0);
    let entries = std::fs::read_dir(place.path("state/recordings")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = entries.filter(|path| !path.ends_with("lock")).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    place.ansai(&["replay", "--all", "--policies", "policies"]).code(0).says("121 recordings: 121 identical");
    let list = place.ansai(&["recordings", "list", "--format", "json"]).code(0).json();
    let id = list[60]["id"].as_str().unwrap();
    place.ansai(&["recordings", "show", id]).code(0).says("ansai:disk/disk-probe.list-filesystems");
    // A bit of this recording only.
    let mut bytes = std::fs::read(&files[0]).unwrap();
    let name = bytes.windows(id.len()).position(|part| part == id.as_bytes()).unwrap();
    bytes[name + id.len() + 100] ^= 1;
    std::fs::write(&files[0], bytes).unwrap();
    place.ansai(&["replay", id, "--policies", "policies"]).code(4);
    place.ansai(&["replay", "--all", "--policies", "policies"]).code(4).says("120 identical, 0 different, 1 refused");
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
