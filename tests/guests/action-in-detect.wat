;; Calls an action in `detect`.
(import "ansai:disk/disk-check-actions@0.2.0" "check-available" (func $check (param i32 i32 i64 i32 i32 i32)))
(data (i32.const 5000) "/")
(func (export "detect") (result i32) 
  (call $check (i32.const 5000) (i32.const 1) (i64.const 1) (i32.const 5000) (i32.const 1) (i32.const 4096))
  (call $tell (i32.const 4096) (i32.const 8))
  i32.const 1024)
