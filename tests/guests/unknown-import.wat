;; Imports an ansai interface that this host does not have.
(component (import "ansai:magic/magic-probe@0.2.0" (instance))
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (export "detect" (func $f)) (export "plan" (func $f)))
