;; Imports an interface that is neither from ansai nor from WASI.
(component (import "acme:tools/hammer@1.0.0" (instance))
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (export "detect" (func $f)) (export "plan" (func $f)))
