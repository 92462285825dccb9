;; Has a memory that threads share.
;; needs: (memory 1 1 shared)
