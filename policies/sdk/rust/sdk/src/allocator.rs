//! The allocator of a component. An evaluation is short, so its first blocks come from an arena in the initial memory:
//! it gives back only its last block. Growing the memory costs the host two system calls for each evaluation, and a
//! policy that stays within the arena never does it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};

/// Two pages of WebAssembly. What does not fit comes from the allocator of the standard library.
const ARENA: usize = 128 << 10;
const ALIGNMENT: usize = 16;

#[cfg(target_family = "wasm")]
#[global_allocator]
static GLOBAL: Arena = Arena::new();

#[repr(align(16))]
struct Arena {
    bytes: UnsafeCell<[u8; ARENA]>,
    /// Offset of the first byte that was never given out, or that was given back.
    used: Cell<usize>,
}

// SAFETY: a component has one thread.
unsafe impl Sync for Arena {}

impl Arena {
    const fn new() -> Arena {
        Arena { bytes: UnsafeCell::new([0; ARENA]), used: Cell::new(0) }
    }

    /// Where a block begins, if it is one of the arena.
    fn offset(&self, block: *mut u8) -> Option<usize> {
        block.addr().checked_sub(self.bytes.get().addr()).filter(|offset| *offset < ARENA)
    }

    /// Marks everything before this offset as given out; false if there is no room.
    fn take(&self, end: Option<usize>) -> bool {
        let end = end.filter(|end| *end <= ARENA);
        self.used.set(end.unwrap_or(self.used.get()));
        end.is_some()
    }
}

// SAFETY: a block lies in the arena, where `used` keeps it apart from all later ones, or comes from `System`, which
// then also gets it back. The arena is aligned for every layout that it takes.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = self.used.get().next_multiple_of(layout.align());
        if layout.align() <= ALIGNMENT && self.take(start.checked_add(layout.size())) {
            // SAFETY: `take` has checked that the block ends within the arena.
            unsafe { self.bytes.get().cast::<u8>().add(start) }
        } else {
            // SAFETY: the caller's promise is the same.
            unsafe { System.alloc(layout) }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match self.offset(block) {
            Some(start) if start + layout.size() == self.used.get() => self.used.set(start),
            Some(_) => {}
            // SAFETY: all other blocks come from `System`.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(start) = self.offset(block) else {
            // SAFETY: all other blocks come from `System`.
            return unsafe { System.realloc(block, layout, size) };
        };
        let is_last = start + layout.size() == self.used.get();
        if (is_last && self.take(start.checked_add(size))) || size <= layout.size() {
            return block;
        }
        // SAFETY: the caller guarantees that the size is valid for this alignment. The new block is longer than the old
        // one, and they do not overlap.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size());
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn layout(size: usize, alignment: usize) -> Layout {
        Layout::from_size_align(size, alignment).unwrap()
    }

    #[test]
    fn blocks_do_not_overlap_and_the_last_one_grows_in_place() {
        let arena = Box::new(Arena::new());
        // SAFETY: every block is used with its own layout, and freed once.
        unsafe {
            let first = arena.alloc(layout(3, 1));
            let second = arena.alloc(layout(8, 8));
            assert_eq!(arena.offset(first), Some(0));
            assert_eq!(arena.offset(second), Some(8));
            first.copy_from_nonoverlapping(b"abc".as_ptr(), 3);
            assert_eq!(arena.realloc(second, layout(8, 8), 64), second);
            let moved = arena.realloc(first, layout(3, 1), 5);
            assert_eq!(arena.offset(moved), Some(72));
            assert_eq!(std::slice::from_raw_parts(moved, 3), b"abc");
            assert_eq!(arena.realloc(second, layout(64, 8), 16), second);
            arena.dealloc(second, layout(16, 8));
            assert_eq!(arena.used.get(), 77);
            arena.dealloc(moved, layout(5, 1));
            assert_eq!(arena.used.get(), 72);
        }
    }

    #[test]
    fn what_does_not_fit_comes_from_the_standard_library() {
        let arena = Box::new(Arena::new());
        // SAFETY: every block is used with its own layout, and freed once.
        unsafe {
            let all = arena.alloc(layout(ARENA, 1));
            assert_eq!((arena.offset(all), arena.used.get()), (Some(0), ARENA));
            let other = arena.alloc(layout(1, 1));
            assert!(!other.is_null() && arena.offset(other).is_none());
            let other = arena.realloc(other, layout(1, 1), 100);
            arena.dealloc(other, layout(100, 1));
            all.add(ARENA - 1).write(7);
            let longer = arena.realloc(all, layout(ARENA, 1), ARENA + 1);
            assert!(arena.offset(longer).is_none());
            assert_eq!(longer.add(ARENA - 1).read(), 7);
            arena.dealloc(longer, layout(ARENA + 1, 1));
            let aligned = arena.alloc(layout(8, 64));
            assert!(arena.offset(aligned).is_none() && aligned.addr() % 64 == 0);
            arena.dealloc(aligned, layout(8, 64));
        }
    }
}
