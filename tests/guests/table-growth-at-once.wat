;; Requests 2^32 - 2 table elements at once, and panics if it does not get them: the request itself is too expensive.
(table $t 1 funcref)
(func (export "detect") (result i32) 
  (if (i32.eq (table.grow $t (ref.null func) (i32.const -2)) (i32.const -1)) (then unreachable))
  i32.const 1024)
