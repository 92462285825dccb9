// The program: all that happens in it is called by the host.
package main

import _ "ansai/bindings/wit_exports"

func main() {}
