//! One instance with two tables: logs are kept for 30 days, temporary files for 7.

use std::time::{Duration, SystemTime};

use ansai_harness::{Tmpfs, requires_root};

use crate::scene::{
    AHEAD_HOURS, ansai_beside, config_granting, finding, measured, replay_all, set_modified, write_old,
};

#[test]
fn each_directory_keeps_its_files_as_long_as_its_table_says() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::new(64);
    let (log, tmp) = (disk.path().join("log"), disk.path().join("tmp"));
    let file = |name: &str, days: u64| {
        let path = disk.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_old(&path, 1 << 20, 0);
        // As old as the clock of the run sees it.
        let age = Duration::from_secs(days * 24 * 3600 + 60);
        set_modified(&path, SystemTime::now() + Duration::from_secs(AHEAD_HOURS as u64 * 3600) - age);
        path
    };
    let kept = [file("log/app.log.1.gz", 8), file("log/app.log.2.gz", 29), file("tmp/young", 6)];
    let gone = [file("log/app.log.3.gz", 31), file("tmp/a", 8), file("tmp/b", 40)];
    for index in 0.. {
        if disk.used_share() > 0.97 {
            break;
        }
        write_old(&disk.path().join(format!("ballast-{index}")), 1 << 20, 1);
    }
    // The policy itself would remove all of them: the tables keep them.
    let actions = format!(
        "[{{ roots = [{log:?}], min_age_hours = 720 }}, {{ roots = [{tmp:?}], min_age_hours = 168, undo_hours = 0 }}]"
    );
    let config = config_granting(disk.path(), "enforce", &actions, "1 day")
        .replace("temp_dirs = []", &format!("temp_dirs = [{tmp:?}]\ntemp_files_older_than = \"1 day\""));
    let state = tempfile::tempdir().unwrap();
    let ran = ansai_beside(disk.path())
        .args(["run", "--once", "--format", "json", "--mode", "enforce"])
        .config(&config)
        .state_dir(state.path())
        .run();
    let finding = finding(&ran, disk.path());
    assert_eq!(measured(&finding, "removed-files"), gone.len() as u64, "{finding:#}");
    assert!(kept.iter().all(|path| path.exists()), "{finding:#}");
    assert!(!gone.iter().any(|path| path.exists()), "{finding:#}");
    replay_all(state.path());
}
