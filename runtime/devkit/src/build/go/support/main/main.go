// The program. It does nothing itself: the host calls the exported functions.
package main

import _ "ansai/bindings/wit_exports"

func main() {}
