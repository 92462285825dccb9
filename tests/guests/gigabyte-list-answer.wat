;; Answers a list of as many observations as would fill a gigabyte.
(func (export "detect") (result i32) 
  (call $well)
  (i32.store (i32.const 1032) (i32.const 17895697))
  i32.const 1024)
