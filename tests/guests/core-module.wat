;; Is no component.
(module (func (export "detect")) (func (export "plan")))
