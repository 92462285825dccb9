;; Returns an observation whose summary is 32 MiB of its memory.
(memory (export "memory") 600)
(func (export "detect") (result i32) 
  (call $well)
  (i32.store (i32.const 2084) (i32.const 65536))
  (i32.store (i32.const 2088) (i32.const 0x2000000))
  i32.const 1024)
