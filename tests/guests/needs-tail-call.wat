;; Uses a tail call.
;; needs: (func $f (return_call $f))
