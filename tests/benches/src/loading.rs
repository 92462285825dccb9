//! Loading a policy: compiled now, or found compiled.
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

const HOW: &str = "`Engine::load` of the component named here, compiled in this process: once into an empty cache, so that it is compiled and kept, \
then five times from that cache, the file mapped and known to be verified; ten rounds, each with a cache of its own. Reading the file and \
making the engine are not counted, inspecting the component and linking it are.";

/// Runs it.
pub(crate) fn measure(policies: &Path) -> anyhow::Result<Figure> {
    let built = std::fs::read(policies.join("disk-space/disk-space.wasm"));
    let (of, component) = match built {
        Ok(bytes) => ("policies/disk-space", bytes),
        Err(_) => ("the small one of this program (not built: make policies)", guest::component()?),
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
            Row::new("compiled", &compiled, "ms"),
            Row::new("from the cache", &cached, "ms"),
            Row::single("compiling takes so many times as long", times, "×").at_least(AIM, "×", Some(times)),
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
