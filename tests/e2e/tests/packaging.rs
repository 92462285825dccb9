//! The results of `make install` and `make package`, used as installed.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ansai_harness::{Invocation, Ran, SystemdHost, binary, requires_root};

/// Maximum size of the installed program, in bytes.
const MOST_PROGRAM_BYTES: u64 = 60_000_000;

/// Files in each installation, below the prefix.
const FILES: [&str; 15] = [
    "bin/ansai",
    "lib/systemd/system/ansai.service",
    "share/ansai/policies/certificate-expiry/certificate-expiry.wasm",
    "share/ansai/policies/database-health/database-health.wasm",
    "share/ansai/policies/disk-space/disk-space.wasm",
    "share/ansai/policies/host-pressure/host-pressure.wasm",
    "share/ansai/policies/memory-leak/memory-leak.wasm",
    "share/ansai/policies/service-failure/service-failure.wasm",
    "share/bash-completion/completions/ansai",
    "share/doc/ansai/LICENSE-MIT",
    "share/doc/ansai/ansai.toml",
    "share/fish/vendor_completions.d/ansai.fish",
    "share/man/man1/ansai.1",
    "share/man/man1/ansai-run.1",
    "share/zsh/site-functions/_ansai",
];

/// `make` with the program and the policies that were built before the tests.
fn make(arguments: &[&str]) -> Ran {
    binary::policy("certificate-expiry");
    binary::policy("database-health");
    binary::policy("disk-space");
    binary::policy("host-pressure");
    binary::policy("memory-leak");
    binary::policy("service-failure");
    Invocation::of("make")
        .current_dir(binary::repository())
        .env("MAKEFLAGS", "")
        .arg(format!("PROGRAM={}", binary::ansai().display()))
        .args(arguments)
        .limit(Duration::from_secs(280))
        .run()
}

/// The files below a directory, as relative paths.
fn files(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut left = vec![root.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    found
}

fn run(program: &Path, arguments: &[&str], state: &Path) -> Ran {
    Invocation::of(program).args(arguments).state_dir(state).run()
}

#[test]
fn an_installation_runs_and_is_removed_again() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("root");
    let (prefix, config) = (root.join("opt/ansai"), root.join("etc/ansai/ansai.toml"));
    let destination = format!("DESTDIR={}", root.display());
    let install = |target: &str| make(&["-s", target, &destination, "PREFIX=/opt/ansai"]);
    install("install").expect_code(0);

    let found = files(&prefix);
    for file in FILES {
        assert!(found.contains(file), "{file} is missing: {found:#?}");
    }
    for file in files(&root) {
        let mode = std::fs::metadata(root.join(&file)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, if file.ends_with("bin/ansai") { 0o755 } else { 0o644 }, "{file}");
    }
    let program = prefix.join("bin/ansai");
    let bytes = std::fs::metadata(&program).unwrap().len();
    assert!(bytes <= MOST_PROGRAM_BYTES, "{bytes} bytes");

    // The installed program finds the installed policies.
    let state = place.path().join("state");
    let ran = run(&program, &["run", "--once", "--format", "json"], &state);
    assert!([0, 3, 5].contains(&ran.code), "{ran:?}");
    let report = ran.json();
    let names: Vec<&str> =
        report["instances"].as_array().unwrap().iter().map(|one| one["instance"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["certificate-expiry", "database-health", "disk-space", "host-pressure", "memory-leak", "service-failure"]
    );
    run(&program, &["check", "--config", config.to_str().unwrap()], &state).expect_code(0);
    let ran = run(&program, &["run", "--once", "--format", "json", "--config", config.to_str().unwrap()], &state);
    assert!([0, 3, 5].contains(&ran.code), "{ran:?}");
    let report = ran.json();
    assert_eq!((&report["mode"], &report["instances"][0]["instance"]), (&"observe".into(), &"disk-space".into()));
    assert_eq!(report["warnings"], serde_json::json!([]), "the installed configuration is used without a warning");

    let unit = std::fs::read_to_string(prefix.join("lib/systemd/system/ansai.service")).unwrap();
    assert!(unit.contains("ExecStart=/opt/ansai/bin/ansai run --config /etc/ansai/ansai.toml\n"), "{unit}");
    assert!(!unit.contains("@PREFIX") && !unit.contains("@SYSCONFDIR"), "{unit}");

    // Foreign files stay, and so does a changed configuration.
    let other = prefix.join("share/man/man1/other.1");
    std::fs::write(&other, "").unwrap();
    std::fs::write(&config, "[daemon]\nmode = \"observe\"\n").unwrap();
    install("install").expect_code(0);
    assert!(std::fs::read_to_string(&config).unwrap().starts_with("[daemon]"), "installing again replaced it");
    let removed = install("uninstall");
    removed.expect_code(0);
    assert!(removed.stderr.contains("was changed and stays"), "{removed:?}");
    let left: Vec<String> = files(&root).into_iter().collect();
    assert_eq!(left, ["etc/ansai/ansai.toml", "opt/ansai/share/man/man1/other.1"]);
    std::fs::remove_file(&config).unwrap();
    std::fs::remove_file(&other).unwrap();
    install("install").expect_code(0);
    install("uninstall").expect_code(0);
    assert_eq!(files(&root), BTreeSet::new());
    let again = install("uninstall");
    assert_eq!(again.code, 2, "{again:?}");
    assert!(again.stderr.contains("hint: "), "{again:?}");
}

#[test]
fn uninstall_removes_nothing_outside_the_prefix() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("root");
    let list = root.join("opt/share/ansai/installed");
    std::fs::create_dir_all(list.parent().unwrap()).unwrap();
    std::fs::write(root.join("precious"), "").unwrap();
    for line in ["/precious", "/opt/../precious", "/opt/share/../../precious", "precious"] {
        std::fs::write(&list, format!("{line}\n")).unwrap();
        let ran = make(&["-s", "uninstall", &format!("DESTDIR={}", root.display()), "PREFIX=/opt"]);
        assert_eq!(ran.code, 2, "{line}: {ran:?}");
        assert!(root.join("precious").exists(), "{line}");
    }
}

