;; Passes a NaN with a payload.
(import "ansai:policy/series@0.2.0" "append" (func $append (param i32 i32 f64 i32)))
(data (i32.const 5000) "series")
(func (export "detect") (result i32) 
  (call $append (i32.const 5000) (i32.const 6) (f64.const -nan:0x7badc0ffee) (i32.const 4096))
  (call $tell (i32.const 4096) (i32.const 4))
  i32.const 1024)
