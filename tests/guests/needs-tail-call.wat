;; A call in place of a return.
;; needs: (func $f (return_call $f))
