;; Proposes the same step ten thousand times, and gives up with the last refusal.
(import "ansai:disk/disk-check-actions@0.2.0" "check-available" (func $check (param i32 i32 i64 i32 i32 i32)))
(data (i32.const 5000) "/")
(func (export "detect") (result i32) 
  (call $sick)
  i32.const 1024)
(func (export "plan") (param i32) (result i32) (local $i i32)
  (loop $again
    (global.set $top (i32.const 65536))
    (call $check (i32.const 5000) (i32.const 1) (i64.const 1) (i32.const 5000) (i32.const 1) (i32.const 4096))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $i) (i32.const 10000))))
  (call $give-up (i32.const 4096) (i32.const 8))
  i32.const 1024)
