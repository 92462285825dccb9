;; A reference to what is the host's.
;; needs: (func (param externref))
