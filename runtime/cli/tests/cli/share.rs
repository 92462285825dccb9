//! Built-in policies: `builtin:NAME`, `--share-dir`, and `ansai run` without DIR.

use std::os::unix::fs::PermissionsExt as _;

use ansai_harness::Ansai;

use crate::support::*;

const RUN: [&str; 4] = ["run", "--once", "--share-dir", "share"];

/// A share directory with the policies `quiet` and `sees`, and what is none.
fn place() -> Scene {
    let place = Scene::new();
    for (name, bytes) in [("quiet", quiet("quiet")), ("sees", sees("sees"))] {
        place.write(&format!("share/policies/{name}/{name}.wasm"), bytes);
    }
    place.write("share/policies/sdk/readme", "");
    place.write("share/policies/Upper/Upper.wasm", "");
    permit(&place.path("share"), 0o755);
    permit(&place.path("share/policies"), 0o755);
    place
}

#[test]
fn without_a_directory_all_built_in_policies_run() {
    let place = place();
    place.ansai(&RUN).code(0).says("quiet: nothing").says("sees: nothing").says("mode observe");
    let ran = place.ansai(&["run", "builtin:quiet", "--once", "--share-dir", "share"]).code(0).says("quiet: nothing");
    assert!(!ran.stdout.contains("sees"), "{}", ran.stdout);
    // What was run without a configuration is replayed without one.
    place.ansai(&["replay", "--all", "--share-dir", "share"]).code(0).says("identical").says("0 not replayed");
    place.ansai(&["check", "--share-dir", "share"]).code(0).says("ok     quiet").says("ok     sees");
    let suggested = place.ansai(&["check", "--suggest-grants", "--share-dir", "share"]).code(0).stdout;
    assert!(suggested.contains("\nsource = \"builtin:quiet\"\n"), "{suggested}");
    place.write("suggested.toml", suggested);
    let suggested = [&RUN[..], &["--config", "suggested.toml"]].concat();
    place.ansai(&suggested).code(0).says("quiet: nothing").says("sees: nothing");
    place.ansai(&["inspect", "builtin:sees", "--share-dir", "share"]).code(0).says("ansai:disk/disk-probe");
    place.ansai(&["check", "builtin:sees", "--share-dir", "share"]).code(0).says("ok");
}

#[test]
fn a_configuration_names_built_in_policies() {
    let place = place();
    place.write("ansai.toml", "[policy.mine]\nsource = \"builtin:quiet\"\nmode = \"enforce\"\n");
    let run = [&RUN[..], &["--config", "ansai.toml"]].concat();
    place.ansai(&run).code(0).says("mine: nothing").says("mode enforce");
    place.ansai(&["check", "--config", "ansai.toml", "--share-dir", "share"]).code(0).says("[policy.mine]");
    place.ansai(&["replay", "--all", "--config", "ansai.toml", "--share-dir", "share"]).code(0).says("identical");
    // Named like a built-in policy, without a source.
    place.write("ansai.toml", "[policy.quiet]\n");
    place.ansai(&run).code(2).complains("error[unknown-policy]").complains("source = \"builtin:quiet\"");
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let place = place();
    for (name, hint) in [("quite", "did you mean `quiet`?"), ("xyz", "known here: `quiet`, `sees`"), ("sdk", "known")] {
        let run = ["run", &format!("builtin:{name}"), "--once", "--share-dir", "share"];
        place.ansai(&run).code(2).complains("error[unknown-builtin]").complains(hint);
        place.write("ansai.toml", format!("[policy.p]\nsource = \"builtin:{name}\"\n"));
        let run = [&RUN[..], &["--config", "ansai.toml"]].concat();
        place.ansai(&run).code(2).complains("error[unknown-builtin]").complains(hint);
    }
    place.ansai(&["run", "builtin:../quiet", "--once", "--share-dir", "share"]).code(2).complains("unknown-builtin");
    place.write("ansai.toml", "[policy.p]\nsource = \"builtin:../quiet\"\n");
    place.ansai(&[&RUN[..], &["--config", "ansai.toml"]].concat()).code(2).complains("[bad-name]");
}

#[test]
fn no_share_directory_is_no_panic() {
    let place = Scene::new();
    place.ansai(&["run", "--once"]).code(2).complains("error[no-share-directory]").complains("--share-dir DIR");
    place.ansai(&RUN).code(2).complains("error[no-share-directory]");
    place.write("share/policies", "a file");
    place.ansai(&RUN).code(2).complains("error[no-share-directory]");
    let place = Scene::new();
    place.write("share/policies/readme", "");
    place.ansai(&RUN).code(2).complains("has no built-in policies");
    assert!(!place.path("state").exists(), "a run that did not begin left something");
}

#[test]
fn a_share_directory_that_another_user_can_write_is_refused() {
    let place = place();
    place.write("ansai.toml", "[policy.quiet]\nsource = \"builtin:quiet\"\n");
    let configured = [&RUN[..], &["--config", "ansai.toml"]].concat();
    // Elsewhere, because a state directory below one that others can write is refused too.
    let state = tempfile::tempdir().unwrap();
    let parts = ["", "share", "share/policies", "share/policies/quiet", "share/policies/quiet/quiet.wasm"];
    for part in parts {
        let path = std::fs::canonicalize(place.path(part)).unwrap();
        let before = std::fs::metadata(&path).unwrap().permissions().mode();
        permit(&path, before | 0o002);
        for run in [&RUN[..], &["run", "builtin:quiet", "--once", "--share-dir", "share"], &configured] {
            let ran = Ansai::new().current_dir(place.root()).state_dir(state.path()).args(run).run();
            let ran = ran.code(4).complains("error[untrusted-share-directory]");
            ran.complains(&format!("chmod go-w {}", path.display()));
        }
        permit(&path, before);
    }
    place.ansai(&RUN).code(0);
}
