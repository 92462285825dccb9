;; Throws an exception.
;; needs: (tag $t) (func (throw $t))
