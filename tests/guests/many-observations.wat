;; Returns 1,001 observations.
(func (export "detect") (result i32) 
  (i32.store (i32.const 1028) (i32.const 2048))
  (i32.store (i32.const 1032) (i32.const 1001))
  i32.const 1024)
