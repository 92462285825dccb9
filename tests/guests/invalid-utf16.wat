;; Reports a key that is half of a surrogate pair.
;; encoding: utf16
(data (i32.const 5000) "\00\d8a\00")
(func (export "detect") (result i32) 
  (call $observe (i32.const 5000) (i32.const 2) (i32.const 0))
  i32.const 1024)
