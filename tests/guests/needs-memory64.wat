;; Has a memory with 64-bit addresses.
;; needs: (memory i64 1)
