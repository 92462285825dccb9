;; Calls an interface that it requested but was not granted.
(import "ansai:system/system-probe@0.2.0" "uptime" (func $uptime (param i32)))
(func (export "detect") (result i32) 
  (call $uptime (i32.const 4096))
  (call $tell (i32.const 4096) (i32.const 8))
  i32.const 1024)
