//! `served-certificate-probe` as the host answers it: grants, batches, servers that hang, and special addresses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ansai_core::event::Phase;
use ansai_core::{InstanceName, InterfaceName, Refusal, Scope, ScopeInForce, Timestamp};
use ansai_harness::pki::{Authority, LONG, der};
use ansai_harness::tls_server::{Before, TlsServer, at_once};
use ansai_host_functions::live::{Live, LiveHost};
use ansai_host_functions::remote::RemoteLimits;
use ansai_kit::backend::{Answer, Backend as _};
use ansai_kit::call::Call;
use ansai_kit::evaluation_state::{Context, EvaluationState, NoMemory};
use ansai_kit::host::Host;
use ansai_reach::certificate::ENDPOINTS;
use serde_json::value::RawValue;
use serde_json::{Value, json};

const PROBE: &str = "ansai:certificate/served-certificate-probe";
/// 2026-11-29.
const NOW: u64 = 1_795_910_400_000;
const LIMIT: Duration = Duration::from_secs(600);

/// A host that trusts this authority.
struct Scene {
    root: Authority,
    _directory: tempfile::TempDir,
    live: LiveHost,
}

impl Scene {
    fn new(call: Duration) -> Scene {
        let (root, directory) = (Authority::root("Root", LONG), tempfile::tempdir().unwrap());
        std::fs::create_dir_all(directory.path().join("etc/ssl/certs")).unwrap();
        std::fs::write(directory.path().join("etc/ssl/certs/ca-certificates.crt"), &root.pem).unwrap();
        let limits = RemoteLimits { call, ..RemoteLimits::default() };
        let host = Host::at(directory.path());
        let live = LiveHost::new(host, ansai_host_functions::builtin(), 2, LIMIT).calling(limits);
        Scene { root, _directory: directory, live }
    }

    fn server(&self, before: Before) -> TlsServer {
        let middle = self.root.intermediate("Middle", LONG);
        let leaf = middle.issue(&["a.example"], LONG);
        TlsServer::start(&[leaf.der, der(&middle.pem)], &leaf.key_der, before)
    }

    async fn look(&self, granted: &[&str], endpoints: &[(&str, &str)]) -> Result<Value, Refusal> {
        let scope = Scope::default().with_set(&ENDPOINTS, granted.iter().copied());
        let scopes: BTreeMap<InterfaceName, ScopeInForce> = [(PROBE.parse().unwrap(), scope.into())].into();
        let context = Context::at(Timestamp::from_millis(NOW));
        let state = EvaluationState::new(Phase::Detect, context, Arc::new(NoMemory));
        let mut live = Live::new(self.live.clone(), InstanceName::from_static("web"), Arc::new(scopes), state);
        let endpoints: Vec<Value> = endpoints
            .iter()
            .map(|(address, name)| json!({"address": address, "server-name": name, "opening": "tls"}))
            .collect();
        let arguments: Arc<RawValue> =
            RawValue::from_string(json!({ "endpoints": endpoints }).to_string()).unwrap().into();
        let interface: InterfaceName = PROBE.parse().unwrap();
        let reply = match live.ask(Call { interface: &interface, function: "look", arguments: &arguments }) {
            Answer::Now(reply) => reply.unwrap(),
            Answer::Later(later) => later.await.unwrap(),
        };
        reply.map(|reply| serde_json::from_str(reply.get()).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_that_hangs_hides_no_other() {
    let scene = Scene::new(Duration::from_secs(4));
    let silent: Before = Arc::new(|stream| {
        let _ = stream.read_exact(&mut [0; 4096]);
        let _ = stream.read_exact(&mut [0; 4096]);
        false
    });
    let (good, hangs) = (scene.server(at_once()), scene.server(silent));
    let (good, hangs) = (good.address(), hangs.address());
    let found =
        scene.look(&[&good, &hangs], &[(&hangs, "a.example"), (&good, "a.example"), (&good, "")]).await.unwrap();
    assert!(found[0]["presented"]["failed"]["timed-out"].is_string(), "{found:#}");
    assert_eq!(found[0]["trusted"], Value::Null);
    assert_eq!((&found[1]["trusted"], &found[1]["distrust"]), (&json!(true), &json!([])), "{found:#}");
    assert_eq!(found[1]["presented"]["certificates"].as_array().unwrap().len(), 2);
    assert_eq!(found[1]["about"], json!({"kind": "endpoint", "name": format!("{good} a.example")}));
    assert_eq!(found[1]["protocol"], "TLS 1.3");
    assert_eq!(found[2]["distrust"], json!(["wrong-name"]), "{found:#}");
    assert_eq!(found[2]["about"]["name"], json!(good));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_granted_is_not_called() {
    let scene = Scene::new(LIMIT);
    let server = scene.server(at_once());
    let address = server.address();
    let port = address.rsplit_once(':').unwrap().1;
    for granted in [&["other.example:443"][..], &[], &["*.example:443"]] {
        let refused = scene.look(granted, &[(&address, "a.example")]).await;
        assert!(matches!(refused, Err(Refusal::Denied(_))), "{refused:?}");
    }
    // `localhost` names this machine; no other name may lead there.
    let local = format!("localhost:{port}");
    let found = scene.look(&[&local], &[(&local, "a.example")]).await.unwrap();
    assert_eq!(found[0]["trusted"], json!(true), "{found:#}");
    for invalid in ["localhost", "LOCALHOST:1", "a:0", "https://a:443", "127.1:443", "[::1]", "*.example:443"] {
        assert!(scene.look(&[&local], &[(invalid, "")]).await.is_err(), "{invalid}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_endpoints() {
    let scene = Scene::new(Duration::from_secs(5));
    let servers: Vec<TlsServer> = (0..50).map(|_| scene.server(at_once())).collect();
    let addresses: Vec<String> = servers.iter().map(TlsServer::address).collect();
    let granted: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let endpoints: Vec<(&str, &str)> =
        granted.iter().map(|address| (*address, "a.example")).cycle().take(1_000).collect();
    let began = Instant::now();
    let mut trusted = 0;
    for page in endpoints.chunks(250) {
        let found = scene.look(&granted, page).await.unwrap();
        trusted += found.as_array().unwrap().iter().filter(|one| one["trusted"] == json!(true)).count();
    }
    println!("1,000 endpoints: {} ms", began.elapsed().as_millis());
    assert_eq!(trusted, 1_000);
    let too_many: Vec<(&str, &str)> = endpoints.iter().copied().take(257).collect();
    assert!(matches!(scene.look(&granted, &too_many).await, Err(Refusal::Invalid(_))));
}
