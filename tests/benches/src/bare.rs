//! The same policy in bare wasmtime: the same configuration and limits, typed host functions, and nothing else.

use ansai_engine::engine::{InstanceAllocation, configuration};
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, ResourceLimiter, Store};

mod bindings {
    #![allow(missing_docs, unreachable_pub, reason = "generated")]
    wasmtime::component::bindgen!({
        path: ["../../wit/policy", "../../wit/disk"],
        inline: "
            package ansai:bench;
            world bench {
                use ansai:policy/types@0.2.0.{observation, decision, failure};
                import ansai:disk/disk-probe@0.2.0;
                export detect: func() -> result<list<observation>, failure>;
                export plan: func(finding: observation) -> result<decision, failure>;
            }",
        world: "ansai:bench/bench",
        exports: { default: async },
    });
}

use bindings::ansai::disk::disk_probe::{self, Filesystem, Filesystems, Inodes, UnreadableFilesystem};
use bindings::ansai::policy::types::{self, Refusal, Subject};
use bindings::{Bench, BenchPre};

/// The policy, compiled and linked.
pub(crate) struct Bare {
    engine: Engine,
    pre: BenchPre<Guest>,
}

struct Guest {
    limiter: Limiter,
    answer: Filesystems,
}

impl types::Host for Guest {}

impl disk_probe::Host for Guest {
    fn list_filesystems(&mut self) -> Result<Filesystems, Refusal> {
        Ok(self.answer.clone())
    }

    fn list_unreadable(&mut self) -> Result<Vec<UnreadableFilesystem>, Refusal> {
        Ok(Vec::new())
    }
}

impl Bare {
    pub(crate) fn new(component: &[u8], guests: InstanceAllocation) -> wasmtime::Result<Bare> {
        let engine = Engine::new(&configuration(guests))?;
        let component = Component::new(&engine, component)?;
        let mut linker = Linker::new(&engine);
        Bench::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
        Ok(Bare { pre: BenchPre::new(linker.instantiate_pre(&component)?)?, engine })
    }

    /// One evaluation; returns the number of observations.
    pub(crate) async fn detect(&self, limits: &ansai_core::Limits) -> wasmtime::Result<usize> {
        let most = usize::from(limits.memory_bytes);
        let guest = Guest { limiter: Limiter { memory: 0, most }, answer: answer() };
        let mut store = Store::new(&self.engine, guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_hostcall_fuel(1 << 20);
        store.set_max_component_handles(1024);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store.set_fuel(limits.fuel)?;
        let bench = self.pre.instantiate_async(&mut store).await?;
        let observations = bench.call_detect(&mut store).await?;
        Ok(observations.map_or(0, |observations| observations.len()))
    }
}

/// The values of `guest::REPLY`.
fn answer() -> Filesystems {
    let entry = Filesystem {
        about: Subject { kind: "filesystem".into(), name: "/".into() },
        mount: "/".into(),
        kind: "ext4".into(),
        device: "/dev/vda1".into(),
        read_only: false,
        remote: false,
        total_bytes: 53_687_091_200,
        available_bytes: 21_474_836_480,
        reserved_bytes: 2_684_354_560,
        inodes: Some(Inodes { total: 3_276_800, free: 2_949_120 }),
    };
    Filesystems { entries: vec![entry], skipped: 0 }
}

struct Limiter {
    memory: usize,
    most: usize,
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _most: Option<usize>) -> wasmtime::Result<bool> {
        self.memory = self.memory.saturating_add(desired.saturating_sub(current));
        Ok(self.memory <= self.most)
    }

    fn table_growing(&mut self, _current: usize, _desired: usize, _most: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}
