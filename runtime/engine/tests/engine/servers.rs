//! A server that hangs, and what a policy says about the others.

use std::io::Read as _;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use crate::support::*;
use ansai_core::event::Phase;
use ansai_core::{InstanceName, Interface, InterfaceKind, InterfaceName, Limits, Refusal, Scope, Sensitivity, Status};
use ansai_engine::{Answer, Compiler, Engine, RecordedReply};
use ansai_host_functions::live::{Live, LiveHost};
use ansai_host_functions::remote::RemoteLimits;
use ansai_kit::evaluation_state::{EvaluationState, NoMemory};
use ansai_kit::host::{Host, ProbeContext};
use ansai_kit::registry::{Body, Function, InterfaceDef};
use ansai_kit::remote::{Remote, Server};
use ansai_kit::target::{Reach, TargetAccess};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Read {
    target: String,
}

/// Counts the bytes until the server closes the connection, however long that takes.
fn read(ask: &ProbeContext<'_>, Read { target }: Read) -> Result<u32, Refusal> {
    let address = ask.reach.target(&target)?.address.clone().unwrap();
    let failed = |error: std::io::Error| Refusal::Unavailable(error.to_string());
    let mut text = Vec::new();
    TcpStream::connect(address).map_err(failed)?.read_to_end(&mut text).map_err(failed)?;
    Ok(u32::try_from(text.len()).unwrap())
}

static PAGES: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:test/pages-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Outgoing,
        ability: "read pages",
        fields: &[],
    },
    doctor: &[],
    functions: &[Function {
        name: "read",
        checks: &[],
        body: Body::Remote(&Remote { server: |one: &Read| Server::Target(one.target.clone()), call: read }),
    }],
};

const WORLD: &str = "package ansai:test@0.2.0;
    interface pages-probe {
        use ansai:policy/types@0.2.0.{refusal};
        read: func(target: string) -> result<u32, refusal>;
    }
    world guest { include ansai:policy/policy@0.2.0; import pages-probe; }";

/// Reads three targets, one after another. Each observation is healthy if its target answered, else unknown.
const READS: &str = r#"
    (import "ansai:test/pages-probe@0.2.0" "read" (func $read (param i32 i32 i32)))
    (data (i32.const 256) "abc")
    (func $observe (param $name i32) (param $at i32)
      (call $read (local.get $name) (i32.const 1) (i32.const 4096))
      (i32.store (local.get $at) (local.get $name))
      (i32.store offset=4 (local.get $at) (i32.const 1))
      (i32.store8 offset=24 (local.get $at) (i32.mul (i32.const 2) (i32.load8_u (i32.const 4096)))))
    (func (export "detect") (result i32)
      (call $observe (i32.const 256) (i32.const 2048))
      (call $observe (i32.const 257) (i32.const 2128))
      (call $observe (i32.const 258) (i32.const 2208))
      (i32.store (i32.const 1028) (i32.const 2048))
      (i32.store (i32.const 1032) (i32.const 3))
      i32.const 1024)
    (func (export "plan") (param i32) (result i32) i32.const 1024)"#;

/// Accepts nothing by itself: the kernel completes the connections, and no byte is ever sent.
fn silent() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
}

/// Closes so many connections at once.
fn closing(connections: usize) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = std::thread::spawn(move || {
        for stream in listener.incoming().take(connections) {
            stream.unwrap().shutdown(Shutdown::Both).unwrap();
        }
    });
    (address, serving)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_hangs_leaves_the_other_findings_as_they_are() {
    let registry = ansai_host_functions::builtin().with(&PAGES);
    let engine = Engine::new(registry.clone(), None, Compiler::InProcess).unwrap();
    let policy = engine.load(&component_for(WORLD, READS)).unwrap();
    let patient = RemoteLimits { call: Duration::from_secs(600), ..RemoteLimits::default() };
    let live_host = LiveHost::new(Host::at("/"), registry, 2, Duration::from_secs(600)).calling(patient);
    let limits = Limits { deadline_ms: 600_000, call_deadline_ms: 600_000, ..limits() };
    // Five connections: all three targets once, then without the one that hangs.
    let (good, serving) = closing(5);
    let hangs = silent();

    let evaluate = |of_b: String, call_limit| {
        let target = |name: &str, address: &str, call_limit| {
            let access = TargetAccess {
                address: Some(address.to_owned()),
                call_limit,
                ..TargetAccess::new(name, "page", Vec::new())
            };
            (name.to_owned(), access)
        };
        let all = [target("a", &good, None), target("b", &of_b, call_limit), target("c", &good, None)];
        let test = InstanceName::from_static("test");
        let reach = Reach::new(test.clone(), Arc::new(all.into()), ["a", "b", "c"].map(str::to_owned));
        let scopes = [(PAGES.interface.name.clone(), Scope::default().into())].into_iter().collect();
        let state = EvaluationState::new(Phase::Detect, context(), Arc::new(NoMemory));
        let live = Live::new(live_host.clone(), test, Arc::new(scopes), state).reaching(reach);
        policy.detect(live.ending_after(Duration::from_millis(limits.deadline_ms)), &limits)
    };
    let well = evaluate(good.clone(), None).await;
    let hung = evaluate(hangs.local_addr().unwrap().to_string(), Some(Duration::from_millis(20))).await;
    serving.join().unwrap();

    let (Ok(Answer::Observed(well)), Ok(Answer::Observed(other))) = (well.answer, hung.answer) else {
        panic!("no observations")
    };
    assert_eq!(well.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert!(well.iter().all(|one| one.status == Status::Healthy), "{well:?}");
    assert_eq!((&well[0], &well[2]), (&other[0], &other[2]));
    assert!(matches!(other[1].status, Status::Unknown(_)), "{:?}", other[1]);
    let RecordedReply::Refused(Refusal::TimedOut(why)) = &hung.calls[1].reply else { panic!("{:?}", hung.calls) };
    assert!(why.contains("target `b`"), "{why}");
    assert_eq!(live_host.remote.hanging(), 1, "its thread is left behind");
    // Resets the connection, so that the thread ends.
    drop(hangs);
    while live_host.remote.in_use() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
