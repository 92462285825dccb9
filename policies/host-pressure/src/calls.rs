//! The probe.

use crate::imports::ansai::system::system_probe::{
    self, CpuTime, InUse, LoadAverage, MemoryState, Pressured, Restart, Stall,
};

ansai_sdk::host_calls! {
    "ansai:system/system-probe.load" => fn load() -> LoadAverage = system_probe::load;
    "ansai:system/system-probe.cpu" => fn cpu() -> CpuTime = system_probe::cpu;
    "ansai:system/system-probe.memory" => fn memory() -> MemoryState = system_probe::memory;
    "ansai:system/system-probe.pressure" => fn pressure(what: Pressured) -> Stall = system_probe::pressure;
    "ansai:system/system-probe.open-files" => fn open_files() -> InUse = system_probe::open_files;
    "ansai:system/system-probe.threads" => fn threads() -> InUse = system_probe::threads;
    "ansai:system/system-probe.clock-synchronized" =>
        fn clock_synchronized() -> bool = system_probe::clock_synchronized;
    "ansai:system/system-probe.restart-needed" => fn restart_needed() -> Restart = system_probe::restart_needed;
}
