//! Valid files give the expected values.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod approval;
mod certificates;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod grants;
mod host;
mod safety;
mod settings;
mod stages;

use std::path::PathBuf;

use ansai_config::{
    GrantError, Grants, HostConfig, Isolation, Manifest, PolicySource, Schema, SecretSource, Suggested,
    effective_scopes, suggest, unconfigured,
};
use ansai_core::{
    Bytes, InstanceName, Interface, InterfaceKind, InterfaceName, Limits, Millis, Mode, Never, RetryPolicy, Scope,
    ScopeTables, Sensitivity, Subject, Touch, codes,
};
use fixtures::{
    CONFIGURATION, INTERFACES, MANIFEST, MAX_BYTES, MAX_FILES, MIN_AGE_HOURS, ROOTS, SCHEMA, UNDO_HOURS, UNIT_NAMES,
};
use serde_json::json;

fn manifest() -> Manifest {
    Manifest::parse("policy.toml", MANIFEST, INTERFACES).unwrap()
}

fn configuration() -> HostConfig {
    HostConfig::parse("/etc/ansai/ansai.toml", CONFIGURATION, INTERFACES).unwrap()
}

#[test]
fn the_manifest() {
    let manifest = manifest();
    assert_eq!(manifest.name, "disk-space");
    assert_eq!(manifest.every, Millis::new(60_000));
    assert!(manifest.capabilities["ansai:disk/disk-probe"].required);
    let files = &manifest.capabilities["ansai:files/files-actions"];
    assert!(!files.required);
    assert_eq!(files.scope, Scope::default().with_number(&MIN_AGE_HOURS, 24).into());
    assert_eq!(manifest.settings_schema.as_deref(), Some("settings.schema.json"));
    assert!(manifest.warnings.is_empty());
}

#[test]
fn the_time_in_which_to_verify_is_the_manifests_unless_the_operator_sets_it() {
    assert_eq!(manifest().verify_within, Millis::ZERO);
    let patient = format!("{MANIFEST}\n[attempts]\nverify_within = \"30s\"\n");
    let patient = Manifest::parse("policy.toml", &patient, INTERFACES).unwrap();
    assert_eq!(patient.verify_within, Millis::new(30_000));
    let embedded = Manifest::from_json("embedded", &patient.to_json().to_string(), INTERFACES).unwrap();
    assert_eq!(embedded, patient);
    let too_long = format!("{MANIFEST}\n[attempts]\nverify_within = \"61m\"\n");
    assert!(Manifest::parse("policy.toml", &too_long, INTERFACES).is_err());

    let set = |attempts: &str| {
        let text = format!("[policy.a.attempts]\n{attempts}\n");
        HostConfig::parse("ansai.toml", &text, INTERFACES).map(|config| config.policies["a"].verify_within)
    };
    assert_eq!(set("max = 2").unwrap(), None);
    assert_eq!(set("verify_within = \"0s\"").unwrap(), Some(Millis::ZERO));
    assert!(set("verify_within = \"2h\"").is_err());
}

/// Would break: a manifest without a pause between two attempts, or one that the operator cannot change.
#[test]
fn the_cooldown_is_the_operators_then_the_manifests_then_the_default() {
    let parse =
        |attempts: &str| Manifest::parse("policy.toml", &format!("{MANIFEST}\n[attempts]\n{attempts}"), INTERFACES);
    let minute = parse("cooldown = \"1 min\"").unwrap();
    assert_eq!(Manifest::from_json("embedded", &minute.to_json().to_string(), INTERFACES).unwrap(), minute);
    for bad in ["0s", "9s", "31 days"] {
        assert!(parse(&format!("cooldown = \"{bad}\"")).is_err(), "{bad}");
    }
    let cooldown = |attempts: &str, manifest: &Manifest| {
        let text = format!("[policy.a.attempts]\n{attempts}\n");
        let config = HostConfig::parse("ansai.toml", &text, INTERFACES).unwrap();
        config.retry_policy(&"a".parse().unwrap(), manifest).unwrap().cooldown
    };
    assert_eq!(cooldown("max = 2", &manifest()), Millis::new(600_000));
    assert_eq!(cooldown("max = 2", &minute), Millis::new(60_000));
    assert_eq!(cooldown("cooldown = \"10m\"", &minute), Millis::new(600_000));
    assert_eq!(cooldown("cooldown = \"0s\"", &minute), Millis::ZERO);
}

