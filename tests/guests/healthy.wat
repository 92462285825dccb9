;; Checks the host and reports that everything is healthy.
(import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func $list (param i32)))
(func (export "detect") (result i32) 
  (call $list (i32.const 4096))
  (call $tell (i32.const 4096) (i32.const 4))
  i32.const 1024)
