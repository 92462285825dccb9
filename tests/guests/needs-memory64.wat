;; A memory of 64-bit addresses.
;; needs: (memory i64 1)
