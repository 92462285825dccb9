;; Reports a key that is half of a surrogate pair, as UTF-16 in the encoding latin1+utf16.
;; encoding: compact-utf16
(data (i32.const 5000) "\00\d8a\00")
(func (export "detect") (result i32) 
  (call $observe (i32.const 5000) (i32.const 0x80000002) (i32.const 0))
  i32.const 1024)
