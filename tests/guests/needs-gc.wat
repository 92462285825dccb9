;; Uses types of the garbage collector.
;; needs: (type $s (struct (field i32))) (func (drop (struct.new $s (i32.const 1))))
