//! What the probe sees.

use ansai_core::{Refusal, Scope};
use ansai_harness::requires_root;
use ansai_local::service::fields::UNITS;
use serde_json::json;

use crate::scene::{PATIENCE, Scene, UnitFile, call};

const UNITS_HERE: &[UnitFile] = &[
    ("crash.service", "[Service]\nExecStart=/bin/sh -c 'exit 3'\n"),
    ("killed.service", "[Service]\nExecStart=/bin/sh -c 'kill -SEGV $$$$'\n"),
    (
        "web.service",
        "[Service]\nExecStart=/bin/sleep 1000\nRestart=on-failure\nExecReload=/bin/true\n[Install]\nAlias=www.service\nWantedBy=multi-user.target\n",
    ),
    ("app.service", "[Unit]\nRequires=web.service\nAfter=web.service\n[Service]\nExecStart=/bin/sleep 1000\n"),
    ("far.service", "[Unit]\nBindsTo=app.service\nAfter=app.service\n[Service]\nExecStart=/bin/sleep 1000\n"),
    ("worker@.service", "[Service]\nExecStart=/bin/sleep 1000\n"),
    ("once.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n"),
    ("fails-first.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n"),
    (
        "needs.service",
        "[Unit]\nRequires=fails-first.service\nAfter=fails-first.service\n[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n",
    ),
    ("broken.service", "[Service]\nType=simple\n"),
    ("hidden.service", "[Service]\nExecStart=/bin/sleep 1000\n"),
    (
        "limited.service",
        "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=600\n[Service]\nRestart=always\nExecStart=/bin/false\n",
    ),
];

#[test]
fn systemd_services_are_seen_as_they_are() {
    if !requires_root() {
        return;
    }
    let scene = Scene::new(UNITS_HERE, &[]);
    // Opens the connection, which hears how jobs end from then on.
    assert!(matches!(scene.probe("look", &json!({ "name": "nothing.service" })), Err(Refusal::NotFound(_))));
    scene.run("systemctl mask hidden.service && systemctl enable web.service needs.service");
    scene.run("systemctl start crash killed web app far worker@1 once");
    scene.try_run("systemctl start needs; for i in 1 2 3; do systemctl start limited; sleep 0.3; done");

    let crash = scene.wait_for("crash.service", "failed");
    assert_eq!(
        (&crash["ended"], &crash["exit-code"], &crash["last-job"]),
        (&json!("exit-code"), &json!(3), &json!("done"))
    );
    let killed = scene.wait_for("killed.service", "failed");
    assert!(killed["ended"] == "killed" || killed["ended"] == "core-dump", "{killed}");
    assert_eq!((&killed["exit-signal"], &killed["exit-code"]), (&json!(11), &json!(null)));

    let web = scene.look("www.service");
    assert_eq!(web["id"], "web.service");
    assert_eq!(web["about"], json!({ "kind": "unit", "name": "web.service" }));
    assert_eq!(
        (&web["active"], &web["sub-state"], &web["load"]),
        (&json!("active"), &json!("running"), &json!("loaded"))
    );
    assert_eq!(
        [&web["enabled"], &web["restarts-itself"], &web["can-reload"], &web["one-shot"], &web["never-touch"]],
        [true, true, true, false, false]
    );
    assert!(web["main-pid"].as_u64().unwrap() > 1 && web["since"].as_u64().unwrap() > 0);
    assert_eq!(web["invocation"].as_str().unwrap().len(), 32);
    assert_eq!(scene.look("systemd-journald.service")["never-touch"], true);

    assert_eq!(scene.look("worker@1.service")["active"], "active");
    assert!(matches!(scene.probe("look", &json!({ "name": "worker@.service" })), Err(Refusal::Invalid(_))));
    let once = scene.look("once.service");
    assert_eq!(
        [&once["one-shot"], &once["active"], &once["ended"]],
        [&json!(true), &json!("inactive"), &json!("success")]
    );
    let needs = scene.look("needs.service");
    assert_eq!([&needs["active"], &needs["ended"], &needs["last-job"]], ["inactive", "dependency", "dependency"]);
    assert_eq!(scene.look("hidden.service")["load"], "masked");
    assert_eq!(scene.look("broken.service")["load"], "broken");
    let limited = scene.wait_for("limited.service", "failed");
    assert_eq!(limited["ended"], "exit-code", "systemd keeps how it ended before its start limit");
    assert!(limited["restarts"].as_u64().unwrap() + 1 >= 2, "{limited}");
    assert_eq!((&limited["start-burst"], &limited["start-interval"]), (&json!(2), &json!(600_000)));
    assert!(matches!(scene.probe("look", &json!({ "name": "init.scope" })), Err(Refusal::Unsupported(_))));

    let list = |globs: &[&str]| scene.probe("list-units", &json!({ "globs": globs, "cursor": null })).unwrap();
    let names = |page: &serde_json::Value| -> Vec<String> {
        page["entries"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let some = list(&["web*", "www*", "crash.service", "worker@*"]);
    assert_eq!(names(&some), ["crash.service", "web.service", "worker@1.service"], "no alias is listed");
    assert_eq!((&some["skipped"], &some["complete"], &some["cursor"]), (&json!(0), &json!(true), &json!(null)));
    let all = names(&list(&[]));
    assert!(all.len() > 8 && all.is_sorted() && all.contains(&"systemd-journald.service".to_owned()), "{all:?}");
    let after = scene.probe("list-units", &json!({ "globs": [], "cursor": "web.service" })).unwrap();
    assert_eq!(names(&after), all.iter().filter(|name| name.as_str() > "web.service").cloned().collect::<Vec<_>>());

    let dependants = scene.probe("list-dependants", &json!({ "name": "www.service", "cursor": null })).unwrap();
    let entry = |id: &str, distance| json!({ "about": { "kind": "unit", "name": id }, "id": id, "active": "active", "distance": distance });
    assert_eq!(dependants["entries"], json!([entry("app.service", 1), entry("far.service", 2)]), "{dependants}");

    // An alias that the grant covers leads to a service that it does not cover.
    let narrow = Scope::default().with_set(&UNITS, ["www.service", "crash.service"]);
    let look = call(&scene.host, &narrow, PATIENCE, "look", &json!({ "name": "www.service" }));
    assert!(matches!(&look, Err(Refusal::Denied(why)) if why.contains("web.service")), "{look:?}");
    let listed = call(&scene.host, &narrow, PATIENCE, "list-units", &json!({ "globs": [], "cursor": null })).unwrap();
    assert_eq!(names(&listed), ["crash.service"]);
}
