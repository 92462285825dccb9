//! Messages about invalid host configurations.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

mod fixtures;

use ansai_config::{HostConfig, Manifest, Schema};
use ansai_core::{InstanceName, codes};
use fixtures::{CONFIGURATION, INTERFACES, MANIFEST, SCHEMA};

fn shown(text: impl AsRef<str>) -> String {
    HostConfig::parse("ansai.toml", text.as_ref(), INTERFACES).expect_err("must be refused").render(false, 100)
}

fn with(from: &str, to: &str) -> String {
    assert!(CONFIGURATION.contains(from), "{from}");
    CONFIGURATION.replacen(from, to, 1)
}

const TARGET: &str = "[target.main-db]\nkind = \"postgresql\"\n";

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

macro_rules! bad {
    ($($name:ident: $text:expr;)+) => {
        $(#[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), shown($text));
        })+
    };
}

bad! {
    unknown_table: "[deamon]\nmode = \"observe\"\n";
    unknown_key_in_daemon: with("log =", "logs =");
    unknown_key_in_a_policy: with("source =", "sourec =");
    unknown_key_in_attempts: with("settle =", "settles =");
    unknown_mode: with("\"enforce\"", "\"enforced\"");
    unknown_mode_unlike_any: with("\"observe\"", "\"yolo\"");
    relative_state_dir: with("/var/lib/ansai", "state");
    bad_instance_name: with("[policy.disk-space]", "[policy.Disk_Space]");
    instance_is_no_table: "[policy]\ndisk-space = \"policies/disk-space\"\n";
    empty_source: with("policies/disk-space", "");
    builtin_that_is_no_name: with("policies/disk-space", "builtin:../Disk_Space");
    zero_every: with("every = \"60s\"", "every = \"0s\"");
    attempts_zero: with("max = 3", "max = 0");
    attempts_with_bad_cooldown: with("\"10m\"", "\"a while\"");
    attempts_with_number_for_duration: with("\"10m\"", "600");
    limits_beyond_reason: with("\"128MiB\"", "\"5GiB\"");
    limits_unknown: with("memory =", "ram =");
    grant_of_unknown_interface: with("ansai:files/files-actions", "ansai:files/file-actions");
    grant_of_unknown_field: with("max_files", "max_file");
    grant_with_wrong_value: with("max_files = 10000", "max_files = \"many\"");
    grant_with_bad_size: with("20GiB", "20 GiBi");
    grant_with_relative_root: with("[\"/var/log\"]", "[\"/srv\", \"./logs\"]");
    grant_left_to_the_operator: with("[\"/var/log\"]", "\"operator\"");
    grant_of_an_empty_list: with("\"ansai:disk/disk-probe\" = {}", "\"ansai:disk/disk-probe\" = []");
    grant_of_too_many_tables: with(
        "\"ansai:disk/disk-probe\" = {}",
        &format!("\"ansai:disk/disk-probe\" = [{}]", vec!["{}"; 65].join(", ")),
    );
    grant_with_a_text_in_the_list: with("{ roots = [\"/var/log\"],", "[{ roots = [\"/tmp\"] }, \"/var/log\"] #");
    grant_with_a_wrong_second_table: "[[policy.p.grant.\"ansai:files/files-actions\"]]\nroots = [\"/var\"]\n\
        [[policy.p.grant.\"ansai:files/files-actions\"]]\nroots = [\"tmp\"]\nmax_fils = 3\n";
    grant_as_true: with("\"ansai:disk/disk-probe\" = {}", "\"ansai:disk/disk-probe\" = true");
    settings_not_a_table: with("[policy.disk-space.settings.thresholds]\nwarning = 80", "settings = 80");
    setting_not_finite: with("warning = 80", "warning = nan");
    array_of_tables: with("[policy.disk-space]", "[[policy.disk-space]]");
    unknown_table_in_audit: "[audit.exports]\nevery = \"1h\"\n";
    export_without_target: "[audit.export]\nevery = \"1h\"\n";
    export_with_unknown_key: "[audit.export]\nfiel = \"/srv/heads\"\n";
    export_too_often: "[audit.export]\nevery = \"10ms\"\nfile = \"/srv/heads\"\n";
    export_to_a_relative_file: "[audit.export]\nfile = \"heads\"\n";
    export_to_a_command_line: "[audit.export]\ncommand = \"/usr/bin/logger -t head\"\n";
    export_to_a_command_without_a_path: "[audit.export]\ncommand = [\"logger\", \"-t\", \"head\"]\n";
    export_to_a_command_with_a_number: "[audit.export]\ncommand = [\"/usr/bin/head\", 1]\n";
    export_unencrypted: "[audit.export]\nurl = \"http://heads.example.org/\"\n";
    export_with_a_password: "[audit.export]\nurl = \"https://me:secret@heads.example.org/\"\n";
    export_token_without_url: "[audit.export]\nfile = \"/srv/heads\"\ntoken_file = \"/etc/token\"\n";
    host_with_unknown_key: "[host]\nlabel = { role = \"web\" }\n";
    labels_are_no_table: "[host]\nlabels = [\"web\"]\n";
    label_with_bad_name: "[host]\nlabels = { \"Role \\u001b[2J\" = \"web\" }\n";
    label_of_wrong_type: "[host]\nlabels = { rack = 7 }\n";
    label_empty: "[host]\nlabels = { role = \" \" }\n";
    label_too_long: format!("[host]\nlabels = {{ role = \"{}\" }}\n", "é".repeat(129));
    label_with_escapes: "[host]\nlabels = { role = \"web\\u001b]8;;x\\u0007\\u202e\" }\n";
    too_many_labels: format!("[host.labels]\n{}", lines(65, |at| format!("l{at} = \"x\"\n")));
    target_twice: format!("{TARGET}[target.main-db]\nkind = \"mysql\"\n");
    target_is_no_table: "[target]\nmain-db = \"postgresql://me:hunter2@db.example.org/\"\n";
    target_with_bad_name: "[target.\"Main DB\\u001b[2J\"]\nkind = \"postgresql\"\n";
    target_without_kind: "[target.main-db]\naddress = \"db.example.org:5432\"\n";
    target_with_bad_kind: "[target.main-db]\nkind = \"PostgreSQL 16\"\n";
    target_with_unknown_key: "[target.main-db]\nkind = \"postgresql\"\npassword = \"hunter2\"\n";
    target_with_bad_address: "[target.main-db]\nkind = \"postgresql\"\naddress = \"db.example.org\"\n";
    target_with_a_password: "[target.main-db]\nkind = \"postgresql\"\naddress = \"postgresql://me:hunter2@db/\"\n";
    target_with_a_password_in_the_query: "[target.main-db]\nkind = \"x\"\naddress = \"https://h/?password=hunter2\"\n";
    target_with_escapes_in_user: "[target.main-db]\nkind = \"postgresql\"\nuser = \"me\\u001b[2J\"\n";
    secret_as_text: "[target.main-db]\nkind = \"postgresql\"\nsecret = \"hunter2\"\n";
    secret_from_nowhere: "[target.main-db]\nkind = \"postgresql\"\nsecret = {}\n";
    secret_from_two_places: "[target.main-db]\nkind = \"x\"\nsecret = { file = \"/a\", credential = \"b\" }\n";
    secret_with_value: "[target.main-db]\nkind = \"x\"\nsecret = { file = \"/a\", value = \"hunter2\" }\n";
    secret_in_a_relative_file: "[target.main-db]\nkind = \"postgresql\"\nsecret = { file = \"main-db.secret\" }\n";
    secret_in_a_file_with_escapes: "[target.main-db]\nkind = \"x\"\nsecret = { file = \"/etc/\\u001b[2J\" }\n";
    secret_in_a_bad_credential: "[target.main-db]\nkind = \"postgresql\"\nsecret = { credential = \"../main-db\" }\n";
    secret_in_what_does_not_parse: "[target.main-db]\nkind = \"postgresql\"\nsecret = hunter2\n";
    unknown_target: format!("{TARGET}[policy.web.target.main-bd]\n");
    unknown_target_unlike_any: "[policy.web.target.main-db]\n";
    target_of_a_policy_is_no_table: format!("{TARGET}[policy.web]\ntarget = \"main-db\"\n");
    target_of_a_policy_with_unknown_key: format!("{TARGET}[policy.web.target.main-db]\nsetting = {{}}\n");
    target_settings_are_no_table: format!("{TARGET}[policy.web.target.main-db]\nsettings = 80\n");
    target_setting_not_finite: format!("{TARGET}[policy.web.target.main-db.settings]\nwarning = inf\n");
    never_is_no_table: "never = [\"postgresql.service\"]\n";
    never_with_misspelt_kind: "[never]\nunits = [\"postgresql.service\"]\n";
    never_with_a_text: "[never]\nunit = \"postgresql.service\"\n";
    never_with_a_number: "[never]\nunit = [7]\n";
    never_unit_without_type: "[never]\nunit = [\"postgresql\"]\n";
    never_relative_filesystem: "[never]\nfilesystem = [\"srv/legacy\"]\n";
    never_filesystem_with_slash: "[never]\nfilesystem = [\"/srv/legacy/\"]\n";
    never_with_bad_pattern: "[never]\nunit = [\"drbd[*\"]\n";
    never_allowing_a_pattern: "[never.allow]\nunit = [\"getty@*\"]\n";
    never_allowing_what_is_allowed: "[never.allow]\nunit = [\"nginx.service\"]\n";
    never_allowing_ansai: "[never.allow]\nunit = [\"ansai.service\"]\n";
    syntax_error: with("\"ansai:disk/disk-probe\" = {}", "ansai:disk/disk-probe = {}");
}

