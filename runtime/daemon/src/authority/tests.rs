//! What is in force, as the file changes.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use ansai_core::{Refusal, Subject, Touch};
use ansai_kit::evaluation_state::{InstanceTarget, Label, Target};
use ansai_kit::remote::Server;

use super::*;
use crate::configuration::ConfigurationError;

static P: InstanceName = InstanceName::from_static("p");
const MANIFEST: &str = "name = \"p\"\nversion = \"0.1.0\"\ndescription = \"d\"\n[schedule]\nevery = \"60s\"\n\
    [capabilities.\"ansai:disk/disk-probe\"]\nreason = \"to see\"\nrequired = true\n";
const GRANT: &str = "[policy.p]\nmode = \"enforce\"\n[policy.p.grant]\n\"ansai:disk/disk-probe\" = {}\n";

const SCHEMA: &str =
    r#"{"type": "object", "properties": {"lag": {"format": "duration", "default": "10s", "minimum": 1000}}}"#;

fn governed() -> Governed {
    let manifest = Manifest::parse("policy.toml", MANIFEST, &ansai_host_functions::builtin().interfaces()).unwrap();
    let schema = Schema::parse("settings.schema.json", SCHEMA).unwrap();
    let settings = schema.resolve(&serde_json::json!({})).unwrap();
    let (digest, exposure) = ("ab".to_owned(), None);
    Governed {
        manifest: manifest.into(),
        schema: schema.into(),
        settings: settings.into(),
        digest,
        exposure,
        is_pulled: false,
        vouched: None,
    }
}

/// The authority of a file that configures `P`.
fn from_file(path: &std::path::Path) -> FromFile {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = Configuration::open(path, &interfaces).unwrap();
    FromFile::new(configuration, interfaces, Mode::Enforce, BTreeMap::from([(P.clone(), governed())]))
}

#[test]
fn the_file_of_now_decides() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ansai.toml");
    std::fs::write(&path, GRANT).unwrap();
    let permit = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    permit(0o600);
    let authority = from_file(&path);

    assert_eq!(authority.effective_grants(&P).unwrap().mode, Mode::Enforce);
    assert!(authority.effective_grants(&InstanceName::from_static("q")).is_err());
    permit(0o666);
    assert!(authority.effective_grants(&P).err().unwrap().contains("is writable by other users"));
    permit(0o600);
    assert!(authority.effective_grants(&P).is_ok());
    std::fs::write(&path, "[policy.p]\nmode = \"enforce\"\n").unwrap();
    assert!(authority.effective_grants(&P).err().unwrap().contains("not granted"));
    std::fs::write(&path, GRANT).unwrap();
    assert_eq!(authority.effective_grants(&P).unwrap().mode, Mode::Enforce);
    // Observing goes on with what was valid; whether acting is still meant is unknown.
    std::fs::write(&path, "[policy.p\n").unwrap();
    let kept = authority.effective_grants(&P).unwrap();
    assert_eq!((kept.mode, kept.scopes.len()), (Mode::Observe, 1));
    std::fs::remove_file(&path).unwrap();
    assert!(authority.effective_grants(&P).is_err());
    std::fs::write(&path, GRANT.replace("enforce", "observe")).unwrap();
    assert_eq!(authority.effective_grants(&P).unwrap().mode, Mode::Observe);
}

/// Would break: nothing acts, and nobody sees why.
#[test]
fn why_nothing_may_act_is_known() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ansai.toml");
    std::fs::write(&path, GRANT).unwrap();
    let permit = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    permit(0o600);
    let authority = from_file(&path);
    let problem = || {
        *authority.looked.lock().unwrap() = None;
        authority.problem().unwrap_or_default()
    };
    assert_eq!(problem(), "");
    std::fs::write(&path, "[policy.p\n").unwrap();
    assert_eq!(problem(), format!("{} is not valid: `ansai check` says why", path.display()));
    std::fs::write(&path, GRANT).unwrap();
    assert_eq!(problem(), "");
    permit(0o666);
    assert!(problem().contains("is writable by other users"), "{}", problem());
    // What only observes needs no trust.
    std::fs::write(&path, GRANT.replace("enforce", "observe")).unwrap();
    assert_eq!(problem(), "");
    std::fs::remove_file(&path).unwrap();
    assert!(problem().contains("No such file"), "{}", problem());
}

