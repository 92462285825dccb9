;; Returns an answer at an odd address.
(func (export "detect") (result i32) i32.const 1025)
