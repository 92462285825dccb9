;; Begins with 125 MiB.
(memory (export "memory") 2000)
