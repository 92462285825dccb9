;; Reports a finding, and never returns from `plan`.
(func (export "detect") (result i32) 
  (call $sick)
  i32.const 1024)
(func (export "plan") (param i32) (result i32)
  (loop $again (br $again))
  unreachable)
