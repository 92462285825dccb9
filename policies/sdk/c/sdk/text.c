/* Texts. */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

ansai_string_t ansai_text(const char *text) {
  /* Safe to cast: the bindings only read their arguments. */
  return (ansai_string_t){.ptr = (uint8_t *)(uintptr_t)text, .len = strlen(text)};
}

ansai_string_t ansai_digits(uint64_t number) {
  uint8_t digits[20]; /* 2^64 has 20 */
  size_t first = sizeof digits;
  do {
    digits[--first] = (uint8_t)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  ansai_string_t part = {.ptr = digits + first, .len = sizeof digits - first};
  return ansai_join(&part, 1);
}

ansai_string_t ansai_percent(double share) {
  /* The sum makes up for what a share lost as a float: 0.29 is 28.999… %. */
  uint64_t tenths = share > 0 ? (uint64_t)(share * 1000 + 1e-6) : 0;
  if (tenths % 10 == 0) {
    return ANSAI_JOIN(ansai_digits(tenths / 10), ansai_text(" %"));
  }
  return ANSAI_JOIN(ansai_digits(tenths / 10), ansai_text("."), ansai_digits(tenths % 10), ansai_text(" %"));
}

ansai_string_t ansai_join(const ansai_string_t *parts, size_t count) {
  size_t length = 0;
  for (size_t i = 0; i < count; i++) {
    length += parts[i].len;
  }
  ansai_string_t joined = {.ptr = malloc(length), .len = 0};
  for (size_t i = 0; i < count; i++) {
    memcpy(joined.ptr + joined.len, parts[i].ptr, parts[i].len);
    joined.len += parts[i].len;
  }
  return joined;
}

bool ansai_same(ansai_string_t one, ansai_string_t other) {
  return one.len == other.len && memcmp(one.ptr, other.ptr, one.len) == 0;
}
