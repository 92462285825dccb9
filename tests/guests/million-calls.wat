;; Reads the time without end.
(import "ansai:policy/context@0.2.0" "now" (func $now (result i64)))
(func (export "detect") (result i32) 
  (loop $again (drop (call $now)) (br $again))
  i32.const 1024)
