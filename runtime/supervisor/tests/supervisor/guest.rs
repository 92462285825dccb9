//! The policy of these tests: it reports and proposes what its script says, or traps, or never ends.

use std::sync::OnceLock;

use ansai_harness::guest::in_world;

const WIT: &str = r#"
package ansai:test@0.2.0;
/// What a script answers.
interface script-probe {
  use ansai:policy/types@0.2.0.{observation, decision, failure};
  record step { action: u32, number: u64, limit: u64, text: string, reason: string }
  how: func(script: string) -> u32;
  say: func(script: string) -> result<list<observation>, failure>;
  steps: func(script: string) -> list<step>;
  decide: func(script: string) -> result<decision, failure>;
}
interface slow-actions {
  use ansai:policy/types@0.2.0.{refusal, preview};
  wait: func(number: u64, limit: u64, text: string, reason: string) -> result<preview, refusal>;
  wait-or-cancel: func(number: u64, limit: u64, text: string, reason: string) -> result<preview, refusal>;
  mark: func(number: u64, limit: u64, text: string, reason: string) -> result<preview, refusal>;
  flaky: func(number: u64, limit: u64, text: string, reason: string) -> result<preview, refusal>;
  set: func(number: u64, limit: u64, text: string, reason: string) -> result<preview, refusal>;
  set-for-a-time: func(number: u64, limit: u64, text: string, reason: string) -> result<preview, refusal>;
  reload: func(number: u64, limit: u64, text: string, reason: string) -> result<preview, refusal>;
}
world guest {
  include ansai:policy/policy@0.2.0;
  import ansai:disk/disk-check-actions@0.2.0;
  import script-probe;
  import slow-actions;
}
"#;

