//! The fields of the journal.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ansai_harness::{guest, requires_root};
use serde_json::Value;

use super::{DAEMON, Host, SERVICES};

/// A key that begins other fields, if a line break in it is taken for the end of a field.
const HOSTILE: &str = "/var\nANSAI_INSTANCE=forged\nPRIORITY=0\nANSAI_PLAN=forged\n\n";

fn policy(place: &Path) {
    let data: String = HOSTILE.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let text = format!(
        "(data (i32.const 5000) \"{data}\")\n(func (export \"detect\") (result i32)\n\
         (call $observe (i32.const 5000) (i32.const {}) (i32.const 1))\ni32.const 1024)",
        HOSTILE.len()
    );
    let directory = place.join("hostile");
    std::fs::create_dir(&directory).unwrap();
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(directory.join("hostile.wasm"), guest::with_manifest(guest::of_text(&text), "hostile")).unwrap();
}

fn text(entry: &Value, field: &str) -> String {
    entry[field].as_str().unwrap_or_default().to_owned()
}

#[test]
fn systemd_entries_of_the_journal_have_fields_and_no_name_forges_one() {
    if !requires_root() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    policy(place.path());
    let host = Host::start(&[(place.path(), "/opt/hostile")]);
    host.unit("e2e-crash", "ExecStart=/bin/sleep infinity");
    host.shell("systemctl start e2e-crash && systemctl kill -s KILL e2e-crash");
    let hostile = "[policy.hostile]\nsource = \"/opt/hostile/hostile\"\nevery = \"2s\"\n";
    let missing = "[policy.missing]\nsource = \"/opt/hostile/nothing\"\n";
    host.configure(&format!("{DAEMON}{SERVICES}{hostile}{missing}"));
    host.run(&["ansai", "install-unit", "--enable"]).expect_code(0);

    let opened = ["-u", "ansai", "ANSAI_INSTANCE=hostile", "ANSAI_EVENT=incident"];
    host.until("the incident is in the journal", || !host.entries(&opened).is_empty());
    for entry in host.entries(&opened) {
        assert!(text(&entry, "ANSAI_INCIDENT").starts_with("hostile//var\\nANSAI_INSTANCE=forged"), "{entry:#}");
        assert!(["3", "4", "5"].contains(&text(&entry, "PRIORITY").as_str()), "{entry:#}");
        assert_eq!(
            (text(&entry, "SYSLOG_IDENTIFIER"), text(&entry, "_SYSTEMD_UNIT")),
            ("ansai".into(), "ansai.service".into())
        );
        assert!(entry.get("ANSAI_PLAN").is_none(), "{entry:#}");
    }
    for forged in ["ANSAI_INSTANCE=forged", "ANSAI_PLAN=forged"] {
        assert_eq!(host.entries(&[forged]), Vec::<Value>::new());
    }
    assert_eq!(host.entries(&["-u", "ansai", "PRIORITY=0"]), Vec::<Value>::new());

    // One repair: every entry about its plan has its instance and its incident.
    let done = ["ANSAI_INSTANCE=service-failure", "ANSAI_EVENT=outcome"];
    host.until("a step has its outcome in the journal", || !host.entries(&done).is_empty());
    for entry in host.entries(&done) {
        let plan = text(&entry, "ANSAI_PLAN");
        assert!(
            !plan.is_empty() && text(&entry, "ANSAI_INCIDENT").starts_with("service-failure/e2e-crash.service/"),
            "{entry:#}"
        );
        let of_plan = host.entries(&[&format!("ANSAI_PLAN={plan}")]);
        assert!(of_plan.iter().any(|entry| text(entry, "ANSAI_EVENT") == "intent"), "{of_plan:#?}");
    }

    // What did not load has a code for `ansai explain`; so has the log of the program.
    let not_loaded = host.entries(&["-u", "ansai", "ANSAI_EVENT=not-loaded"]);
    let code = text(&not_loaded[0], "ANSAI_CODE");
    host.run(&["ansai", "explain", &code]).expect_code(0);
    assert_eq!(text(&not_loaded[0], "ANSAI_INSTANCE"), "missing");
    assert!(!host.entries(&["-u", "ansai", "PRIORITY=3", &format!("ANSAI_CODE={code}")]).is_empty());
    // Each line is there once: the native entry takes the place of standard output.
    let started: Vec<_> = host
        .entries(&["-u", "ansai"])
        .into_iter()
        .filter(|entry| text(entry, "MESSAGE").contains("started:"))
        .collect();
    assert_eq!(started.len(), 1, "{started:#?}");
    assert_eq!(text(&started[0], "_TRANSPORT"), "journal");

    // A program whose streams are not the ones that systemd connected writes to its streams.
    let apart = "JOURNAL_STREAM=1:1 ansai explain nothing-at-all 2>&1 | grep -q unknown-code";
    host.shell(apart);
    host.shell("systemctl stop ansai");
}
