/* Allocates memory upwards from the end of the program's data, and never frees it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 65536u
#define ALIGNMENT 16u

/* Set by the linker: the end of the program's data and stack. */
extern unsigned char __heap_base;

/* Precedes each block. */
typedef struct {
  _Alignas(ALIGNMENT) size_t size;
} header_t;

static uintptr_t top;

_Noreturn void abort(void) { __builtin_trap(); }

void *malloc(size_t size) {
  uintptr_t start = top != 0 ? top : ((uintptr_t)&__heap_base + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1);
  uint64_t end = (uint64_t)start + sizeof(header_t) + (((uint64_t)size + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1));
  uint64_t have = (uint64_t)__builtin_wasm_memory_size(0) * PAGE;
  if (end > UINT32_MAX) {
    abort();
  }
  if (end > have && __builtin_wasm_memory_grow(0, (size_t)((end - have + PAGE - 1) / PAGE)) == SIZE_MAX) {
    abort();
  }
  top = (uintptr_t)end;
  header_t *header = (header_t *)start;
  header->size = size;
  return header + 1;
}

void *calloc(size_t count, size_t size) {
  if (size != 0 && count > SIZE_MAX / size) {
    abort();
  }
  return memset(malloc(count * size), 0, count * size);
}

void *realloc(void *block, size_t size) {
  if (block == NULL) {
    return malloc(size);
  }
  size_t old = ((header_t *)block)[-1].size;
  if (size <= old) {
    return block;
  }
  /* Doubles the size, so that a block that grows step by step is rarely copied. */
  return memcpy(malloc(old <= SIZE_MAX / 2 && size < old * 2 ? old * 2 : size), block, old);
}

void free(void *block) { (void)block; }
