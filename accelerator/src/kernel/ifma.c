/* The kernel for processors with AVX-512 IFMA (Intel since Ice Lake, AMD since Zen 4). */
#ifdef __AVX512IFMA__
#include "field_ifma.h"
#include "lanes.h"

int ifma_times(const uint8_t half[32], int uniform, const uint8_t *packed, size_t count, size_t keep, uint8_t *out)
{
    return all_times(half, uniform, packed, count, keep, out);
}
#else
#include "kernel.h"

int ifma_times(const uint8_t half[32], int uniform, const uint8_t *packed, size_t count, size_t keep, uint8_t *out)
{
    return portable_times(half, uniform, packed, count, keep, out);
}
#endif
