//! What an administrator sees of a plan: before it, after it, in the audit log, and when it is undone.

use std::time::{Duration, SystemTime};

use ansai_harness::{Tmpfs, binary, requires_root};

use crate::support::*;

/// The clock of ansai is ahead: nobody can set the change time of an inode back.
pub(crate) const AHEAD_HOURS: i64 = 24 * 60;
pub(crate) const LOGS: usize = 24;

/// A small file system that 24 old logs fill to three quarters.
pub(crate) struct Full {
    pub(crate) disk: Tmpfs,
    pub(crate) scene: Scene,
}

fn fill(disk: &Tmpfs) {
    for number in 0..LOGS {
        let path = disk.path().join(format!("app.log.{number}.gz"));
        std::fs::write(&path, vec![7; 1 << 20]).unwrap();
        let old = SystemTime::now() - Duration::from_secs(3600 * (100 + number as u64));
        std::fs::File::options().append(true).open(&path).unwrap().set_modified(old).unwrap();
    }
}

impl Full {
    pub(crate) fn new() -> Full {
        let (disk, scene) = (Tmpfs::new(32), Scene::new());
        fill(&disk);
        std::fs::write(disk.path().join("young.log.1.gz"), vec![7; 1 << 20]).unwrap();
        let young = SystemTime::now() + Duration::from_secs(3600 * 24 * 60);
        let file = std::fs::File::options().append(true).open(disk.path().join("young.log.1.gz")).unwrap();
        file.set_modified(young).unwrap();
        scene.policy("disk-space", &std::fs::read(binary::policy("disk-space")).unwrap());
        let root = disk.path().display();
        scene.configuration(&format!(
            "[policy.disk-space]\nsource = \"policies/disk-space\"\nmode = \"enforce\"\n[policy.disk-space.settings]\n\
             thresholds = {{ warning = 20, critical = 85, emergency = 95 }}\nlog_dirs = [\"{root}\"]\ntemp_dirs = []\n\
             [policy.disk-space.grant]\n\"ansai:disk/disk-probe\" = {{}}\n\
             \"ansai:files/files-probe\" = {{ roots = [\"{root}\"] }}\n\
             \"ansai:files/files-actions\" = {{ roots = [\"{root}\"], undo_hours = 48, hold_below_percent = 95 }}\n"
        ));
        Full { disk, scene }
    }

    /// As in the beginning.
    pub(crate) fn fill(&self) {
        fill(&self.disk);
    }

    pub(crate) fn ansai(&self, arguments: &[&str]) -> Ran {
        let config = ["--config", "ansai.toml"];
        let all = [arguments, &config[..]].concat();
        self.scene.command(&all).env("COLUMNS", "80").clock_offset_hours(AHEAD_HOURS).run()
    }

    /// The newest plan with steps in the audit log. Other file systems of this machine may have findings too.
    pub(crate) fn plan(&self) -> String {
        let exported = self.ansai(&["audit", "export"]).code(0).stdout;
        let records = exported.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let mut plans = records.filter_map(|entry| {
            entry["record"]["steps"].as_array()?.first()?;
            Some(entry["record"]["plan"].as_str()?.to_owned())
        });
        plans.next_back().expect("a plan")
    }

    pub(crate) fn logs(&self) -> usize {
        let names = std::fs::read_dir(self.disk.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("app.log.")).count()
    }
}

#[test]
fn a_plan_says_what_it_touches_why_and_until_when_it_can_be_undone() {
    if !requires_root() {
        return;
    }
    let full = Full::new();
    let root = full.disk.path().display().to_string();
    let ran = full.ansai(&["run", "--once", "--mode", "observe"]).code(3).says("not applied");
    let ran = ran.says("why ").says("touches ").says("skips ").says("evidence ");
    let counts = |ran: &Ran| ran.stdout.lines().any(|line| line.trim().starts_with("and ") && line.ends_with(" more"));
    assert!(counts(&ran), "{}", ran.stdout);
    assert_eq!(ran.stdout.matches(&format!("{root}/app.log.")).count(), 10, "{}", ran.stdout);
    let words = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(", undo until 20"), "{}", ran.stdout);
    let all = full.ansai(&["run", "--once", "--mode", "observe", "--verbose"]).code(3);
    assert!(all.stdout.matches(&format!("{root}/app.log.")).count() > 10, "{}", all.stdout);
    assert!(!counts(&all), "{}", all.stdout);

    // Nothing to undo is no error.
    let observed = full.plan();
    full.ansai(&["undo", &observed]).code(0).says("nothing to do: it was only observed, not applied");
    full.ansai(&["undo", &observed, "--step", "7"]).code(2).complains("has no step 7");
    assert_eq!(full.logs(), LOGS);

    full.ansai(&["run", "--once"]).says("quarantined");
    let plan = full.plan();
    assert!(full.logs() < LOGS);
    let shown = full.ansai(&["audit", "show", "--plan", &plan]).code(0).says("touches");
    assert!(counts(&shown), "{}", shown.stdout);
    let shown = shown.says(" for incident disk-space/").says("undo until 20").says("done: quarantined");
    assert!(!shown.stdout.contains("detect"), "{}", shown.stdout);
    let changes = full.ansai(&["audit", "show", "--since", "1h", "--changes"]).code(0).says(&plan).says("approved");
    assert!(!changes.stdout.contains(&observed) && !changes.stdout.contains("started"), "{}", changes.stdout);
    // The file of an approved plan has all names.
    let all = full.ansai(&["audit", "show", "--plan", &plan, "--verbose"]).code(0);
    assert!(all.stdout.matches(&format!("{root}/app.log.")).count() > 10 && !counts(&all), "{}", all.stdout);
    // Nothing at all would look like a command that did not work.
    let none = full.ansai(&["audit", "show", "--plan", &observed, "--changes"]).code(0).complains("no changes");
    assert!(none.stdout.is_empty(), "{}", none.stdout);

    // Undo needs the grants, and whoever asks for it needs no enforce mode.
    let ungranted = full.scene.command(&["undo", &plan]).clock_offset_hours(AHEAD_HOURS).run();
    ungranted.code(4).says("refused: denied: undo needs the grants of disk-space: pass --config FILE");
    assert!(full.logs() < LOGS);
    let text = std::fs::read_to_string(full.scene.path("ansai.toml")).unwrap();
    full.scene.configuration(&text.replace("mode = \"enforce\"", "mode = \"observe\""));
    full.ansai(&["undo", &plan]).code(0).says("undo until 20").says("reverted: restored").says("touches");
    assert_eq!(full.logs(), LOGS);
    full.ansai(&["undo", &plan]).code(0).says("nothing to do: step 0 is already undone");
    full.ansai(&["undo", &plan, "--step", "0"]).code(4).says("refused: step 0 is already undone");
    full.ansai(&["audit", "show", "--plan", &plan]).says(": refused: step 0 is already undone");
    full.ansai(&["undo", "20260101t000000-000-0000"]).code(2).complains("no plan 20260101t000000-000-0000");
}

#[test]
fn what_cannot_be_undone_is_permanent() {
    if !requires_root() {
        return;
    }
    let full = Full::new();
    let text = std::fs::read_to_string(full.scene.path("ansai.toml")).unwrap();
    full.scene.configuration(&text.replace("undo_hours = 48", "undo_hours = 0"));
    full.ansai(&["run", "--once", "--mode", "observe"]).code(3).says("PERMANENT");
}
