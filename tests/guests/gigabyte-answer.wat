;; Returns an observation whose key claims a gigabyte that it does not have.
(func (export "detect") (result i32) 
  (call $well)
  (i32.store (i32.const 2052) (i32.const 0x40000000))
  i32.const 1024)
