;; Recurses without end.
(func $deeper (call $deeper))
(func (export "detect") (result i32) 
  (call $deeper)
  i32.const 1024)
