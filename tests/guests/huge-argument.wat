;; Passes 32 MiB of text that it really has.
(import "ansai:policy/series@0.2.0" "append" (func $append (param i32 i32 f64 i32)))
(memory (export "memory") 600)
(func (export "detect") (result i32) 
  (call $append (i32.const 65536) (i32.const 0x2000000) (f64.const 1) (i32.const 4096))
  i32.const 1024)
