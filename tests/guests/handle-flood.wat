;; Creates handles of its own resource without end, and keeps them all.
;; world: export handles: interface { resource handle; }
(import "[export]handles" "[resource-new]handle" (func $new (param i32) (result i32)))
(func (export "detect") (result i32) 
  (loop $again (drop (call $new (i32.const 1))) (br $again))
  i32.const 1024)
