;; Passes a path with a NUL character.
(import "ansai:files/files-probe@0.2.0" "largest-directories" (func $largest (param i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 5000) "/var/log\00/../../etc")
(func (export "detect") (result i32) 
  (call $largest (i32.const 5000) (i32.const 19) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4096))
  (call $tell (i32.const 4096) (i32.const 4))
  i32.const 1024)
