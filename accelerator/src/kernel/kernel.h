/* What the library offers; see kernel.c. */
#ifndef SEAWALL_KERNEL_H
#define SEAWALL_KERNEL_H

#include <stddef.h>
#include <stdint.h>

int ifma_times(const uint8_t half[32], int uniform, const uint8_t *packed, size_t count, size_t keep, uint8_t *out);
int portable_times(const uint8_t half[32], int uniform, const uint8_t *packed, size_t count, size_t keep, uint8_t *out);
void wipe(void *memory, size_t size);

/* May be known from here on. The tests mark the scalar as unknown and let Valgrind follow it: no branch and no address
 * may depend on what was not told. */
#ifdef SEAWALL_WATCHED
#include <valgrind/memcheck.h>
#define TELL(value) VALGRIND_MAKE_MEM_DEFINED(&(value), sizeof(value))
#else
#define TELL(value) ((void)0)
#endif

#endif
