;; All of its text is UTF-16: unusual, and no fault.
;; encoding: utf16
(data (i32.const 5000) "u\00t\00f\00-\001\006\00")
(func (export "detect") (result i32) 
  (call $observe (i32.const 5000) (i32.const 6) (i32.const 0))
  i32.const 1024)
