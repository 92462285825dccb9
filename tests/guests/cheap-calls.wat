;; Makes 1,500 calls that cost almost nothing in WebAssembly.
(import "ansai:policy/context@0.2.0" "now" (func $now (result i64)))
(func (export "detect") (result i32) (local $i i32)
  (loop $again
    (drop (call $now))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $i) (i32.const 1500))))
  (call $well)
  i32.const 1024)
