;; Returns a distance below zero.
(func (export "detect") (result i32) 
  (call $well)
  (i32.store (i32.const 2112) (i32.const 1))
  (f64.store (i32.const 2120) (f64.const -1))
  i32.const 1024)
