;; Has twenty core instances, each with a memory.
;; beside: 20 (module (memory 1))
