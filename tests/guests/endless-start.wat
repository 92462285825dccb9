;; Never returns from its start function.
(func $start (loop $again (br $again)))
(start $start)
