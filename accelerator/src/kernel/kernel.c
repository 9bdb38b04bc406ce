/* The doors of the library: many points of ristretto255, each times the same scalar.
 *
 *     seawall_kernels       which kernels this machine can run: 1 portable, 2 AVX-512 IFMA, added up
 *     seawall_times         every element times 2 * half, by the kernel named; RFC 9496
 *
 * ``half`` is half of the scalar modulo the group's order, 32 bytes little-endian, canonical; ``packed`` holds 32 bytes
 * for each point, or with ``uniform`` 64 random bytes each, which are mapped to the group first. The first ``keep``
 * bytes of each product, at most 32, are written to ``out``. Returns 0; 1 when one element is no canonical encoding of
 * a point other than the identity, or one product is the identity; 2 for a kernel that this machine can't run.
 * Nothing is kept, nothing is allocated, and threads may call at once. */
#include "kernel.h"

#define PORTABLE 1
#define IFMA 2
#define DOOR __attribute__((visibility("default")))

void wipe(void *memory, size_t size)
{
    volatile uint8_t *at = memory;
    while (size--)
        *at++ = 0;
}

DOOR int seawall_kernels(void)
{
#ifdef SEAWALL_WITH_IFMA
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512ifma"))
        return PORTABLE | IFMA;
#endif
    return PORTABLE;
}

DOOR int seawall_times(int kernel, const uint8_t half[32], int uniform, const uint8_t *packed, size_t count,
                       size_t keep, uint8_t *out)
{
    if (!(kernel & seawall_kernels()) || keep > 32)
        return 2;
    return (kernel == IFMA ? ifma_times : portable_times)(half, uniform, packed, count, keep, out);
}
