;; Reports a key with line breaks, terminal escapes and a bidirectional override.
(data (i32.const 5000) "a\0a\0d\1b[31mb\1b[2J\1b]0;c\07\e2\80\aed\00")
(func (export "detect") (result i32) 
  (call $observe (i32.const 5000) (i32.const 24) (i32.const 1))
  i32.const 1024)
