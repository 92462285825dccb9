;; Its key is half of a surrogate pair, said to be UTF-16 among Latin-1.
;; encoding: compact-utf16
(data (i32.const 5000) "\00\d8a\00")
(func (export "detect") (result i32) 
  (call $observe (i32.const 5000) (i32.const 0x80000002) (i32.const 0))
  i32.const 1024)
