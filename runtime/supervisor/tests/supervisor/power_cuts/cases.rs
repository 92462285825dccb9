//! How far a step is when the power is cut, and what must be known of it then and after the next start.

use std::path::Path;

use ansai_core::OnFailure;

use crate::guarded::{BY_GUARD, BY_HOST, CONFIRMED};
use crate::scene::Scene;
use crate::script::{Call, Script, Step};

/// A time that no test reaches.
const LONG_MS: u64 = 3_600_000;
/// Longer than a step needs from its guard to its change, also on a slow machine. The guard fires a quarter later.
const SHORT_MS: u64 = 30_000;
pub(super) const INTENT: [&str; 1] = ["intent"];
pub(super) const GUARDED: [&str; 2] = ["intent", "guarded"];
pub(super) const PROVISIONAL: [&str; 3] = ["intent", "guarded", "outcome provisional"];
pub(super) const PUT_BACK: [&str; 4] = ["intent", "guarded", "outcome provisional", BY_HOST];
pub(super) const FOR_A_TIME: [&str; 4] = ["intent", "guarded", "outcome done", BY_HOST];
pub(super) const GONE: [&str; 5] = ["intent", "guarded", "outcome provisional", "confirming", BY_GUARD];
pub(super) const FAILED: [&str; 3] = ["intent", "guarded", "outcome failed"];

/// How far a step is when the power is cut, and what is known of it.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// Where its process lingers; empty if it runs to its end.
    pub(super) point: &'static str,
    pub(super) call: Call,
    pub(super) lasts_ms: u64,
    /// What the audit log on the disk has after the cut.
    pub(super) at_cut: &'static [&'static str],
    /// What it has after the next start.
    pub(super) after: &'static [&'static str],
    /// What the file holds then.
    pub(super) file: &'static str,
}

impl Case {
    /// A provisional step that is cut at a point which no other case has.
    pub(super) const fn at(
        point: &'static str,
        at_cut: &'static [&'static str],
        after: &'static [&'static str],
        file: &'static str,
    ) -> Case {
        Case { name: point, point, call: Call::Set, lasts_ms: LONG_MS, at_cut, after, file }
    }

    pub(super) const fn named(self, name: &'static str) -> Case {
        Case { name, ..self }
    }

    /// Whether the step changes something that is in memory only, like a route.
    pub(super) fn is_in_memory(&self) -> bool {
        self.name.starts_with("memory")
    }

    /// Whether the thing is healthy as soon as the step acted.
    pub(super) fn helps(&self) -> bool {
        matches!(self.point, "disarmed" | "")
    }

    pub(super) fn inside(&self) -> String {
        format!("/scenes/{}", self.name)
    }

    /// What is on its disk at first.
    pub(super) fn prepare(&self, content: &Path) {
        std::fs::create_dir(content).unwrap();
        let (scene, inside) = (Scene::at(content), Path::new(&self.inside()).to_owned());
        match self.is_in_memory() {
            true => std::os::unix::fs::symlink(self.in_memory(), scene.path("file")).unwrap(),
            false => std::fs::write(scene.path("file"), "old").unwrap(),
        }
        if !self.point.is_empty() {
            std::fs::write(scene.path("stop-at"), self.point).unwrap();
        }
        let step = Step::new(self.call, self.lasts_ms, 0, inside.join("file"));
        let healthy = inside.join(if self.helps() { "history" } else { "healthy" });
        scene.script(&Script::sick(vec![step], OnFailure::Stop).healthy_once(healthy));
    }

    pub(super) fn in_memory(&self) -> String {
        format!("/run/{}", self.name)
    }
}

/// At each point between arming, acting and confirming; with all of them if the machine has time for that.
pub(super) fn cases() -> Vec<Case> {
    let sample = [
        Case::at("armed", &INTENT, &["intent", "outcome failed"], "old"),
        // What it wrote is lost with the memory.
        Case::at("acted", &GUARDED, &FAILED, "old"),
        Case::at("acted", &GUARDED, &PUT_BACK, "old").named("acted-and-flushed"),
        Case::at("provisional", &PROVISIONAL, &PUT_BACK, "old"),
        Case::at("disarmed", &CONFIRMED[..4], &CONFIRMED, "new"),
        // The change is gone, so the confirmation has nothing to confirm.
        Case::at("disarmed", &CONFIRMED[..4], &GONE, "old").named("memory-disarmed"),
    ];
    let all = std::env::var_os("ANSAI_TEST_ALL_POINTS").is_some();
    sample.into_iter().chain(further_cases().into_iter().filter(|_| all)).collect()
}

pub(super) fn further_cases() -> [Case; 6] {
    [
        Case::at("before", &GUARDED, &FAILED, "old"),
        Case::at("provisional", &PROVISIONAL, &PUT_BACK, "old").named("memory-provisional"),
        Case { lasts_ms: SHORT_MS, ..Case::at("undone", &PROVISIONAL, &PUT_BACK, "old") },
        // ansai is killed there, and its guard fires before the power is cut.
        Case { lasts_ms: SHORT_MS, ..Case::at("acted", &GUARDED, &FAILED, "old").named("fired") },
        Case::at("", &CONFIRMED, &CONFIRMED, "new").named("confirmed"),
        for_a_time(),
    ]
}

pub(super) fn for_a_time() -> Case {
    let case = Case::at("provisional", &FOR_A_TIME[..3], &FOR_A_TIME, "old").named("for-a-time");
    Case { call: Call::SetForATime, ..case }
}