/// The message about settings that do not match their schema, at their place in the configuration.
fn settings_shown(settings: &str) -> String {
    let table = "[policy.disk-space.settings.thresholds]\nwarning = 80\n";
    let text = with(table, settings);
    let config = HostConfig::parse("ansai.toml", &text, INTERFACES).unwrap();
    let schema = Schema::parse("settings.schema.json", SCHEMA).unwrap();
    let problems = schema.resolve(&config.policies["disk-space"].settings).expect_err("must be refused");
    config.settings_diagnostics(&InstanceName::from_static("disk-space"), &problems).render(false, 100)
}

macro_rules! bad_settings {
    ($($name:ident: $text:expr;)+) => {
        $(#[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), settings_shown($text));
        })+
    };
}

bad_settings! {
    setting_below: "[policy.disk-space.settings.thresholds]\nwarning = 0\n";
    setting_above: "[policy.disk-space.settings]\nthresholds = { critical = 900 }\n";
    setting_of_wrong_type: "[policy.disk-space.settings.thresholds]\nwarning = \"80%\"\n";
    setting_with_fraction: "[policy.disk-space.settings.thresholds]\nwarning = 80.5\n";
    setting_not_in_enum: "[policy.disk-space.settings]\nhow = \"compres\"\n";
    setting_unknown: "[policy.disk-space.settings]\njournal_siez = \"1G\"\n";
    setting_unknown_nested: "[policy.disk-space.settings.thresholds]\nwarnings = 80\n";
    setting_bad_quantity: "[policy.disk-space.settings]\njournal_size = \"lots\"\n";
    setting_quantity_too_small: "[policy.disk-space.settings]\nlog_age = \"5m\"\n";
    setting_quantity_of_wrong_type: "[policy.disk-space.settings]\njournal_size = true\n";
    setting_quantity_below_an_open_table: "[policy.disk-space.settings.per_unit]\n\"nginx.service\" = \"1 carrot\"\n";
    setting_table_for_value: "[policy.disk-space.settings.journal_size]\nmost = 1\n";
    setting_value_for_table: "[policy.disk-space.settings]\nthresholds = 80\n";
    setting_element: "[policy.disk-space.settings]\nnever_touch = [\"a\", 7, \"\"]\n";
    setting_pattern: "[policy.disk-space.settings]\nowner = \"Root\"\n";
    setting_twice: "[policy.disk-space.settings]\nlogs-older-than = \"5d\"\nlog_age = \"6d\"\n";
}

