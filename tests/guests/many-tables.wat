;; Forty instances of its own, each with a table.
;; beside: 40 (module (table 1 funcref))
