// Package runtime allocates memory for calls between the policy and the host.
package runtime

import (
	"runtime"
	"runtime/debug"
	"unsafe"
)

// An instance lives for one call and has tens of MiB of memory, so most never need a garbage collection.
func init() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(32 << 20)
}

// Allocate returns memory that is pinned until the pinner is unpinned, aligned for every WIT type. The collector sees it
// as bytes: what it points to must be pinned separately.
func Allocate(pinner *runtime.Pinner, size, _ uintptr) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	block := unsafe.SliceData(make([]uint64, (size+7)/8))
	pinner.Pin(block)
	return unsafe.Pointer(block)
}

var lent runtime.Pinner

// Unpin releases the memory that the host was given.
func Unpin() { lent.Unpin() }

// Allocates memory for the texts and lists that the host passes. The host only requests new memory, after the start.
//
//go:wasmexport cabi_realloc
func reallocate(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if old != nil || oldSize != 0 {
		panic("the host wants more of what it has")
	}
	return Allocate(&lent, size, align)
}