/// What is tested is what ships: no difference between the profiles changes the code.
#[test]
fn the_dist_profile_is_the_release_profile_without_debug_information() {
    let manifest = std::fs::read_to_string(binary::repository().join("Cargo.toml")).unwrap();
    let section = manifest.split("\n[profile.dist]\n").nth(1).expect("[profile.dist]");
    let keys = section.lines().take_while(|line| !line.starts_with('[')).filter(|line| line.contains(" = "));
    let keys: BTreeSet<&str> = keys.collect();
    assert_eq!(keys, BTreeSet::from(["inherits = \"release\"", "debug = false", "strip = \"symbols\""]));
    assert!(!manifest.contains("[profile.dist."), "an override would change what is compiled");
}

/// Builds the package below `directory`.
fn package(directory: &Path) -> PathBuf {
    let made = make(&["-s", "package", &format!("PACKAGES={}", directory.display())]);
    made.expect_code(0);
    PathBuf::from(made.stdout.trim())
}

#[test]
fn systemd_the_debian_package_installs_runs_and_purges() {
    if !requires_root() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let package = package(place.path());
    let host = SystemdHost::start(&[(package.as_path(), "/root/ansai.deb")]);
    let shell = |script: &str| host.exec(&["sh", "-c", script]);
    let names = || -> BTreeSet<String> {
        let ran = shell("find /usr /etc /var/lib -xdev ! -path '/var/lib/dpkg*' ! -path '/var/lib/systemd*'");
        ran.expect_code(0).stdout.lines().map(str::to_owned).collect()
    };
    // The base tree excludes manual pages and documentation; this package's are needed. dpkg does not create the
    // excluded directories, and removes empty ones with the package.
    shell("mkdir -p /usr/share/man/man1 /usr/share/doc && touch /usr/share/man/man1/other /usr/share/doc/other")
        .expect_code(0);
    let before = names();
    shell("dpkg --path-include='/usr/share/man/man1/ansai*' --path-include='/usr/share/doc/ansai*' -i /root/ansai.deb")
        .expect_code(0);
    shell("dpkg --verify ansai && dpkg -s ansai | grep -x 'Status: install ok installed'").expect_code(0);
    let installed = names();
    for file in FILES {
        let file = match file {
            "share/doc/ansai/LICENSE-MIT" => "share/doc/ansai/copyright".to_owned(),
            "share/doc/ansai/ansai.toml" => "share/doc/ansai/examples/ansai.toml".to_owned(),
            "share/zsh/site-functions/_ansai" => "share/zsh/vendor-completions/_ansai".to_owned(),
            page if page.starts_with("share/man/") => format!("{page}.gz"),
            file => file.to_owned(),
        };
        assert!(installed.contains(&format!("/usr/{file}")), "/usr/{file} is missing");
    }
    let owners = shell("dpkg -L ansai | xargs stat -c '%U:%G' | sort -u").stdout;
    assert_eq!(owners, "root:root\n");

    // Nothing was started, and the installed configuration only observes.
    assert_eq!(host.exec(&["systemctl", "is-enabled", "ansai"]).stdout.trim(), "disabled");
    assert_eq!(host.exec(&["systemctl", "is-active", "ansai"]).stdout.trim(), "inactive");
    for arguments in [&["run", "--once"][..], &["run", "--once", "--config", "/etc/ansai/ansai.toml"]] {
        let ran = host.exec(&[&["ansai"][..], arguments, &["--format", "json"]].concat());
        assert!([0, 3, 5].contains(&ran.code), "{ran:?}");
        let report = ran.json();
        assert_eq!((&report["mode"], &report["instances"][0]["instance"]), (&"observe".into(), &"disk-space".into()));
    }
    shell("zcat /usr/share/man/man1/ansai-run.1.gz | grep -q '^.TH ansai-run 1'").expect_code(0);
    shell("bash -n /usr/share/bash-completion/completions/ansai").expect_code(0);
    let property = |name: &str| host.exec(&["systemctl", "show", "-P", name, "ansai"]).stdout.trim().to_owned();
    let install = || shell("dpkg -i /root/ansai.deb").expect_code(0).stdout.clone();
    install();
    assert_eq!(property("ActiveState"), "inactive", "an upgrade starts nothing that did not run");
    host.exec(&["systemctl", "start", "ansai"]).expect_code(0);
    assert_eq!(property("ActiveState"), "active");
    host.exec(&["systemctl", "stop", "ansai"]).expect_code(0);
    assert_eq!(property("Result"), "success");
    host.exec(&["ansai", "audit", "verify", "--state-dir", "/var/lib/ansai"]).expect_code(0);
    host.exec(&["systemctl", "enable", "--now", "ansai"]).expect_code(0);
    let old = property("MainPID");
    install();
    assert_eq!(property("ActiveState"), "active");
    assert_ne!(property("MainPID"), old, "it goes on as the new version");

    // Removing the package stops it and keeps configuration and state; purging leaves nothing.
    shell("dpkg --remove ansai").expect_code(0);
    assert_eq!(property("ActiveState"), "inactive");
    let left: BTreeSet<String> = names().difference(&before).cloned().collect();
    let in_etc: Vec<&String> = left.iter().filter(|path| path.starts_with("/etc")).collect();
    assert_eq!(in_etc, ["/etc/ansai", "/etc/ansai/ansai.toml"]);
    assert!(left.contains("/var/lib/ansai/audit"), "the state stays: {left:?}");
    assert!(left.iter().all(|path| path.starts_with("/etc") || path.starts_with("/var/lib/ansai")), "{left:#?}");
    // What is mounted below it stays, and purging ends all the same: all else is gone.
    shell("mkdir /var/lib/ansai/mounted && mount -t tmpfs tmpfs /var/lib/ansai/mounted").expect_code(0);
    shell("dpkg --purge ansai").expect_code(0);
    shell("umount /var/lib/ansai/mounted && rmdir /var/lib/ansai/mounted /var/lib/ansai").expect_code(0);
    let left: Vec<String> = names().difference(&before).cloned().collect();
    assert_eq!(left, Vec::<String>::new());
    assert!(before.is_subset(&names()), "it took what was not its own");
}
