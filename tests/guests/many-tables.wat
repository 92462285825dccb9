;; Has forty core instances, each with a table.
;; beside: 40 (module (table 1 funcref))
