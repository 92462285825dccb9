;; Has a table with 64-bit indices.
;; needs: (table i64 1 funcref)
