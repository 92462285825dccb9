// Package runtime lends memory to the host and to calls of it.
package runtime

import (
	"runtime"
	"runtime/debug"
	"unsafe"
)

// An instance lives for one call and has some tens of mebibytes: most never need to collect anything.
func init() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(32 << 20)
}

// Allocate is memory that stays where it is, and stays, until it is unpinned. What it holds counts as bytes: what they
// point to is pinned by itself. It is aligned for everything that WIT has.
func Allocate(pinner *runtime.Pinner, size, _ uintptr) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	block := unsafe.SliceData(make([]uint64, (size+7)/8))
	pinner.Pin(block)
	return unsafe.Pointer(block)
}

var lent runtime.Pinner

// Unpin gives back what the host was lent.
func Unpin() { lent.Unpin() }

// The host's memory for texts and lists that it passes. It asks for new memory only, and after the start.
//
//go:wasmexport cabi_realloc
func reallocate(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if old != nil || oldSize != 0 {
		panic("the host wants more of what it has")
	}
	return Allocate(&lent, size, align)
}
