//! Installing the unit, healing under it, reloading, stopping, restarting the machine.

use ansai_harness::requires_root;

use super::{DAEMON, Host, SERVICES};

const DISK: &str = r#"
[policy.disk-space]
source = "/opt/policies/disk-space"
every = "2s"
[policy.disk-space.attempts]
cooldown = "1s"
max = 20
[policy.disk-space.settings]
journal_size = "16M"
thresholds = { warning = 10, critical = 60, emergency = 95 }
logs_older_than = "30 days"
log_dirs = ["/srv/data/log"]
temp_dirs = []
[policy.disk-space.grant]
"ansai:disk/disk-probe" = {}
"ansai:files/files-probe" = { roots = ["/srv/data"] }
"ansai:files/files-actions" = { roots = ["/srv/data/log"], min_age_hours = 24 }
"ansai:journal/journal-probe" = {}
"ansai:journal/journal-vacuum-actions" = { min_keep_bytes = "16M" }
"ansai:packages/package-cache-probe" = {}
"ansai:packages/package-cache-actions" = {}
"#;
const WRITTEN: &str = "/etc/systemd/system/ansai.service";

fn bytes(host: &Host, path: &str) -> u64 {
    host.shell(&format!("du -s -B1 {path} | cut -f1")).stdout.trim().parse().unwrap()
}