/// The same for settings of one target.
fn target_settings_shown(settings: &str) -> String {
    let text = format!("{CONFIGURATION}\n{TARGET}\n{settings}");
    let config = HostConfig::parse("ansai.toml", &text, INTERFACES).unwrap();
    let schema = Schema::parse("settings.schema.json", SCHEMA).unwrap();
    let instance = &config.policies["disk-space"];
    let base = schema.resolve(&instance.settings).unwrap();
    let problems = schema.resolve_over(&base, &instance.targets["main-db"].settings).expect_err("must be refused");
    let name = InstanceName::from_static("disk-space");
    config.target_settings_diagnostics(&name, "main-db", &problems).render(false, 100)
}

macro_rules! bad_target_settings {
    ($($name:ident: $text:expr;)+) => {
        $(#[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), target_settings_shown($text));
        })+
    };
}

bad_target_settings! {
    target_setting_above: "[policy.disk-space.target.main-db.settings.thresholds]\nwarning = 100\n";
    target_setting_unknown: "[policy.disk-space.target.main-db.settings]\njournal_siez = \"1G\"\n";
    target_setting_with_alias: "[policy.disk-space.target.main-db]\nsettings = { log-age = \"1s\" }\n";
    target_setting_twice: "[policy.disk-space.target.main-db.settings]\nlogs-older-than = \"5d\"\nlog_age = \"6d\"\n";
    target_setting_value_for_table: "[policy.disk-space.target.main-db.settings]\nthresholds = 80\n";
    target_setting_bad_quantity: "[policy.disk-space.target.main-db.settings]\njournal_size = \"lots\"\n";
    target_setting_element: "[policy.disk-space.target.main-db.settings]\nnever_touch = [\"a\", \"\"]\n";
}

