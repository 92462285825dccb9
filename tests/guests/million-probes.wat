;; Lists the file systems without end, whatever the reply.
(import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func $list (param i32)))
(func (export "detect") (result i32) 
  (loop $again
    (global.set $top (i32.const 65536))
    (call $list (i32.const 4096))
    (br $again))
  i32.const 1024)