/// Would break: a file that could not be read once counts as not valid until somebody changes it.
#[test]
fn what_could_not_be_read_is_told_from_what_is_not_valid() {
    let dir = tempfile::tempdir().unwrap();
    let (path, interfaces) = (dir.path().join("ansai.toml"), ansai_host_functions::builtin().interfaces());
    let is_unread = || is_unread(&Configuration::open(&path, &interfaces).err().unwrap());
    assert!(is_unread(), "it is missing");
    std::fs::write(&path, "[policy.p\n").unwrap();
    assert!(!is_unread());
    std::fs::write(&path, "[polizy.p]\n").unwrap();
    assert!(!is_unread());
    let error = std::io::Error::from(std::io::ErrorKind::TimedOut);
    assert!(super::is_unread(&ConfigurationError::Silent { path: path.clone(), error }.into()));
}

/// Would break: an undo in observe mode by a file that another user can write, or that is no longer valid.
#[test]
fn a_person_undoes_in_any_mode_by_a_valid_file_that_nobody_else_can_write() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ansai.toml");
    let observing = GRANT.replace("enforce", "observe");
    std::fs::write(&path, &observing).unwrap();
    let permit = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    permit(0o600);
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = Configuration::open(&path, &interfaces).unwrap();
    // Its component did not load.
    let authority = FromFile::new(configuration, interfaces, Mode::Enforce, BTreeMap::new());
    let refused = || authority.undo_grants(&P).err().unwrap();

    assert!(authority.effective_grants(&P).is_err());
    assert_eq!(authority.undo_grants(&P).unwrap().scopes.len(), 1);
    assert!(authority.undo_grants(&InstanceName::from_static("q")).is_err());
    permit(0o666);
    assert!(refused().contains("is writable by other users"), "{}", refused());
    permit(0o600);
    std::fs::write(&path, "[policy.p\n").unwrap();
    assert!(refused().contains("is not valid"), "{}", refused());
    std::fs::write(&path, "[policy.p]\nmode = \"observe\"\n").unwrap();
    assert_eq!(authority.undo_grants(&P).unwrap().scopes.len(), 0);
    std::fs::write(&path, &observing).unwrap();
    assert!(authority.undo_grants(&P).is_ok());
}

#[test]
fn the_ceiling_holds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ansai.toml");
    std::fs::write(&path, GRANT).unwrap();
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = Configuration::open(&path, &interfaces).unwrap();
    let found = effective_grants(&configuration, &P, &governed(), &interfaces, Mode::Observe).unwrap();
    assert_eq!(found.mode, Mode::Observe);
}

#[test]
fn what_no_step_may_touch_is_that_of_the_file_of_now() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ansai.toml");
    std::fs::write(&path, GRANT).unwrap();
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = Configuration::open(&path, &interfaces).unwrap();
    let policies = BTreeMap::from([(P.clone(), governed())]);
    let authority = FromFile::new(configuration, interfaces, Mode::Observe, policies);
    let touch = |name: &str| Touch::shared(Subject::new("unit", name));
    let may = |name: &str| authority.effective_grants(&P).unwrap().never.check([&touch(name)]).is_ok();
    assert!(may("nginx.service") && !may("ssh.service"), "the defaults");
    std::fs::write(&path, format!("{GRANT}[never]\nunit = [\"nginx.*\"]\n[never.allow]\nunit = [\"ssh.service\"]\n"))
        .unwrap();
    assert!(!may("nginx.service") && may("ssh.service"));
    std::fs::write(&path, format!("{GRANT}[never]\nunit = [\"nginx\"]\n")).unwrap();
    assert!(!may("nginx.service") && may("ssh.service"), "the last valid list, and nothing acts");
    std::fs::write(&path, format!("{GRANT}[never]\n")).unwrap();
    assert!(may("nginx.service") && !may("ssh.service"));
}

