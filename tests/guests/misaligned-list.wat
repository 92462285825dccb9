;; Returns a list of observations at an odd address.
(func (export "detect") (result i32) 
  (call $well)
  (i32.store (i32.const 1028) (i32.const 2049))
  i32.const 1024)
