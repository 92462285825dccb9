;; Imports an interface that its manifest does not request.
(import "ansai:journal/journal-probe@0.2.0" "usage" (func $usage (param i32)))
(func (export "detect") (result i32) 
  (call $usage (i32.const 4096))
  i32.const 1024)
