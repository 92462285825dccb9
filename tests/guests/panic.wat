;; Panics.
(func (export "detect") (result i32) 
  unreachable
  i32.const 1024)
