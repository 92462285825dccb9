;; Grows its table until it gets no more, then panics.
(table $t 1 funcref)
(func (export "detect") (result i32) 
  (loop $again (br_if $again (i32.ne (table.grow $t (ref.null func) (i32.const 10000)) (i32.const -1))))
  unreachable
  i32.const 1024)
