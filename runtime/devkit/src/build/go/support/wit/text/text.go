// Package text checks the texts that a policy passes to the host. The contract holds valid UTF-8 only; with anything else
// the host could only end the call, without a word on the place.
package text

import (
	"fmt"
	"unicode/utf8"
	"unsafe"
)

// Data returns the bytes of a text, like unsafe.StringData. It panics if they are not valid UTF-8.
func Data(text string) *byte {
	if !utf8.ValidString(text) {
		panic(fmt.Sprintf("an argument is not valid UTF-8: %.200q", text))
	}
	return unsafe.StringData(text)
}
