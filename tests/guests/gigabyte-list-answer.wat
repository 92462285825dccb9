;; Returns a list that claims a gigabyte of observations.
(func (export "detect") (result i32) 
  (call $well)
  (i32.store (i32.const 1032) (i32.const 17895697))
  i32.const 1024)
