;; Never returns from `detect`.
(func (export "detect") (result i32) 
  (loop $again (br $again))
  i32.const 1024)
