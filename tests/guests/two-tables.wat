;; Has two tables in one module, which is allowed.
(table 1 funcref)
(table 1 funcref)
