//! The generator of random WebAssembly. It also tells the tests its own path.
//!
//! It is a build script so that it is compiled separately from wasmtime. In the same program, wasm-smith would enable a
//! feature of `arbitrary`, which wasmtime's code generator uses too, and all of wasmtime would be compiled twice.
//!
//! `components SEED COUNT` and `modules SEED COUNT SHAPE` write to standard output, each preceded by its length (32
//! bits, little-endian). A module has the imports and exports of the module in the file SHAPE.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program, and cargo reads what it prints")]

use std::error::Error;
use std::io::Write as _;

use arbitrary::{Arbitrary as _, Unstructured};
use wasm_smith::{Component, Config, Module};

#[path = "src/random.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests use the rest")]
mod random;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => {
            println!("cargo::rustc-env=GENERATOR={}", std::env::current_exe()?.display());
            println!("cargo::rerun-if-changed=build.rs");
            println!("cargo::rerun-if-changed=src/random.rs");
            Ok(())
        }
        ["components", seed, count] => write(seed, count, |config, input| {
            Ok(Component::new(Config { max_modules: 3, max_components: 3, ..config }, input)?.to_bytes())
        }),
        ["modules", seed, count, shape] => {
            let shape = std::fs::read(shape)?;
            write(seed, count, |config, input| {
                let config = Config { module_shape: Some(shape.clone()), ..plain(config) };
                Ok(Module::new(config, input)?.to_bytes())
            })
        }
        other => Err(format!("not understood: {other:?}").into()),
    }
}

/// Disables everything that ansai disables, because these modules have to run.
fn plain(config: Config) -> Config {
    Config {
        custom_page_sizes_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        // For `externref`, which needs the garbage collector.
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        shared_everything_threads_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        custom_descriptors_enabled: false,
        allow_invalid_funcs: false,
        allow_start_export: true,
        max_memories: 1,
        max_memory32_bytes: 4 << 20,
        max_table_elements: 1_000,
        max_tables: 2,
        ..config
    }
}

/// Generates one after the other; skips inputs that are too short.
fn write(
    seed: &str,
    count: &str,
    make: impl Fn(Config, &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>>,
) -> Result<(), Box<dyn Error>> {
    let (seed, count) = (seed.parse()?, count.parse::<usize>()?);
    let mut output = std::io::stdout().lock();
    let (mut made, mut stream) = (0, 0);
    while made < count {
        stream += 1;
        let mut random = random::Random::new(seed, stream);
        let length = 64 << random.below(9);
        let bytes = random.bytes(length);
        let mut input = Unstructured::new(&bytes);
        let Ok(config) = Config::arbitrary(&mut input) else { continue };
        let Ok(bytes) = make(config, &mut input) else { continue };
        output.write_all(&u32::try_from(bytes.len())?.to_le_bytes())?;
        output.write_all(&bytes)?;
        made += 1;
    }
    Ok(output.flush()?)
}
