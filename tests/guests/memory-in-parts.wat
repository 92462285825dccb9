;; Has twelve core instances, each with less memory than the limit.
;; beside: 12 (module (memory 200))
