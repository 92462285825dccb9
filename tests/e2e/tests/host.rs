//! The journal and the package cache of a Debian host with a real systemd.

use ansai_harness::{SystemdHost, binary, requires_root};
use serde_json::Value;

const CONFIG: &str = r#"
[daemon]
state_dir = "/var/lib/ansai"
mode = "enforce"
[policy.disk-space]
source = "/opt/policies/disk-space"
[policy.disk-space.settings]
journal_size = "16M"
thresholds = { warning = 10, critical = 60, emergency = 95 }
[policy.disk-space.grant]
"ansai:disk/disk-probe" = {}
"ansai:journal/journal-probe" = {}
"ansai:journal/journal-vacuum-actions" = { min_keep_bytes = "16M" }
"ansai:packages/package-cache-probe" = {}
"ansai:packages/package-cache-actions" = {}
"#;

#[test]
fn systemd_the_journal_is_vacuumed_and_the_package_cache_cleaned() {
    if !requires_root() {
        return;
    }
    let ansai = binary::ansai();
    let policies = binary::repository().join("policies");
    let host = SystemdHost::start(&[(ansai.as_path(), "/usr/bin/ansai"), (policies.as_path(), "/opt/policies")]);
    let shell = |script: &str| host.exec(&["sh", "-c", script]);
    shell("mkdir -p /etc/ansai && cat > /etc/ansai/ansai.toml <<'EOF'\n{}\nEOF".replace("{}", CONFIG).as_str())
        .expect_code(0);
    // Downloaded packages, and a journal with archived files.
    shell("mkdir -p /var/cache/apt/archives; for i in 1 2 3; do head -c 10000000 /dev/urandom > /var/cache/apt/archives/p$i.deb; done")
        .expect_code(0);
    shell("for i in $(seq 40); do head -c 1000000 /dev/urandom | base64 -w 500 | systemd-cat -t noise; done; journalctl --sync; journalctl --rotate; sleep 1; journalctl --rotate; journalctl --sync")
        .expect_code(0);
    let usage = |path: &str| -> u64 {
        let ran = shell(&format!("du -s -B1 {path} | cut -f1"));
        ran.stdout.trim().parse().unwrap_or_else(|_| panic!("{ran:?}"))
    };
    let (journal, cache) = (usage("/var/log/journal"), usage("/var/cache/apt/archives"));
    assert!(journal > 40 << 20 && cache > 28 << 20, "{journal} {cache}");

    let ran = host.exec(&[
        "ansai",
        "run",
        "--once",
        "--format",
        "json",
        "--mode",
        "enforce",
        "--config",
        "/etc/ansai/ansai.toml",
    ]);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let findings = json["instances"][0]["findings"].as_array().unwrap();
    let steps: Vec<&Value> = findings
        .iter()
        .flat_map(|finding| finding["plans"].as_array().unwrap())
        .flat_map(|plan| plan["steps"].as_array().unwrap())
        .collect();
    let freed = |action: &str| -> u64 {
        let step = steps.iter().find(|step| step["action"].as_str().unwrap().ends_with(action));
        let step = step.unwrap_or_else(|| panic!("no {action}: {json:#}"));
        assert_eq!(step["outcome"], "done", "{step:#}");
        let measures = step["measures"].as_array().unwrap();
        let freed = measures.iter().find(|measure| measure["name"] == "freed-bytes").expect("freed-bytes");
        freed["value"]["count"].as_u64().unwrap()
    };
    // The reported bytes have been freed.
    let (journal_freed, cache_freed) =
        (freed("journal-vacuum-actions.vacuum"), freed("package-cache-actions.clean-cache"));
    let (journal_after, cache_after) = (usage("/var/log/journal"), usage("/var/cache/apt/archives"));
    assert!(cache_after < 1 << 20, "{cache_after}");
    assert!(cache_freed.abs_diff(cache - cache_after) < 1 << 20, "{cache_freed} of {cache}, {cache_after} left");
    assert!(journal_freed > 0 && journal_after < journal, "{journal_freed} of {journal}, {journal_after} left");
    host.exec(&["systemctl", "is-active", "systemd-journald"]).expect_code(0);
    host.exec(&["ansai", "audit", "verify", "--state-dir", "/var/lib/ansai"]).expect_code(0);
}
