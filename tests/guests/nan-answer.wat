;; Returns evidence that is a NaN with a payload.
(func (export "detect") (result i32) 
  (call $well)
  (i32.store (i32.const 2092) (i32.const 5000))
  (i32.store (i32.const 2096) (i32.const 1))
  (i32.store (i32.const 5000) (i32.const 5000))
  (i32.store8 (i32.const 5008) (i32.const 1))
  (f64.store (i32.const 5016) (f64.const nan:0x7badc0ffee))
  i32.const 1024)
