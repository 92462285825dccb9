;; Panics in its post-return function.
(func (export "cabi_post_detect") (param i32) unreachable)
