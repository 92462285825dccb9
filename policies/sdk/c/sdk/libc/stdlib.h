/* The part of <stdlib.h> that there is without an operating system. */
#ifndef ANSAI_SDK_STDLIB_H
#define ANSAI_SDK_STDLIB_H

#include <stddef.h>

/* Traps where there is no more memory, so that it is never null. */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
/* Does nothing: memory goes with the instance, at the end of the call. */
void free(void *block);
_Noreturn void abort(void);

#endif
