;; Grows its memory until it gets no more, then panics.
(func (export "detect") (result i32) 
  (loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
  unreachable
  i32.const 1024)
