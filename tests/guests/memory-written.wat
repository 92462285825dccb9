;; Grows its memory to the limit, writes to every page, and returns an answer.
(func (export "detect") (result i32) 
  (loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
  (memory.fill (i32.const 65536) (i32.const 1) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 65536)))
  (call $well)
  i32.const 1024)
