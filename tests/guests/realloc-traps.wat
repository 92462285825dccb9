;; Its allocator panics.
(import "ansai:policy/context@0.2.0" "settings" (func $settings (param i32)))
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
(func (export "detect") (result i32) 
  (call $settings (i32.const 4096))
  i32.const 1024)
