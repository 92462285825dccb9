;; Reports an empty key.
(func (export "detect") (result i32) 
  (call $well)
  (i32.store (i32.const 2052) (i32.const 0))
  i32.const 1024)
