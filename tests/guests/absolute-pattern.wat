;; Passes an absolute path as a pattern, which must be relative to the root.
(import "ansai:files/files-probe@0.2.0" "measure-files" (func $measure (param i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32)))
(data (i32.const 5000) "/var/log/etc/passwd")
(data (i32.const 5100) "\90\13\00\00\0b\00\00\00")
(func (export "detect") (result i32) 
  (call $measure (i32.const 5000) (i32.const 8) (i32.const 5100) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4096))
  (call $tell (i32.const 4096) (i32.const 4))
  i32.const 1024)
