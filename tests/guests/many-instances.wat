;; A hundred empty instances of its own.
;; beside: 100 (module)
