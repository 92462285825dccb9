;; Reports a summary of 200,000 bytes.
(memory (export "memory") 20)
(func (export "detect") (result i32) 
  (call $sick)
  (memory.fill (i32.const 65536) (i32.const 97) (i32.const 200000))
  (i32.store (i32.const 2084) (i32.const 65536))
  (i32.store (i32.const 2088) (i32.const 200000))
  i32.const 1024)