#[test]
fn labels_and_targets_are_those_of_the_file_of_now() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ansai.toml");
    let targets = "[host]\nlabels = { site = \"fra1\", role = \"web\" }\n[target.main-db]\nkind = \"postgresql\"\n\
        address = \"db:5432\"\nsecret.file = \"/none\"\nlabels = { tier = \"gold\" }\n[target.cache]\nkind = \"redis\"\n\
        [target.other]\nkind = \"redis\"\n[policy.p.target.main-db.settings]\nlag = \"5s\"\n[policy.p.target.cache]\n";
    std::fs::write(&path, GRANT).unwrap();
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = Configuration::open(&path, &interfaces).unwrap();
    let policies = BTreeMap::from([(P.clone(), governed())]);
    let authority = FromFile::new(configuration, interfaces, Mode::Observe, policies);
    let now = || authority.effective_grants(&P);
    let before = now().unwrap();
    assert!(before.labels.is_empty() && before.targets.is_empty() && before.reach.target("cache").is_err());

    std::fs::write(&path, format!("{GRANT}{targets}")).unwrap();
    let after = now().unwrap();
    let label = |name: &str, value: &str| Label { name: name.into(), value: value.into() };
    assert_eq!(*after.labels, [label("role", "web"), label("site", "fra1")]);
    let seen = |target, settings| InstanceTarget { target, settings };
    assert_eq!(
        *after.targets,
        [
            seen(Target::new("cache", "redis", vec![]), serde_json::json!({})),
            seen(Target::new("main-db", "postgresql", vec![label("tier", "gold")]), serde_json::json!({"lag": 5_000})),
        ]
    );
    let reached = after.reach.target("main-db").unwrap();
    assert_eq!(reached.address.as_deref(), Some("db:5432"));
    assert_eq!(reached.secret, Some(ansai_kit::secret::SecretSource::File("/none".into())));
    assert!(matches!(after.reach.target("other"), Err(Refusal::Denied(_))));
    assert!(matches!(after.reach.target("none"), Err(Refusal::NotFound(_))));
    let limit = |grants: &EffectiveGrants, name: &str| grants.reach.call_limit(&Server::Target(name.into())).unwrap();
    assert_eq!((limit(&after, "cache"), limit(&after, "main-db")), (None, None));
    let limits = targets.replace("\"redis\"", "\"redis\"\ncall_limit = \"9s\"");
    std::fs::write(&path, format!("[daemon]\ncall_limit = \"2s\"\n{GRANT}{limits}")).unwrap();
    let [nine, two] = [9, 2].map(|seconds| Some(std::time::Duration::from_secs(seconds)));
    let limited = now().unwrap();
    assert_eq!((limit(&limited, "cache"), limit(&limited, "main-db")), (nine, two));
    assert!(before.targets.is_empty(), "an evaluation that runs keeps what it started with");

    std::fs::write(&path, format!("{GRANT}{}", targets.replace("5s", "5ms"))).unwrap();
    let why = now().err().unwrap();
    assert!(why.contains("[policy.p.target.main-db]") && why.contains("`lag`"), "{why}");
    std::fs::write(&path, format!("{GRANT}{targets}")).unwrap();
    assert_eq!(now().unwrap().targets.len(), 2);
    std::fs::write(&path, format!("{GRANT}{}", targets.replace("[target.cache]", "[target.cash]"))).unwrap();
    assert_eq!(now().unwrap().targets.len(), 2, "an invalid file does not count");
    std::fs::write(&path, format!("{GRANT}{}", targets.replace("[policy.p.target.cache]\n", ""))).unwrap();
    let less = now().unwrap();
    assert_eq!(less.targets.len(), 1);
    assert!(matches!(less.reach.target("cache"), Err(Refusal::Denied(_))));
}

/// Would break: a thread for each pass, a pass that goes on with old grants, or a step that acts on them.
#[test]
fn a_pass_looks_at_the_file_once_a_second_and_a_step_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ansai.toml");
    std::fs::write(&path, GRANT).unwrap();
    let authority = from_file(&path);
    let looked = || *authority.looked.lock().unwrap();
    assert!(looked().is_none());
    authority.grants_of_a_pass(&P).unwrap();
    let ahead = Instant::now() + Duration::from_secs(3_600);
    *authority.looked.lock().unwrap() = Some(ahead);
    std::fs::write(&path, GRANT.replace("enforce", "observe")).unwrap();
    assert_eq!(authority.grants_of_a_pass(&P).unwrap().mode, Mode::Enforce, "within the second");
    assert_eq!(looked(), Some(ahead), "it was not looked at");
    assert_eq!(authority.effective_grants(&P).unwrap().mode, Mode::Observe, "a step");
    assert_eq!(authority.grants_of_a_pass(&P).unwrap().mode, Mode::Observe, "what a step has seen is known");
    std::fs::remove_file(&path).unwrap();
    *authority.looked.lock().unwrap() = Instant::now().checked_sub(FRESH);
    for _ in 0..2 {
        assert!(authority.grants_of_a_pass(&P).is_err(), "and a look that failed is no answer");
    }
}

