;; Returns a hundred observations that share the same evidence of twenty thousand measures.
(memory (export "memory") 20)
(func (export "detect") (result i32) (local $i i32)
  (call $well)
  (loop $next
    (memory.copy (i32.add (i32.const 65536) (i32.mul (local.get $i) (i32.const 80))) (i32.const 2048) (i32.const 80))
    (i32.store (i32.add (i32.const 65580) (i32.mul (local.get $i) (i32.const 80))) (i32.const 131072))
    (i32.store (i32.add (i32.const 65584) (i32.mul (local.get $i) (i32.const 80))) (i32.const 20000))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $i) (i32.const 100))))
  (i32.store (i32.const 1028) (i32.const 65536))
  (i32.store (i32.const 1032) (i32.const 100))
  i32.const 1024)
