/* Compiled without built-in functions, so that the compiler does not turn these loops into calls of themselves. */
#include <stdint.h>
#include <string.h>

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length] != 0) {
    length++;
  }
  return length;
}

/* Eight bytes at a time where there are so many: WebAssembly reads and writes them at any address. */
typedef uint64_t __attribute__((aligned(1), may_alias)) word_t;

int memcmp(const void *one, const void *other, size_t size) {
  const unsigned char *left = one, *right = other;
  for (; size >= sizeof(word_t) && *(const word_t *)left == *(const word_t *)right; size -= sizeof(word_t)) {
    left += sizeof(word_t);
    right += sizeof(word_t);
  }
  for (; size > 0; size--, left++, right++) {
    if (*left != *right) {
      return *left < *right ? -1 : 1;
    }
  }
  return 0;
}

/* Each byte is read before it is overwritten, also where the blocks overlap and `to` is before `from`. */
static void *copy_upwards(void *to, const void *from, size_t size) {
  unsigned char *target = to;
  const unsigned char *source = from;
  for (; size >= sizeof(word_t); size -= sizeof(word_t)) {
    *(word_t *)target = *(const word_t *)source;
    target += sizeof(word_t);
    source += sizeof(word_t);
  }
  for (; size > 0; size--) {
    *target++ = *source++;
  }
  return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) { return copy_upwards(to, from, size); }

void *memmove(void *to, const void *from, size_t size) {
  unsigned char *target = to;
  const unsigned char *source = from;
  if (target < source) {
    return copy_upwards(to, from, size);
  }
  while (size >= sizeof(word_t)) {
    size -= sizeof(word_t);
    *(word_t *)(target + size) = *(const word_t *)(source + size);
  }
  while (size > 0) {
    size--;
    target[size] = source[size];
  }
  return to;
}

void *memset(void *to, int byte, size_t size) {
  unsigned char *target = to;
  word_t word = (unsigned char)byte * UINT64_C(0x0101010101010101);
  for (; size >= sizeof(word_t); size -= sizeof(word_t)) {
    *(word_t *)target = word;
    target += sizeof(word_t);
  }
  for (; size > 0; size--) {
    *target++ = (unsigned char)byte;
  }
  return to;
}
