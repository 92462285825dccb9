;; Continues to call with long arguments after it was refused for exceeding the budget.
(import "ansai:files/files-probe@0.2.0" "largest-directories" (func $largest (param i32 i32 i32 i32 i32 i32 i32)))
(memory (export "memory") 20)
(func (export "detect") (result i32) 
  (memory.fill (i32.const 65536) (i32.const 1) (i32.const 500000))
  (loop $again
    (global.set $top (i32.const 1200000))
    (call $largest (i32.const 65536) (i32.const 500000) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4096))
    (br $again))
  i32.const 1024)