#[test]
fn too_many_things_that_no_step_may_touch_are_refused() {
    let of = |count| format!("[never]\nunit = [{}]\n", lines(count, |at| format!("\"u{at}.service\", ")));
    assert!(HostConfig::parse("ansai.toml", &of(1_000), INTERFACES).unwrap().warnings.is_empty());
    let problems = HostConfig::parse("ansai.toml", &of(1_001), INTERFACES).unwrap_err().entries();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!((problems[0].code, problems[0].line), (codes::TOO_MANY_ENTRIES, 2));
}

/// An entry that can match no canonical name would protect nothing.
#[test]
fn what_would_protect_nothing_is_refused() {
    for (kind, entry, code) in [
        ("unit", "", codes::BAD_PATTERN),
        ("unit", " ssh.service", codes::BAD_PATTERN),
        ("unit", "ssh.service\\n", codes::BAD_PATTERN),
        ("unit", "ssh", codes::BAD_PATTERN),
        ("filesystem", "/srv/../etc", codes::BAD_PATTERN),
        ("filesystem", "/srv//legacy", codes::BAD_PATTERN),
        ("file-system", "/srv", codes::UNKNOWN_KEY),
        ("Unit", "ssh.service", codes::UNKNOWN_KEY),
        ("\"a b c d e f\"", "x", codes::BAD_NAME),
    ] {
        let text = format!("[never]\n{kind} = [\"{entry}\"]\n");
        let problems = HostConfig::parse("ansai.toml", &text, INTERFACES).expect_err(&text).entries();
        assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), [code], "{text}");
    }
}

#[test]
fn too_many_targets_are_refused() {
    let of = |count| lines(count, |at| format!("[target.t{at}]\nkind = \"x\"\n[policy.a.target.t{at}]\n"));
    assert!(HostConfig::parse("ansai.toml", &of(1_000), INTERFACES).unwrap().warnings.is_empty());
    let problems = HostConfig::parse("ansai.toml", &of(1_001), INTERFACES).unwrap_err().entries();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!((problems[0].code, problems[0].line), (codes::TOO_MANY_ENTRIES, 3_001));
}

#[test]
fn a_target_that_no_policy_uses_is_a_warning() {
    let config = HostConfig::parse("ansai.toml", &format!("[policy.web]\n{TARGET}"), INTERFACES).unwrap();
    assert_eq!(config.targets["main-db"].kind, "postgresql");
    insta::assert_snapshot!("unused_target", config.warnings.render(false, 100));
}

