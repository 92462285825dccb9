;; Passes a text that claims a gigabyte that it does not have.
(import "ansai:policy/series@0.2.0" "append" (func $append (param i32 i32 f64 i32)))
(func (export "detect") (result i32) 
  (call $append (i32.const 0) (i32.const 0x40000000) (f64.const 1) (i32.const 4096))
  i32.const 1024)
