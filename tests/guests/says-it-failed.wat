;; Returns the failure `could-not-tell`.
(func (export "detect") (result i32) 
  (i32.store8 (i32.const 1024) (i32.const 1))
  (i32.store (i32.const 1032) (i32.const 1024))
  i32.const 1024)
