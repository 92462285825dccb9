;; Starts with 125 MiB of memory.
(memory (export "memory") 2000)
