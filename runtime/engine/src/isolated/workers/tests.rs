use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::*;
use crate::isolated::TrustLevel;
use crate::memory::MemoryInit;

/// Would break: an evaluation that waits 50 ms for a worker of another compartment, which never comes to it.
#[test]
fn nobody_waits_for_a_worker_of_another_compartment() {
    let workers = Workers::new(WorkerProgram::this_program());
    let built_in = Compartment { trust: TrustLevel::BuiltIn, own: None, is_shadow: false };
    let other = Compartment { trust: TrustLevel::Unsigned, own: None, is_shadow: false };
    let _at_work = workers.program.announce(&built_in);
    let info = ComponentInfo {
        digest: String::new(),
        bytes: 0,
        memory: MemoryInit::Copied,
        imports: Vec::new(),
        manifest: None,
        schema: None,
        readme: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let waits = |compartment: &Compartment| {
        runtime.block_on(async {
            let mut waiting = pin!(workers.idle_or_freed(compartment, &info));
            poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context).is_pending())).await
        })
    };
    assert!(waits(&built_in));
    assert!(!waits(&other));
}

#[test]
fn workers_are_counted_as_long_as_they_live() {
    let program = WorkerProgram::this_program();
    let own = Compartment { trust: TrustLevel::Unsigned, own: Some("web".parse().unwrap()), is_shadow: false };
    let all = [program.announce(&own), program.announce(&own), program.announce(&Compartment::default())];
    let count = || [None, Some(&own), Some(&Compartment::default())].map(|of| program.started(of));
    assert_eq!(count(), [3, 2, 1]);
    drop(all);
    assert_eq!(count(), [0, 0, 0]);
}