#[test]
fn systemd_the_unit_is_written_where_none_is_and_only_with_a_valid_configuration() {
    if !requires_root() {
        return;
    }
    let host = Host::start(&[]);
    let ansai = |arguments: &[&str]| host.run(&[&["ansai", "install-unit"], arguments].concat());
    let is_there = || host.run(&["test", "-e", WRITTEN]).code == 0;
    let shown = ansai(&["--print"]);
    shown.expect_code(0);
    assert!(
        shown.stdout.contains("\nExecStart=/usr/local/bin/ansai run --config /etc/ansai/ansai.toml\n"),
        "{shown:?}"
    );
    // Nothing to run, and a mistake in it: no unit that fails at each boot.
    assert_ne!(ansai(&["--enable"]).code, 0);
    host.configure("[daemon]\nmode = \"whatever\"\n");
    assert_eq!(ansai(&["--enable"]).code, 2);
    assert!(!is_there());
    // `ansai run` refuses it, so it would fail at each boot, too.
    host.configure("[policy.p]\nsource = \"/srv/p.wasm\"\nmode = \"enforce\"\n");
    host.shell("chmod 666 /etc/ansai/ansai.toml");
    let ran = ansai(&["--enable"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stderr.contains("untrusted-configuration") && !is_there(), "{ran:?}");
    host.shell("rm -r /etc/ansai");

    let ran = ansai(&[]);
    ran.expect_code(0);
    assert!(ran.stdout.contains("created /etc/systemd/system/ansai.service"), "{ran:?}");
    assert!(ran.stdout.contains("next:   ansai init -o /etc/ansai/ansai.toml"), "{ran:?}");
    assert_eq!(host.shell(&format!("cat {WRITTEN}")).stdout, shown.stdout);
    assert_eq!(host.shell(&format!("stat -c '%a %U' {WRITTEN}")).stdout, "644 root\n");
    assert_eq!(host.property("ansai", "LoadState"), "loaded");
    assert_eq!(host.property("ansai", "UnitFileState"), "disabled");
    host.shell("systemd-analyze verify --man=no ansai.service 2>&1 | grep ansai && exit 1; exit 0");
    assert!(ansai(&[]).stdout.contains("unchanged"));

    // A changed one, a link that masks it, and the unit of a package.
    host.shell(&format!("echo '# mine' >> {WRITTEN}"));
    let ran = ansai(&[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("error[exists]") && ran.stderr.contains("--force"), "{ran:?}");
    assert!(ansai(&["--force"]).stdout.contains("replaced"));
    host.shell(&format!("ln -sf /dev/null {WRITTEN}"));
    assert_eq!(ansai(&["--force"]).code, 2);
    assert_eq!(host.shell(&format!("readlink {WRITTEN}")).stdout, "/dev/null\n");
    host.shell(&format!("rm {WRITTEN} && touch /usr/lib/systemd/system/ansai.service"));
    let ran = ansai(&["--force"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("/usr/lib/systemd/system/ansai.service already exists"), "{ran:?}");
    assert!(!is_there());

    // systemd would start as root what another user can replace.
    host.shell("rm /usr/lib/systemd/system/ansai.service && install -D -m 755 /opt/build/ansai /srv/bin/ansai");
    host.shell("chmod 777 /srv/bin");
    let ran = host.run(&["/srv/bin/ansai", "install-unit"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stderr.contains("untrusted-program") && !is_there(), "{ran:?}");
}

#[test]
fn systemd_probes_and_actions_work_under_the_unit_and_it_reloads_and_stops_in_order() {
    if !requires_root() {
        return;
    }
    let host = Host::start(&[]);
    host.drop_in(&Host::clock_ahead());
    host.shell("mkdir -p /srv/data && mount -t tmpfs -o size=64m tmpfs /srv/data && mkdir /srv/data/log");
    host.shell(
        "for i in $(seq 100); do head -c 524288 /dev/urandom > /srv/data/log/app.log.$i; done; \
         find /srv/data/log -type f -exec touch -d '100 days ago' {} +",
    );
    host.unit("e2e-crash", "ExecStart=/bin/sleep infinity");
    host.shell("systemctl start e2e-crash");
    host.configure(&format!("{DAEMON}{SERVICES}"));
    let enabled = host.run(&["ansai", "install-unit", "--enable"]);
    enabled.expect_code(0);
    assert!(enabled.stdout.contains("next:   ansai status"), "{enabled:?}");
    let state = ["ActiveState", "UnitFileState", "Type"].map(|property| host.property("ansai", property));
    assert_eq!(state, ["active", "enabled", "notify"]);
    // `systemctl start` returned, so the control socket answers.
    assert!(host.run(&["ansai", "status", "--format", "json"]).json()["is_running"].as_bool().unwrap());
    host.until_property("ansai", "StatusText", "healthy");

    // A service.
    let run = host.property("e2e-crash", "InvocationID");
    host.shell("systemctl kill -s KILL e2e-crash");
    host.until("the service runs again", || {
        host.property("e2e-crash", "ActiveState") == "active" && host.property("e2e-crash", "InvocationID") != run
    });
    host.until_property("ansai", "StatusText", "healthy");

    // A mistake in the configuration: it goes on, and systemd does not wait for the end of the reload for ever.
    host.configure(&format!("{DAEMON}{SERVICES}\nwhatever = 1\n"));
    host.shell("systemctl reload ansai");
    host.until("the mistake is told", || {
        !host.entries(&["-u", "ansai", "PRIORITY=3", "ANSAI_CODE=invalid"]).is_empty()
    });
    host.until_property("ansai", "ActiveState", "active");
    // Would break: a state that says for ever that the configuration is being read.
    host.until_property("ansai", "StatusText", "healthy");
    // The disk: files, the journal and the package cache, by rename, unlink and the programs of the host.
    host.shell("mkdir -p /var/cache/apt/archives; head -c 30000000 /dev/urandom > /var/cache/apt/archives/p.deb");
    host.shell(
        "for i in $(seq 40); do head -c 1000000 /dev/urandom | base64 -w 500 | systemd-cat -t noise; done; \
         journalctl --sync; journalctl --rotate; sleep 1; journalctl --rotate; journalctl --sync",
    );
    let journal = bytes(&host, "/var/log/journal");
    host.configure(&format!("{DAEMON}{SERVICES}{DISK}"));
    host.shell("systemctl reload ansai");
    let left = || host.shell("ls /srv/data/log | wc -l").stdout.trim().parse::<u32>().unwrap();
    host.until("the logs are in the quarantine", || left() < 20);
    host.until("the package cache is cleaned", || bytes(&host, "/var/cache/apt/archives") < 1 << 20);
    host.until("the journal is vacuumed", || bytes(&host, "/var/log/journal") < journal);
    host.until("its state is told", || host.property("ansai", "StatusText").contains("open incident"));
    assert_eq!(host.property("ansai", "NRestarts"), "0");
    let refused: Vec<_> = host
        .records()
        .into_iter()
        .filter(|record| record["outcome"] == "failed" || record["outcome"] == "refused")
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");

    host.shell("systemctl stop ansai");
    assert_eq!(host.property("ansai", "Result"), "success");
    assert_eq!(host.property("ansai", "ExecMainStatus"), "0");
    host.audit_is_sound();
    let stopped = host.records().pop().unwrap();
    assert_eq!((&stopped["event"], &stopped["why"]), (&"stopped".into(), &"SIGTERM".into()));
}

/// What must survive is in the state directory; everything else of the host is new after its restart.
#[test]
fn systemd_a_restart_of_the_machine_starts_it_again_with_its_state() {
    if !requires_root() {
        return;
    }
    let disk = tempfile::tempdir().unwrap();
    let (state, units, config) = (disk.path().join("state"), disk.path().join("wants"), disk.path().join("etc"));
    for directory in [&state, &units, &config] {
        std::fs::create_dir(directory).unwrap();
    }
    let wants = "/etc/systemd/system/multi-user.target.wants";
    let shared = [(state.as_path(), "/var/lib/ansai"), (units.as_path(), wants), (config.as_path(), "/etc/ansai")];
    let host = Host::start(&shared);
    host.configure(&format!("{DAEMON}{SERVICES}"));
    host.run(&["ansai", "install-unit", "--enable"]).expect_code(0);
    host.run(&["ansai", "pause", "2h", "--reason", "kernel update"]).expect_code(0);
    let unit = disk.path().join("ansai.service");
    std::fs::write(&unit, host.shell(&format!("cat {WRITTEN}")).stdout).unwrap();
    // The power goes.
    drop(host);

    let host = Host::boot_installed(&[&shared[..], &[(unit.as_path(), WRITTEN)]].concat());
    host.until_property("ansai", "ActiveState", "active");
    let pauses = host.run(&["ansai", "pauses"]);
    assert!(pauses.stdout.contains("kernel update"), "{pauses:?}");
    let started = host.records().into_iter().filter(|record| record["event"] == "started").count();
    assert_eq!(started, 2);
    host.audit_is_sound();
}
