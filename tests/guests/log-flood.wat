;; Writes 500 lines of 2 KiB, all of them escape characters.
(import "ansai:policy/log@0.2.0" "write" (func $write (param i32 i32 i32)))
(func (export "detect") (result i32) (local $i i32)
  (memory.fill (i32.const 65536) (i32.const 27) (i32.const 2048))
  (loop $again
    (call $write (i32.const 1) (i32.const 65536) (i32.const 2048))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $i) (i32.const 500))))
  (call $well)
  i32.const 1024)
