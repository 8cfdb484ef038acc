/* Allocations that abort. */
#include "base/mem.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

static void *or_abort(void *p)
{
	if (!p)
		abort();
	return p;
}

void *xmalloc(size_t n)
{
	return or_abort(malloc(n ? n : 1));
}

void *xcalloc(size_t count, size_t size)
{
	return or_abort(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t n)
{
	return or_abort(realloc(p, n ? n : 1));
}

char *xstrdup(const char *s)
{
	return or_abort(strdup(s));
}

char *xmemdup0(const void *p, size_t n)
{
	char *copy = xmalloc(n + 1);

	if (n)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}

#ifdef __linux__
/* What is mapped from a file and can never have been written: dropping it loses nothing. */
static int drop_code(struct dl_phdr_info *object, size_t size, void *context)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size, (void)context;
	if (strstr(object->dlpi_name, "vdso")) /* the kernel's own */
		return 0;
	for (unsigned i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		uintptr_t from = (object->dlpi_addr + part->p_vaddr) & ~(page - 1), to = object->dlpi_addr + part->p_vaddr + part->p_filesz;

		if (part->p_type == PT_LOAD && !(part->p_flags & PF_W))
			(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void mem_trim(void)
{
	(void)malloc_trim(0);
	(void)dl_iterate_phdr(drop_code, NULL);
}
#else
void mem_trim(void)
{
}
#endif
