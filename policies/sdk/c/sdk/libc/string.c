/* Compiled without built-in functions, so that the compiler does not turn these loops into calls of themselves. */
#include <string.h>

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length] != 0) {
    length++;
  }
  return length;
}

int memcmp(const void *one, const void *other, size_t size) {
  const unsigned char *left = one, *right = other;
  for (size_t i = 0; i < size; i++) {
    if (left[i] != right[i]) {
      return left[i] < right[i] ? -1 : 1;
    }
  }
  return 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  unsigned char *target = to;
  const unsigned char *source = from;
  for (size_t i = 0; i < size; i++) {
    target[i] = source[i];
  }
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  unsigned char *target = to;
  const unsigned char *source = from;
  if (target < source) {
    for (size_t i = 0; i < size; i++) {
      target[i] = source[i];
    }
    return to;
  }
  while (size > 0) {
    size--;
    target[size] = source[size];
  }
  return to;
}

void *memset(void *to, int byte, size_t size) {
  unsigned char *target = to;
  for (size_t i = 0; i < size; i++) {
    target[i] = (unsigned char)byte;
  }
  return to;
}