#[test]
fn no_message_shows_what_may_be_a_secret() {
    for text in [
        "[target.a]\nkind = 1\nsecret = \"hunter2\"\n",
        "[target.a]\nkind = 1\naddress = \"https://u:hunter2@h/\"\n",
        "[target.a]\nadress = \"hunter2\"\n",
        "[target.a]\nsecret = { file = 1, text = \"hunter2\" }\n",
        "[target.a]\nkind = \"x\"\nsecret = [\"hunter2\"]\n",
        "[target.a]\nkind = \"x\"\naddress = \"host=h password=hunter2\"\n",
        "[target]\na = \"hunter2\"\n",
        "[[target]]\nname = 1\npassword = \"hunter2\"\n",
        "[target.a]\npassword = 'hunter2\n",
        "[target.a\nsecret = \"hunter2\"\n",
        "[target.a]\naddress = \"https://u:hunter2@h/\n",
        "[policy.p.target.a]\npassword = \"hunter2\"\n",
        "password = \"hunter2\"\n",
        "[target.a]\nsecret = hunter2\n",
    ] {
        let problems = HostConfig::parse("ansai.toml", text, INTERFACES).unwrap_err();
        let shown = format!("{}{problems}{problems:?}{:?}", problems.render(false, 100), problems.entries());
        assert!(!shown.contains("hunter2"), "{text}\n{shown}");
    }
}

#[test]
fn a_missing_setting_is_shown_at_the_instance() {
    let text = "[policy.web]\nsource = \"web\"\n";
    let config = HostConfig::parse("ansai.toml", text, INTERFACES).unwrap();
    let schema = r#"{"type": "object", "required": ["url"],
        "properties": {"url": {"type": "string", "description": "what to look at"}}}"#;
    let schema = Schema::parse("settings.schema.json", schema).unwrap();
    let problems = schema.resolve(&config.policies["web"].settings).unwrap_err();
    let shown = config.settings_diagnostics(&InstanceName::from_static("web"), &problems).render(false, 100);
    insta::assert_snapshot!("setting_missing", shown);
}

#[test]
fn a_grant_that_is_not_asked_for_is_a_warning() {
    let text = format!("{CONFIGURATION}\"ansai:services/services-actions\" = {{ units = [\"nginx*\"] }}\n");
    let config = HostConfig::parse("ansai.toml", &text, INTERFACES).unwrap();
    let manifest = Manifest::parse("policy.toml", MANIFEST, INTERFACES).unwrap();
    let warnings = config.unasked_grants(&InstanceName::from_static("disk-space"), &manifest);
    assert!(!warnings.has_errors() && !warnings.is_empty());
    insta::assert_snapshot!("unasked_grant", warnings.render(false, 100));
}

#[test]
fn a_base_grant_is_a_warning() {
    let text = format!("{CONFIGURATION}\"ansai:policy/log\" = {{}}\n");
    let config = HostConfig::parse("ansai.toml", &text, INTERFACES).unwrap();
    insta::assert_snapshot!("base_grant", config.warnings.render(false, 100));
}

#[test]
fn colour_is_only_there_when_asked_for() {
    let problems = HostConfig::parse("ansai.toml", "[x]\n", INTERFACES).unwrap_err();
    assert!(!problems.render(false, 100).contains('\u{1b}'));
    assert!(problems.render(true, 100).contains('\u{1b}'));
}

#[test]
fn entries_for_programs() {
    let problems = HostConfig::parse("ansai.toml", &with("\"enforce\"", "\"off\""), INTERFACES).unwrap_err();
    let entries = serde_json::to_value(problems.entries()).unwrap();
    insta::assert_json_snapshot!("entries", entries);
}

#[test]
fn where_there_is_room_for_one_line_it_is_an_error() {
    let text = format!("{TARGET}[policy.web.target.main-bd]\n");
    let problems = HostConfig::parse("ansai.toml", &text, INTERFACES).expect_err("must be refused");
    assert_eq!(problems.entries()[0].code, codes::UNUSED_TARGET);
    assert_eq!(problems.first_code(), Some(codes::UNKNOWN_TARGET));
    assert_eq!(problems.first().unwrap().to_string(), "ansai.toml:3:20: no target is named `main-bd`");
}
