/* The part of <stdlib.h> that works without an operating system. */
#ifndef ANSAI_SDK_STDLIB_H
#define ANSAI_SDK_STDLIB_H

#include <stddef.h>

/* Never returns null: traps if there is no memory left. */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
/* Does nothing: the instance and its memory are discarded at the end of the call. */
void free(void *block);
_Noreturn void abort(void);

#endif
