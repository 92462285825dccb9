;; Copies all of its memory again and again: a single instruction that is expensive.
(memory (export "memory") 512)
(func (export "detect") (result i32) 
  (loop $again
    (memory.copy (i32.const 0) (i32.const 1) (i32.const 33000000))
    (br $again))
  i32.const 1024)
