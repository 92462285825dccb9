;; Has two memories in one module.
;; needs: (memory 1) (memory 1)
