;; Uses UTF-16 for all text, which is unusual but valid.
;; encoding: utf16
(data (i32.const 5000) "u\00t\00f\00-\001\006\00")
(func (export "detect") (result i32) 
  (call $observe (i32.const 5000) (i32.const 6) (i32.const 0))
  i32.const 1024)
