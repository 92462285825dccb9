//! Guards that are timers of a real systemd: ansai is killed between arming, acting and confirming. The host runs this
//! test's own program.

use std::path::Path;
use std::time::Duration;

use ansai_core::{Event, Millis, OnFailure, Outcome, RetryPolicy};
use ansai_harness::{Invocation, SystemdHost, requires_root};

use crate::guarded::{BY_HOST, CONFIRMED, told};
use crate::killed;
use crate::scene::{Scene, eventually};
use crate::script::{Call, Script, Step};
use crate::set_file;
use crate::test_guards;

/// Where the directory of the test is inside.
const INSIDE: &str = "/srv/scenes";
const LONG_MS: u64 = 600_000;
/// A step must act within this time, also on a slow machine. The timer fires a quarter later.
const SHORT_MS: u64 = 20_000;

#[test]
#[ignore = "not a test: what the tests beside it run as a process of their own"]
fn the_process_inside() {
    let Some(place) = killed::place() else { return };
    std::fs::write(place.join("pid"), std::process::id().to_string()).unwrap();
    let mut scene = Scene::at(&place);
    scene.retry_policy = RetryPolicy { cooldown: Millis::from_hours(1), ..scene.retry_policy };
    scene.host = test_guards::systemd;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let after_its_outcome = async {
        while scene.text("stop-at") == "provisional" && scene.outcomes().is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        set_file::point(&scene.path("file"), "provisional");
    };
    runtime.block_on(async {
        let supervisor = scene.open();
        tokio::join!(supervisor.run_once(), after_its_outcome)
    });
}

/// One scene, as it is seen outside.
struct Outside<'a> {
    host: &'a SystemdHost,
    scene: Scene,
    name: &'static str,
}

impl<'a> Outside<'a> {
    fn new(host: &'a SystemdHost, directory: &Path, name: &'static str, lasts_ms: u64) -> Outside<'a> {
        let path = directory.join(name);
        std::fs::create_dir(&path).unwrap();
        let outside = Outside { host, scene: Scene::at(&path), name };
        std::fs::write(outside.scene.path("file"), "old").unwrap();
        let step = Step::new(Call::Set, lasts_ms, 0, outside.inside().join("file"));
        // Healthy as soon as it acted, where the test wants a confirmation.
        let healthy = outside.inside().join(if name == "disarmed" { "history" } else { "healthy" });
        outside.scene.script(&Script::sick(vec![step], OnFailure::Stop).healthy_once(healthy));
        outside
    }

    fn inside(&self) -> std::path::PathBuf {
        Path::new(INSIDE).join(self.name)
    }

    fn ansai(&self) -> Invocation {
        let set = format!("{}={}", killed::PLACE, self.inside().display());
        let test = ["/usr/bin/ansai-test", "--exact", "systemd_guards::the_process_inside", "--ignored", "--nocapture"];
        self.host.invocation().arg("env").arg(set).args(test)
    }

    /// Kills ansai at the point with the name of the scene.
    async fn killed(&self) {
        std::fs::write(self.scene.path("stop-at"), self.name).unwrap();
        let mut ansai = self.ansai().spawn();
        eventually(|| (self.scene.text("reached") == self.name).then_some(())).await;
        let pid = self.scene.text("pid");
        self.host.exec(&["kill", "-KILL", &pid]).expect_code(0);
        ansai.wait(Duration::from_secs(60));
        std::fs::remove_file(self.scene.path("stop-at")).unwrap();
    }

    /// The next start, after which there is no guard.
    fn starts(&self) {
        self.ansai().run().expect_code(0);
        assert_eq!(self.units(), "", "{}", self.name);
    }

    /// The units of guards, with their states.
    fn units(&self) -> String {
        let list = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "ansai-guard-*"];
        // The columns are as wide as they need to be.
        self.host.exec(&list).expect_code(0).stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Would break: a guard that is a part of ansai, one that is armed after the step, one that outlives its step.
#[tokio::test]
async fn systemd_timers_put_back_what_a_killed_ansai_left() {
    if !requires_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    // The contract of the test policy is read there.
    let repository = ansai_harness::binary::repository();
    let binds = [
        (program.as_path(), "/usr/bin/ansai-test"),
        (directory.path(), INSIDE),
        (repository.as_path(), repository.to_str().unwrap()),
    ];
    let host = SystemdHost::start(&binds);
    let scene = |name, lasts_ms| Outside::new(&host, directory.path(), name, lasts_ms);

    // Nobody starts ansai again: the timer does it, and the next start tells.
    let acted = scene("acted", SHORT_MS);
    acted.killed().await;
    eventually(|| (acted.scene.text("history") == "set file\nguard file\n").then_some(())).await;
    assert_eq!(acted.scene.text("file"), "old");
    acted.starts();
    assert_eq!(told(&acted.scene), ["intent", "guarded", "outcome reverted"]);

    let expected: [(&str, &[&str], &str); 4] = [
        ("armed", &["intent", "outcome failed"], "old"),
        ("before", &["intent", "guarded", "outcome failed"], "old"),
        ("provisional", &["intent", "guarded", "outcome provisional", BY_HOST], "old"),
        ("disarmed", &CONFIRMED, "new"),
    ];
    for (name, events, file) in expected {
        let scene = scene(name, LONG_MS);
        scene.killed().await;
        let units = scene.units();
        assert_eq!(units.contains(".timer loaded active waiting"), name != "disarmed", "{name}: {units}");
        scene.starts();
        assert_eq!(
            (told(&scene.scene).as_slice(), scene.scene.text("file").as_str()),
            (owned(events).as_slice(), file)
        );
    }

    // systemd makes no timer.
    let refuses = "mv /usr/bin/systemd-run /usr/bin/systemd-run.away; \
                   printf '#!/bin/sh\necho out of timers >&2; exit 1\n' > /usr/bin/systemd-run; \
                   chmod 755 /usr/bin/systemd-run";
    host.exec(&["sh", "-c", refuses]).expect_code(0);
    let refused = scene("refused", LONG_MS);
    refused.ansai().run().expect_code(0);
    let text = refused.scene.events().into_iter().find_map(|event| match event {
        Event::Outcome { outcome: Outcome::Refused, detail, .. } => Some(detail),
        _ => None,
    });
    let text = text.unwrap();
    assert!(text.contains("out of timers") && text.ends_with("(no-guard)"), "{text}");
    assert_eq!((refused.scene.text("file"), refused.scene.text("history")), ("old".into(), String::new()));
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
