;; Calls the host in its post-return function.
(import "ansai:policy/context@0.2.0" "now" (func $now (result i64)))
(func (export "cabi_post_detect") (param i32) (drop (call $now)))
