;; Returns a list of observations outside its memory.
(func (export "detect") (result i32) 
  (call $well)
  (i32.store (i32.const 1028) (i32.const -64))
  i32.const 1024)
