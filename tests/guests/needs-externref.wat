;; Uses a reference to a host value.
;; needs: (func (param externref))