/// Addresses: 16 and 32 are names, 64 is a text of one letter, 1024 the answer, 2048 and above the replies of calls.
const MODULE: &str = r#"(module
  (type $propose (func (param i64 i64 i32 i32 i32 i32 i32)))
  (import "ansai:policy/context@0.2.0" "setting" (func $setting (param i32 i32 i32)))
  (import "ansai:policy/context@0.2.0" "triggered-by" (func $triggered-by (param i32)))
  (import "ansai:policy/context@0.2.0" "history" (func $history (param i32 i32 i32 i32 i64 i32)))
  (import "ansai:policy/advice@0.2.0" "may-fail" (func $may-fail (param i32 i32)))
  (import "ansai:policy/advice@0.2.0" "look-again" (func $look-again (param i64 i32)))
  (import "ansai:policy/advice@0.2.0" "recommend" (func $recommend
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ansai:policy/log@0.2.0" "write" (func $write (param i32 i32 i32)))
  (import "ansai:policy/store@0.2.0" "get" (func $get (param i32 i32 i32)))
  (import "ansai:policy/store@0.2.0" "set" (func $set (param i32 i32 i32 i32 i32)))
  (import "ansai:policy/series@0.2.0" "append" (func $append (param i32 i32 f64 i32)))
  (import "ansai:policy/series@0.2.0" "samples" (func $samples
    (param i32 i32 i64 i32 i64 i32 i64 i32 i32)))
  (import "ansai:test/script-probe@0.2.0" "how" (func $how (param i32 i32) (result i32)))
  (import "ansai:test/script-probe@0.2.0" "say" (func $say (param i32 i32 i32)))
  (import "ansai:test/script-probe@0.2.0" "steps" (func $steps (param i32 i32 i32)))
  (import "ansai:test/script-probe@0.2.0" "decide" (func $decide (param i32 i32 i32)))
  (import "ansai:test/slow-actions@0.2.0" "wait" (func $wait (type $propose)))
  (import "ansai:test/slow-actions@0.2.0" "wait-or-cancel" (func $wait-or-cancel (type $propose)))
  (import "ansai:test/slow-actions@0.2.0" "mark" (func $mark (type $propose)))
  (import "ansai:test/slow-actions@0.2.0" "flaky" (func $flaky (type $propose)))
  (import "ansai:test/slow-actions@0.2.0" "reload" (func $reload (type $propose)))
  (import "ansai:test/slow-actions@0.2.0" "set" (func $set-file (type $propose)))
  (import "ansai:test/slow-actions@0.2.0" "set-for-a-time" (func $set-for-a-time (type $propose)))
  (import "ansai:disk/disk-check-actions@0.2.0" "check-available" (func $check (param i32 i32 i64 i32 i32 i32)))
  (table funcref (elem $wait $wait-or-cancel $mark $flaky))
  (memory (export "memory") 16)
  (data (i32.const 16) "script")
  (data (i32.const 32) "seen")
  (data (i32.const 96) "testthing")
  (global $top (mut i32) (i32.const 65536))
  (global $script (mut i32) (i32.const 0))
  (global $length (mut i32) (i32.const 0))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func $begin
    (call $setting (i32.const 16) (i32.const 6) (i32.const 2048))
    (global.set $script (i32.load (i32.const 2052)))
    (global.set $length (i32.load (i32.const 2056))))
  ;; What is not in the table.
  (func $other (param $step i32)
    (local $what i32) (local $left i64)
    (local.set $what (i32.load (local.get $step)))
    (if (i32.eq (local.get $what) (i32.const 11))
      (then
        (local.set $left (i64.load offset=8 (local.get $step)))
        (loop $more
          (call $write (i32.const 1) (i32.load offset=24 (local.get $step)) (i32.load offset=28 (local.get $step)))
          (br_if $more (i64.ne (local.tee $left (i64.sub (local.get $left) (i64.const 1))) (i64.const 0))))))
    (if (i32.eq (local.get $what) (i32.const 12)) (then unreachable))
    (if (i32.eq (local.get $what) (i32.const 4))
      (then (call $check
        (i32.load offset=24 (local.get $step)) (i32.load offset=28 (local.get $step))
        (i64.load offset=8 (local.get $step))
        (i32.load offset=32 (local.get $step)) (i32.load offset=36 (local.get $step))
        (i32.const 4096))))
    (if (i32.eq (local.get $what) (i32.const 5))
      (then (call $may-fail (i32.wrap_i64 (i64.load offset=8 (local.get $step))) (i32.const 4096))))
    (if (i32.eq (local.get $what) (i32.const 6))
      (then (call $look-again (i64.load offset=8 (local.get $step)) (i32.const 4096))))
    (if (i32.eq (local.get $what) (i32.const 8))
      (then (call $reload
        (i64.load offset=8 (local.get $step)) (i64.load offset=16 (local.get $step))
        (i32.load offset=24 (local.get $step)) (i32.load offset=28 (local.get $step))
        (i32.load offset=32 (local.get $step)) (i32.load offset=36 (local.get $step))
        (i32.const 4096))))
    (if (i32.eq (local.get $what) (i32.const 9))
      (then (call $set-file
        (i64.load offset=8 (local.get $step)) (i64.load offset=16 (local.get $step))
        (i32.load offset=24 (local.get $step)) (i32.load offset=28 (local.get $step))
        (i32.load offset=32 (local.get $step)) (i32.load offset=36 (local.get $step))
        (i32.const 4096))))
    (if (i32.eq (local.get $what) (i32.const 10))
      (then (call $set-for-a-time
        (i64.load offset=8 (local.get $step)) (i64.load offset=16 (local.get $step))
        (i32.load offset=24 (local.get $step)) (i32.load offset=28 (local.get $step))
        (i32.load offset=32 (local.get $step)) (i32.load offset=36 (local.get $step))
        (i32.const 4096))))
    (if (i32.eq (local.get $what) (i32.const 7))
      (then (call $recommend
        ;; About the thing of the finding's kind and this name, if there is a name.
        (i32.ne (i32.load offset=28 (local.get $step)) (i32.const 0)) (i32.const 96) (i32.const 4)
        (i32.load offset=24 (local.get $step)) (i32.load offset=28 (local.get $step))
        (i32.load offset=24 (local.get $step)) (i32.load offset=28 (local.get $step))
        (i32.load offset=32 (local.get $step)) (i32.load offset=36 (local.get $step))
        (i32.const 0) (i32.const 0) (i32.const 4096)))))
  (func (export "detect") (result i32)
    (call $begin)
    ;; What earlier evaluations left, then something of this one's own: `0` on a schedule, `3` on verification.
    (call $get (i32.const 32) (i32.const 4) (i32.const 2064))
    (call $samples (i32.const 32) (i32.const 4) (i64.const 0) (i32.const 0) (i64.const 0) (i32.const 0) (i64.const 0)
      (i32.const 4) (i32.const 2096))
    (call $triggered-by (i32.const 2128))
    (i32.store8 (i32.const 64) (i32.add (i32.const 48) (i32.load8_u (i32.const 2128))))
    (call $set (i32.const 32) (i32.const 4) (i32.const 64) (i32.const 1) (i32.const 2160))
    (call $append (i32.const 32) (i32.const 4) (f64.const 1) (i32.const 2192))
    (if (i32.eq (call $how (global.get $script) (global.get $length)) (i32.const 1)) (then unreachable))
    (if (i32.eq (call $how (global.get $script) (global.get $length)) (i32.const 2)) (then (loop $l (br $l))))
    (call $say (global.get $script) (global.get $length) (i32.const 1024))
    (i32.const 1024))
  (func (export "plan")
    (param i32) (result i32)
    (local $step i32) (local $end i32)
    (call $begin)
    (call $history (i32.const 96) (i32.const 4) (i32.const 100) (i32.const 5) (i64.const 0) (i32.const 4096))
    (call $steps (global.get $script) (global.get $length) (i32.const 2064))
    (local.set $step (i32.load (i32.const 2064)))
    (local.set $end (i32.add (local.get $step) (i32.mul (i32.const 40) (i32.load (i32.const 2068)))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $step) (local.get $end)))
      (if (i32.lt_u (i32.load (local.get $step)) (i32.const 4))
        (then (call_indirect (type $propose)
          (i64.load offset=8 (local.get $step)) (i64.load offset=16 (local.get $step))
          (i32.load offset=24 (local.get $step)) (i32.load offset=28 (local.get $step))
          (i32.load offset=32 (local.get $step)) (i32.load offset=36 (local.get $step))
          (i32.const 4096) (i32.load (local.get $step))))
        (else (call $other (local.get $step))))
      (local.set $step (i32.add (local.get $step) (i32.const 40)))
      (br $next)))
    (call $decide (global.get $script) (global.get $length) (i32.const 1024))
    (i32.const 1024)))"#;

/// Makes the guest one that can have quarantined files. Never called.
const FILES: &str = r#"(module
  (import "ansai:files/files-actions@0.2.0" "remove"
    (func (param i32 i32 i32 i32 i32 i32 i32 i64 i32 i64 i32 i32 i32 i32 i32 i32)))"#;

/// The component of the policy.
pub(crate) fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| in_world(WIT, MODULE))
}

/// The same policy, with an import of the file actions.
pub(crate) fn component_with_files() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let wit = WIT.replacen("world guest {", "world guest {\n  import ansai:files/files-actions@0.2.0;", 1);
        in_world(&wit, &MODULE.replacen("(module", FILES, 1))
    })
}
