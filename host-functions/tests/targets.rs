//! A probe of the tests that connects to targets: which ones it may use, and how it gets their secrets.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ansai_core::event::Phase;
use ansai_core::{
    InstanceName, Interface, InterfaceKind, InterfaceName, Refusal, Scope, ScopeInForce, Sensitivity, Timestamp,
};
use ansai_host_functions::live::{Live, LiveHost};
use ansai_kit::backend::{Answer, Backend as _};
use ansai_kit::call::{Call, Reply};
use ansai_kit::evaluation_state::{Context, EvaluationState, Label, NoMemory};
use ansai_kit::function::{Inline, Probe};
use ansai_kit::host::{Host, ProbeContext};
use ansai_kit::registry::{Body, Function, InterfaceDef};
use ansai_kit::secret::SecretSource;
use ansai_kit::target::{AllTargets, Reach, TargetAccess};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

static LOGINS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("test:logins/logins-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "log in",
        fields: &[],
    },
    doctor: &[],
    functions: &[
        Function { name: "log-in", checks: &[], body: Body::Probe(&Probe(log_in)) },
        Function { name: "list", checks: &[], body: Body::Inline(&Inline { at_once: list, probe: log_in_all }) },
    ],
};

#[derive(Serialize, Deserialize)]
struct Arguments {
    target: String,
}

/// Answers whether the secret is the right one, as a server does.
fn log_in(ask: &ProbeContext<'_>, Arguments { target }: Arguments) -> Result<String, Refusal> {
    let target = ask.reach.target(&target)?;
    let address = target.address.as_deref().ok_or_else(|| Refusal::Invalid("it has no address".into()))?;
    let Some(source) = &target.secret else { return Ok(format!("{address}: anonymous")) };
    let secret = source.read()?;
    let is_right = secret.expose() == b"hunter2";
    Ok(format!("{address}: {} {secret} {secret:?}", if is_right { "welcome" } else { "wrong password" }))
}

/// Names and labels of the targets, without waiting.
fn list(ask: &ProbeContext<'_>, _: &Arguments) -> Option<Result<String, Refusal>> {
    let shown = ask.reach.targets().map(|one| format!("{} {:?}", one.target.name, one.target.labels));
    Some(Ok(shown.collect::<Vec<_>>().join(", ")))
}

fn log_in_all(_: &ProbeContext<'_>, _: Arguments) -> Result<String, Refusal> {
    Err(Refusal::Other("it answers at once".into()))
}

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn all(secret: &Path) -> AllTargets {
    let target = |name: &str, secret| {
        let labels = vec![Label { name: "tier".into(), value: "gold".into() }];
        let access = TargetAccess {
            address: Some(format!("{name}.example.org:5432")),
            secret,
            ..TargetAccess::new(name, "postgresql", labels)
        };
        (name.to_owned(), access)
    };
    let secret = || Some(SecretSource::File(secret.to_owned()));
    Arc::new([target("cache", None), target("main-db", secret()), target("other-db", secret())].into())
}

/// One call in an evaluation of the instance `web`.
async fn call(reach: &Reach, function: &str, target: &str) -> Reply {
    let shared =
        LiveHost::new(Host::at("/"), ansai_host_functions::builtin().with(&LOGINS), 2, Duration::from_secs(60));
    let scopes = [(LOGINS.interface.name.clone(), ScopeInForce::from(Scope::default()))].into();
    let base = EvaluationState::new(Phase::Detect, Context::at(Timestamp::EPOCH), Arc::new(NoMemory));
    let mut live = Live::new(shared, InstanceName::from_static("web"), Arc::new(scopes), base).reaching(reach.clone());
    let arguments = serde_json::json!({ "target": target }).to_string();
    let arguments = Arc::from(RawValue::from_string(arguments).unwrap());
    match live.ask(Call { interface: &LOGINS.interface.name, function, arguments: &arguments }) {
        Answer::Now(reply) => reply.unwrap(),
        Answer::Later(later) => later.await.unwrap(),
    }
}

fn text(reply: Reply) -> String {
    serde_json::from_str(reply.unwrap().get()).unwrap()
}

#[tokio::test]
async fn a_probe_uses_the_targets_of_its_instance_with_the_secret_of_now() {
    let dir = tempfile::tempdir().unwrap();
    let path = std::fs::canonicalize(dir.path()).unwrap().join("main-db.secret");
    write(&path, "hunter2\n", 0o600);
    let names = ["cache", "main-db"].map(str::to_owned);
    let reach = Reach::new(InstanceName::from_static("web"), all(&path), names);

    assert_eq!(text(call(&reach, "log-in", "main-db").await), "main-db.example.org:5432: welcome *** ***");
    assert_eq!(text(call(&reach, "log-in", "cache").await), "cache.example.org:5432: anonymous");
    let label = "[Label { name: \"tier\", value: \"gold\" }]";
    assert_eq!(text(call(&reach, "list", "").await), format!("cache {label}, main-db {label}"));

    let denied = call(&reach, "log-in", "other-db").await.unwrap_err();
    assert!(matches!(&denied, Refusal::Denied(why) if why.contains("[policy.web.target.other-db]")), "{denied}");
    assert!(matches!(call(&reach, "log-in", "none").await, Err(Refusal::NotFound(_))));
    assert!(matches!(call(Reach::none(), "log-in", "main-db").await, Err(Refusal::NotFound(_))));

    // Rotated: the next call uses the new file.
    write(&path.with_extension("new"), "hunter3\n", 0o600);
    std::fs::rename(path.with_extension("new"), &path).unwrap();
    assert_eq!(text(call(&reach, "log-in", "main-db").await), "main-db.example.org:5432: wrong password *** ***");

    for (text, mode) in [("hunter2", 0o644), ("hunter2", 0o660), ("", 0o600)] {
        write(&path, text, mode);
        let why = call(&reach, "log-in", "main-db").await.unwrap_err();
        assert!(matches!(why, Refusal::Unavailable(_)), "{why}");
        assert!(!why.to_string().contains("hunter2") && !why.to_string().contains("main-db.secret"), "{why}");
    }
}
