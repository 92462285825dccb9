//! Measures loading a policy: compiling it, or loading compiled code.
#![allow(clippy::disallowed_methods, reason = "an adapter to the component and a cache of its own")]

use std::path::Path;
use std::time::Instant;

use ansai_engine::{Compiler, Engine};

use crate::figure::{Figure, Row};
use crate::guest;
use crate::samples::Samples;

const COMPILATIONS: u32 = 10;
const LOADS_EACH: u32 = 5;

const AIM: f64 = 50.0;

const HOW: &str = "`Engine::load` of the component in the first line, compiled in this process. Ten rounds, each with \
a new cache: once with an empty cache, so that the component is compiled and stored, then five times from the cache, \
with the file mapped and already verified. The time includes inspecting and linking the component, but not reading \
its file or creating the engine.";

/// Measures this section.
pub(crate) fn measure(policies: &Path) -> anyhow::Result<Figure> {
    let built = std::fs::read(policies.join("disk-space/disk-space.wasm"));
    let (of, component) = match built {
        Ok(bytes) => ("policies/disk-space", bytes),
        Err(_) => ("the small component of this program (disk-space is not built: make policies)", guest::component()?),
    };
    let (mut compiled, mut cached) = (Samples::default(), Samples::default());
    for _ in 0..COMPILATIONS {
        let dir = tempfile::tempdir()?;
        let cache = dir.path().join("cache");
        let engine = Engine::new(ansai_host_functions::builtin(), Some(&cache), Compiler::InProcess)?;
        compiled.push(milliseconds(&engine, &component)?);
        let mut here = Samples::default();
        for _ in 0..LOADS_EACH {
            here.push(milliseconds(&engine, &component)?);
        }
        cached.push(here.median());
    }
    let times = compiled.median() / cached.median();
    Ok(Figure {
        title: "Loading a policy",
        how: HOW,
        rows: vec![
            Row::text("component", format!("{of}, {} KiB", component.len() >> 10)),
            Row::new("load with compilation", &compiled, "ms"),
            Row::new("load from the cache", &cached, "ms"),
            Row::single("compilation ÷ cache", times, "×").at_least(AIM, "×", Some(times)),
        ],
        grid: None,
        held_back_by: "",
    })
}

fn milliseconds(engine: &Engine, component: &[u8]) -> anyhow::Result<f64> {
    let began = Instant::now();
    engine.load(component)?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}
