;; Twenty instances of its own, each with a memory.
;; beside: 20 (module (memory 1))
