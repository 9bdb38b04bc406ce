/* The kernel for every machine with 64-bit words. */
#include "field_portable.h"
#include "lanes.h"

int portable_times(const uint8_t half[32], int uniform, const uint8_t *packed, size_t count, size_t keep, uint8_t *out)
{
    return all_times(half, uniform, packed, count, keep, out);
}
