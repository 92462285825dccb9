;; Starts with nine million table elements.
(table 9000000 funcref)
