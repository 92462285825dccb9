;; Returns a key outside its memory.
(func (export "detect") (result i32) 
  (call $observe (i32.const -8) (i32.const 4) (i32.const 0))
  i32.const 1024)
