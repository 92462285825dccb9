;; Twelve instances of its own, each with less memory than allowed.
;; beside: 12 (module (memory 200))
