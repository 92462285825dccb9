/* The part of <string.h> that works without an operating system. */
#ifndef ANSAI_SDK_STRING_H
#define ANSAI_SDK_STRING_H

#include <stddef.h>

size_t strlen(const char *text);
int memcmp(const void *one, const void *other, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);

#endif
