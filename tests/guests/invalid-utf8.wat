;; Reports a key that is not UTF-8.
(data (i32.const 5000) "\ff\fe\c0\80")
(func (export "detect") (result i32) 
  (call $observe (i32.const 5000) (i32.const 4) (i32.const 0))
  i32.const 1024)
