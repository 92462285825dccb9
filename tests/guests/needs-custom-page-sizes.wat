;; Has pages of one byte.
;; needs: (memory 1 (pagesize 1))
