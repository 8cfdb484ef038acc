/* Small fixed allocations that abort when memory is gone: the spool is the truth. */
#ifndef LF_BASE_MEM_H
#define LF_BASE_MEM_H
#include <stddef.h>

void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xmemdup0(const void *p, size_t n); /* copy of n bytes and a NUL */

#endif