#[test]
fn the_manifest_survives_being_embedded() {
    let manifest = manifest();
    let text = manifest.to_json().to_string();
    assert_eq!(Manifest::from_json("embedded", &text, INTERFACES).unwrap(), manifest);
}

#[test]
fn the_configuration() {
    let config = configuration();
    assert_eq!(config.daemon.state_dir, Some(PathBuf::from("/var/lib/ansai")));
    assert_eq!(config.daemon.mode, Mode::Observe);
    assert_eq!(config.daemon.log.as_deref(), Some("info"));
    let disk = &config.policies["disk-space"];
    assert_eq!(disk.mode, Mode::Enforce);
    assert_eq!(disk.every, Some(Millis::new(60_000)));
    assert_eq!(disk.settings, json!({"thresholds": {"warning": 80}}));
    assert_eq!(
        disk.attempts,
        RetryPolicy { cooldown: Millis::new(600_000), max_attempts: 3, ..RetryPolicy::default() }
    );
    assert_eq!(disk.grants["ansai:files/files-actions"].only().unwrap().bytes(&MAX_BYTES), 20 << 30);
    assert_eq!(disk.grants["ansai:disk/disk-probe"], ScopeTables::default());
    let path = PathBuf::from("/etc/ansai/policies/disk-space");
    assert_eq!(config.source(&InstanceName::from_static("disk-space")), Some(PolicySource::Path(path)));
    assert_eq!(config.source(&InstanceName::from_static("other")), None);
    let config =
        HostConfig::parse("ansai.toml", "[policy.web]\nsource = \"builtin:disk-space\"\n", INTERFACES).unwrap();
    assert_eq!(config.source(&InstanceName::from_static("web")), Some(PolicySource::Builtin("disk-space".into())));
    assert!(config.warnings.is_empty());
}

#[test]
fn missing_keys_have_defaults() {
    let text = "[daemon]\nmode = \"enforce\"\n[policy.a]\n[policy.b]\nmode = \"observe\"\n";
    let config = HostConfig::parse("ansai.toml", text, INTERFACES).unwrap();
    let a = &config.policies["a"];
    assert_eq!((a.mode, config.policies["b"].mode), (Mode::Enforce, Mode::Observe));
    assert_eq!((a.every, a.source.as_deref()), (None, None));
    assert_eq!((&a.settings, &a.attempts), (&json!({}), &RetryPolicy::default()));
    assert!(a.grants.is_empty());
    let nothing = HostConfig::parse("ansai.toml", "", INTERFACES).unwrap();
    assert_eq!(nothing.daemon.mode, Mode::Observe);
}

#[test]
fn what_no_step_may_touch() {
    let text = "[never]\nunit = [\"postgresql.service\", \"drbd*\", \"dev-disk-by\\\\x2duuid.mount\"]\n\
        filesystem = [\"/srv/legacy\", \"/\", \"/mnt/*\"]\nqueue = [\"mail/*\"]\n\
        [never.allow]\nunit = [\"getty@tty1.service\"]\n";
    let config = HostConfig::parse("ansai.toml", text, INTERFACES).unwrap();
    let may = |kind: &str, name: &str| config.never.check([&Touch::shared(Subject::new(kind, name))]).is_ok();
    for (kind, name) in [
        ("unit", "postgresql.service"),
        ("unit", "drbd@data.service"),
        ("unit", "dev-disk-by\\x2duuid.mount"),
        ("unit", "getty@tty2.service"),
        ("unit", "ssh.service"),
        ("filesystem", "/srv/legacy"),
        ("filesystem", "/"),
        ("filesystem", "/mnt/a/b"),
        ("queue", "mail/out"),
    ] {
        assert!(!may(kind, name), "{kind} {name}");
    }
    for (kind, name) in [
        ("unit", "getty@tty1.service"),
        ("unit", "PostgreSQL.service"),
        ("unit", "/srv/legacy"),
        ("filesystem", "/srv/legacy/sub"),
        ("filesystem", "/mnt"),
        ("queue", "mail"),
    ] {
        assert!(may(kind, name), "{kind} {name}");
    }
    assert!(config.warnings.is_empty());
    assert_eq!(configuration().never, Never::default(), "the defaults are always in force");
}

#[test]
fn limits_go_over_each_other() {
    let limits = manifest().limits.over(Limits { calls: 7, ..Limits::default() });
    let limits = configuration().policies["disk-space"].limits.over(limits);
    assert_eq!(limits.memory_bytes, Bytes::from_mib(128));
    assert_eq!((limits.fuel, limits.deadline_ms, limits.calls), (100_000_000, 60_000, 7));
}
