;; Never returns from its post-return function.
(func (export "cabi_post_detect") (param i32) (loop $again (br $again)))
