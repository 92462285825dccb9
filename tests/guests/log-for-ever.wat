;; Writes to the log without end.
(import "ansai:policy/log@0.2.0" "write" (func $write (param i32 i32 i32)))
(func (export "detect") (result i32) 
  (loop $again (call $write (i32.const 1) (i32.const 1024) (i32.const 100)) (br $again))
  i32.const 1024)