const KEY: (&str, &str) = (
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIMliTSmRKE+mNx3Xewn675VJpC/blTkkujeFmAfVZ/9R\n-----END PRIVATE KEY-----\n",
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEADRfU+OatU4ESkXr2geYGfMFo6X0Kxc2q22Cvsp/FoV4=\n-----END PUBLIC KEY-----\n",
);

/// Would break: a policy that its signer takes back, or whose rule the operator removes, goes on as before.
#[test]
fn a_running_policy_acts_only_while_its_signer_vouches_for_it() {
    use ansai_registry::{Claim, Digest, Lists, RevocationList, RevokedVersions, SigningKey, Store};
    let dir = tempfile::tempdir().unwrap();
    let (path, key_file) = (dir.path().join("ansai.toml"), dir.path().join("acme.pub"));
    std::fs::write(&key_file, KEY.1).unwrap();
    let list_file = "/acme.revocations";
    let trusting = format!(
        "[[trust]]\nnames = [\"registry.example/acme/*\"]\nkeys = [\"acme.pub\"]\nrevocations = \"{list_file}\"\n{GRANT}"
    );
    std::fs::write(&path, &trusting).unwrap();
    let store = Store::create(&ansai_storage::Directory::create(dir.path().join("state")).unwrap()).unwrap();
    let key = SigningKey::of_pem(KEY.0).unwrap();
    let claim = Claim {
        repository: "registry.example/acme/p".to_owned(),
        digest: Digest::of(b"manifest"),
        name: "p".to_owned(),
        version: "0.1.0".to_owned(),
        capabilities: "ab".to_owned(),
    };
    let signatures = key.signatures(&claim).unwrap().into();
    let vouched = Vouched::of_parts(claim, signatures, Arc::new(Lists::of(&store)));
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = Configuration::open(&path, &interfaces).unwrap();
    let source = configuration.vouching.lists().next().unwrap().clone();
    let governed = Governed { is_pulled: true, vouched: Some(vouched), ..governed() };
    // That of shadows asks the same lists, and looks first.
    let policies = BTreeMap::from([(P.clone(), governed)]);
    let shadows = FromFile::new(configuration.clone(), interfaces.clone(), Mode::Observe, policies.clone());
    let authority = FromFile::new(configuration, interfaces, Mode::Enforce, policies);
    let mode = || {
        let of_shadow = shadows.effective_grants(&P).map(|grants| grants.mode);
        let mode = authority.effective_grants(&P).map(|grants| grants.mode);
        assert_eq!(of_shadow.map(|_| Mode::Observe), mode.clone().map(|_| Mode::Observe));
        mode
    };
    assert_eq!(mode(), Ok(Mode::Observe), "no list is known");
    let now = ansai_supervisor::clock::now();
    let mut list = RevocationList::new("acme", now + ansai_core::Millis::from_hours(1));
    // As `ansai pull` does it, in another process.
    let refresh = |list: &RevocationList| {
        Lists::of(&store).update(&source, &list.signed(&key).unwrap(), now).unwrap().unwrap();
    };
    refresh(&list);
    assert_eq!(mode(), Ok(Mode::Enforce));
    std::fs::write(&path, GRANT).unwrap();
    assert_eq!(mode(), Ok(Mode::Observe), "no rule covers it");
    std::fs::write(&path, trusting.replace("acme.pub", "gone.pub")).unwrap();
    assert!(mode().unwrap_err().ends_with("(trust-key)"));
    std::fs::write(&path, &trusting).unwrap();
    assert_eq!(mode(), Ok(Mode::Enforce));
    list.serial += 1;
    list.versions.push(RevokedVersions::of("p", "<0.2.0", "deletes too much").unwrap());
    refresh(&list);
    let refused = mode().unwrap_err();
    assert!(refused.contains("deletes too much") && refused.ends_with("(revoked)"), "{refused}");
}
