//! The small policy as an Extism plugin, for `make bench`. For each number on standard input, it creates that many
//! plugins, one after the other, calls each once, and prints the total time in nanoseconds.

use std::io::{BufRead as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, UserData, Wasm, host_fn};

/// The answer of `list_filesystems`, as in the other programs.
const REPLY: &str = include_str!("../../src/reply.json");
const FUEL: u64 = 100_000_000;

/// Calls the host twice, copies each reply into its memory eight bytes at a time, as Extism's plugin development kits
/// do, and returns one observation.
const MODULE: &str = r#"(module
  (import "extism:host/user" "list_filesystems" (func $list (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "load_u64" (func $load (param i64) (result i64)))
  (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (memory (export "memory") 2)
  (data (i32.const 1024) "[{\"key\":\"/\",\"about\":{\"kind\":\"filesystem\",\"name\":\"/\"},\"status\":\"healthy\",\"summary\":\"there is room\"}]    ")
  (func $ask (param $to i32)
    (local $from i64) (local $end i64)
    (local.set $from (call $list (i64.const 0)))
    (local.set $end (i64.add (local.get $from) (call $length (local.get $from))))
    (loop $words
      (i64.store (local.get $to) (call $load (local.get $from)))
      (local.set $from (i64.add (local.get $from) (i64.const 8)))
      (local.set $to (i32.add (local.get $to) (i32.const 8)))
      (br_if $words (i64.lt_u (i64.add (local.get $from) (i64.const 8)) (local.get $end)))))
  (func (export "detect") (result i32)
    (local $out i64) (local $at i64)
    (call $ask (i32.const 4096))
    (call $ask (i32.const 8192))
    (local.set $out (call $alloc (i64.const 104)))
    (loop $words
      (call $store (i64.add (local.get $out) (local.get $at)) (i64.load offset=1024 (i32.wrap_i64 (local.get $at))))
      (local.set $at (i64.add (local.get $at) (i64.const 8)))
      (br_if $words (i64.lt_u (local.get $at) (i64.const 104))))
    (call $output (local.get $out) (i64.const 104))
    (i32.const 0)))"#;

host_fn!(list_filesystems(_user: (); _asked: String) -> String { Ok(REPLY.trim_end().to_owned()) });

fn main() -> anyhow::Result<()> {
    let manifest = Manifest::new([Wasm::data(wat::parse_str(MODULE)?)])
        .with_memory_max(1_024)
        .with_timeout(Duration::from_secs(60));
    let plugin = PluginBuilder::new(manifest)
        .with_function("list_filesystems", [extism::PTR], [extism::PTR], UserData::new(()), list_filesystems)
        .with_cache_disabled()
        .with_fuel_limit(FUEL);
    let compiled = CompiledPlugin::new(plugin)?;
    for line in std::io::stdin().lock().lines() {
        let count: u32 = line?.trim().parse().context("a number of evaluations")?;
        let began = Instant::now();
        for _ in 0..count {
            let mut plugin = Plugin::new_from_compiled(&compiled)?;
            let answer: &[u8] = plugin.call("detect", "")?;
            ensure!(answer.starts_with(br#"[{"key":"/""#), "the plugin answered something else");
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", began.elapsed().as_nanos())?;
        out.flush()?;
    }
    Ok(())
}
