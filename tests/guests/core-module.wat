;; A core module, not a component.
(module (func (export "detect")) (func (export "plan")))
