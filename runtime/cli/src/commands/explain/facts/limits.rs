//! Limits that pages name are those of the code.

use ansai_codes::{Block, page};
use ansai_core::{Limits, codes};
use ansai_engine::compile::CompileLimits;

const MIB: u64 = 1 << 20;

/// What a page says, made of the limit itself.
fn said() -> Vec<(codes::Code, String)> {
    let limits = CompileLimits::of_size;
    // Between two sizes below what caps the limit.
    let each = |of: fn(&CompileLimits) -> u64| (of(&limits(0)), of(&limits(1 << 20)) - of(&limits(0)));
    let bytes = |of: fn(&CompileLimits) -> u64| {
        let (base, each) = each(of);
        format!("{} MiB, plus {} MiB for each MiB of the component", base / MIB, each / MIB)
    };
    let (seconds, more) = each(|limits| limits.cpu_seconds);
    let largest = limits(ansai_engine::component::MAX_BYTES);
    let wall = limits(0).wall.as_secs() / seconds;
    vec![
        (codes::FILE_TOO_LARGE, format!("{} KiB: manifest, schema", ansai_config::MOST_AUTHOR_BYTES >> 10)),
        (codes::FILE_TOO_LARGE, format!("{} MiB: scenario", ansai_config::MOST_BYTES as u64 / MIB)),
        (codes::FILE_TOO_LARGE, format!("{} MiB: the configuration", ansai_config::MOST_HOST_BYTES as u64 / MIB)),
        (codes::TOO_LARGE, format!("larger than {} MiB", ansai_engine::component::MAX_BYTES as u64 / MIB)),
        (codes::COMPILE_MEMORY, bytes(|limits| limits.memory_bytes)),
        (codes::COMPILE_MEMORY, format!("up to {} GiB", largest.memory_bytes / MIB / 1024)),
        (codes::COMPILE_CODE, bytes(|limits| limits.code_bytes)),
        (codes::COMPILE_CODE, format!("up to {} MiB", largest.code_bytes / MIB)),
        (codes::COMPILE_LOAD, bytes(|limits| limits.load_bytes)),
        (codes::COMPILE_CPU, format!("{seconds} s of CPU time, plus {more} s for each MiB of the component")),
        (codes::COMPILE_TIME, format!("{wall} s of elapsed time for each second of CPU time")),
        (codes::INCIDENTS, format!("(default {},{:03})", observations() / 1_000, observations() % 1_000)),
    ]
}

fn observations() -> u32 {
    Limits::default().observations
}

#[test]
fn limits_are_those_of_the_code() {
    for (code, said) in said() {
        let page = page(code).unwrap();
        let texts: Vec<&str> = page.meaning.iter().map(Block::text).chain([page.title]).collect();
        assert!(texts.iter().any(|text| text.contains(&said)), "{code} does not say: {said}");
    }
}
