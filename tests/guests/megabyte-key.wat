;; Reports a key of a million bytes.
(memory (export "memory") 20)
(func (export "detect") (result i32) 
  (call $well)
  (memory.fill (i32.const 65536) (i32.const 97) (i32.const 1000000))
  (i32.store (i32.const 2048) (i32.const 65536))
  (i32.store (i32.const 2052) (i32.const 1000000))
  i32.const 1024)
