;; Imports a function that belongs to no interface.
(component (import "ansai:policy/policy" (func))
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (export "detect" (func $f)) (export "plan" (func $f)))
