;; Returns UTF-16 text at an odd address.
;; encoding: utf16
(func (export "detect") (result i32) 
  (call $observe (i32.const 5001) (i32.const 2) (i32.const 0))
  i32.const 1024)
