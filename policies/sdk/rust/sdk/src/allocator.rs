//! The allocator of a component: an arena in the initial memory, and behind it the allocator of the standard library.
//!
//! Each evaluation has a new instance, so the arena is empty when it begins. It takes back only its last block, which is
//! enough for an evaluation that is short. Growing the memory costs the host a system call, and taking the growth back
//! another one; a policy that stays within the arena needs neither.

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

// SAFETY: a component has one thread; ansai refuses shared memory. Each test has an arena of its own.
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
        // one, and they do not overlap. The old one is given back once, and only if it was copied.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size());
                self.dealloc(block, layout);
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
            assert_eq!(arena.used.get(), 0, "the last block is given back when it moves");
            assert_eq!(longer.add(ARENA - 1).read(), 7);
            arena.dealloc(longer, layout(ARENA + 1, 1));
            let aligned = arena.alloc(layout(8, 64));
            assert!(arena.offset(aligned).is_none() && aligned.addr() % 64 == 0);
            arena.dealloc(aligned, layout(8, 64));
        }
    }

    /// Every block keeps its bytes and its alignment until it is freed, whatever happens to the others.
    #[test]
    fn blocks_keep_their_bytes_in_any_order() {
        struct Block {
            place: *mut u8,
            layout: Layout,
            fill: u8,
        }
        let mut seed = 1u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        let mut arena = Box::new(Arena::new());
        let mut blocks: Vec<Block> = Vec::new();
        for step in 0..20_000 {
            if step % 500 == 0 {
                for block in blocks.drain(..) {
                    // SAFETY: as below.
                    unsafe { arena.dealloc(block.place, block.layout) };
                }
                arena = Box::new(Arena::new());
            }
            // The last block is chosen often, since the arena treats it differently.
            let chosen = if random(2) == 0 { blocks.len().saturating_sub(1) } else { random(blocks.len().max(1)) };
            let most = if random(50) == 0 { 2 * ARENA } else { 2_000 };
            let size = 1 + random(most);
            // SAFETY: every block is used with its own layout, and freed once.
            unsafe {
                match random(3) {
                    0 if !blocks.is_empty() => {
                        let block = blocks.swap_remove(chosen);
                        arena.dealloc(block.place, block.layout);
                    }
                    1 if !blocks.is_empty() => {
                        let block = blocks.get_mut(chosen).unwrap();
                        let kept = size.min(block.layout.size());
                        block.place = arena.realloc(block.place, block.layout, size);
                        block.layout = layout(size, block.layout.align());
                        assert!(std::slice::from_raw_parts(block.place, kept).iter().all(|byte| *byte == block.fill));
                        block.place.write_bytes(block.fill, size);
                    }
                    _ if blocks.len() < 50 => {
                        let (layout, fill) = (layout(size, 1 << random(8)), step as u8);
                        let place = arena.alloc_zeroed(layout);
                        assert!(std::slice::from_raw_parts(place, size).iter().all(|byte| *byte == 0));
                        place.write_bytes(fill, size);
                        blocks.push(Block { place, layout, fill });
                    }
                    _ => {}
                }
            }
            for block in &blocks {
                assert_eq!(block.place.addr() % block.layout.align(), 0);
                // SAFETY: as above.
                let bytes = unsafe { std::slice::from_raw_parts(block.place, block.layout.size()) };
                assert!(bytes.first() == Some(&block.fill) && bytes.last() == Some(&block.fill), "step {step}");
            }
        }
        for block in blocks {
            // SAFETY: as above.
            unsafe { arena.dealloc(block.place, block.layout) };
        }
    }
}
