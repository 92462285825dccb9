;; Reports two observations with the same key.
(func (export "detect") (result i32) 
  (call $well)
  (memory.copy (i32.const 2128) (i32.const 2048) (i32.const 80))
  (i32.store (i32.const 1032) (i32.const 2))
  i32.const 1024)
