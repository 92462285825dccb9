//! The measured policy: `detect` calls the host for the file systems and returns one observation.

use anyhow::Context as _;

/// The answer of both hosts to each call, as JSON.
pub(crate) const REPLY: &str = include_str!("reply.json").trim_ascii_end();

const WORLD: &str = "
package ansai:bench;
world guest {
  include ansai:policy/policy@0.2.0;
  import ansai:disk/disk-probe@0.2.0;
}";

/// The allocator never frees, because an evaluation is short. The observation is prepared at 2048, its list at 1024.
const MODULE: &str = r#"(module
  (import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func $list (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 16) "/filesystem there is room")
  (data (i32.const 1024) "\00\00\00\00\00\08\00\00\01\00\00\00")
  (data (i32.const 2048)
    "\10\00\00\00\01\00\00\00" "\11\00\00\00\0a\00\00\00" "\10\00\00\00\01\00\00\00"
    "\00\00\00\00\00\00\00\00\00\00\00\00" "\1c\00\00\00\0d\00\00\00"
    "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00")
  (global $top (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func (export "detect") (result i32)
    (call $list (i32.const 4096))
    SECOND
    (i32.const 1024))
  (func (export "plan") (param i32) (result i32)
    unreachable))"#;

const SECOND: &str = "(call $list (i32.const 8192))";

/// The component that calls twice.
pub(crate) fn component() -> anyhow::Result<Vec<u8>> {
    encode(SECOND)
}

/// The component that calls once.
pub(crate) fn component_asking_once() -> anyhow::Result<Vec<u8>> {
    encode("")
}

fn encode(second: &str) -> anyhow::Result<Vec<u8>> {
    let mut module = wat::parse_str(MODULE.replace("SECOND", second)).context("the module of the measured policy")?;
    let mut resolve = wit_parser::Resolve::default();
    for (name, text) in ansai_kit::wit::PACKAGES {
        resolve.push_str(name, text)?;
    }
    let package = resolve.push_str("world.wit", WORLD)?;
    let world = resolve.select_world(&[package], None)?;
    wit_component::embed_component_metadata(&mut module, &resolve, world, wit_component::StringEncoding::UTF8)?;
    wit_component::ComponentEncoder::default().validate(true).module(&module)?.encode()
}
