;; Has a hundred empty core instances.
;; beside: 100 (module)
