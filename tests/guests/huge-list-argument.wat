;; Passes a million patterns.
(import "ansai:files/files-probe@0.2.0" "measure-files" (func $measure (param i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32)))
(data (i32.const 5000) "/var/log")
(memory (export "memory") 200)
(func (export "detect") (result i32) 
  (call $measure (i32.const 5000) (i32.const 8) (i32.const 65536) (i32.const 1000000) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4096))
  i32.const 1024)
