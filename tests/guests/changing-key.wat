;; Reports the same thing with a new key each time.
(import "ansai:policy/context@0.2.0" "now" (func $now (result i64)))
(func (export "detect") (result i32) (local $now i64) (local $i i32)
  (local.set $now (call $now))
  (loop $next
    (i32.store8 (i32.add (i32.const 5000) (local.get $i)) (i32.add (i32.const 97) (i32.and (i32.wrap_i64 (local.get $now)) (i32.const 15))))
    (local.set $now (i64.shr_u (local.get $now) (i64.const 4)))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $i) (i32.const 16))))
  (call $observe (i32.const 5000) (i32.const 16) (i32.const 1))
  i32.const 1024)
