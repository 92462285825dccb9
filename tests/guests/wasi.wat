;; Imports WASI.
(component (import "wasi:filesystem/preopens@0.2.0" (instance))
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (export "detect" (func $f)) (export "plan" (func $f)))
