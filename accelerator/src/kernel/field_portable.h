/* One field element at a time, for every machine with 64-bit words. */
#ifndef SEAWALL_FIELD_PORTABLE_H
#define SEAWALL_FIELD_PORTABLE_H

#include <stdint.h>

#define LANES 1
typedef uint64_t limb;

#include "field.h"

typedef unsigned __int128 wide;

static inline void fold(fe *out, wide column[5])
{
    for (int i = 0; i < 4; i++) {
        column[i + 1] += (uint64_t)(column[i] >> BITS);
        out->limb[i] = (uint64_t)column[i] & MASK;
    }
    out->limb[4] = (uint64_t)column[4] & MASK;
    out->limb[0] += TIMES_19((uint64_t)(column[4] >> BITS));
    out->limb[1] += out->limb[0] >> BITS;
    out->limb[0] &= MASK;
}

static inline void multiply(fe *out, const fe *left, const fe *right)
{
    const uint64_t *a = left->limb, *b = right->limb;
    uint64_t b1 = 19 * b[1], b2 = 19 * b[2], b3 = 19 * b[3], b4 = 19 * b[4];
    wide column[5] = {
        (wide)a[0] * b[0] + (wide)a[1] * b4 + (wide)a[2] * b3 + (wide)a[3] * b2 + (wide)a[4] * b1,
        (wide)a[0] * b[1] + (wide)a[1] * b[0] + (wide)a[2] * b4 + (wide)a[3] * b3 + (wide)a[4] * b2,
        (wide)a[0] * b[2] + (wide)a[1] * b[1] + (wide)a[2] * b[0] + (wide)a[3] * b4 + (wide)a[4] * b3,
        (wide)a[0] * b[3] + (wide)a[1] * b[2] + (wide)a[2] * b[1] + (wide)a[3] * b[0] + (wide)a[4] * b4,
        (wide)a[0] * b[4] + (wide)a[1] * b[3] + (wide)a[2] * b[2] + (wide)a[3] * b[1] + (wide)a[4] * b[0],
    };
    fold(out, column);
}

static inline void square(fe *out, const fe *of)
{
    const uint64_t *a = of->limb;
    uint64_t d0 = 2 * a[0], d1 = 2 * a[1], a3 = 19 * a[3], a4 = 19 * a[4];
    wide column[5] = {
        (wide)a[0] * a[0] + (wide)d1 * a4 + (wide)(2 * a[2]) * a3,
        (wide)d0 * a[1] + (wide)(2 * a[2]) * a4 + (wide)a[3] * a3,
        (wide)d0 * a[2] + (wide)a[1] * a[1] + (wide)(2 * a[3]) * a4,
        (wide)d0 * a[3] + (wide)d1 * a[2] + (wide)a[4] * a4,
        (wide)d0 * a[4] + (wide)d1 * a[3] + (wide)a[2] * a[2],
    };
    fold(out, column);
}

static inline limb is_zero(limb value)
{
    return (limb)0 - (limb)(value == 0);
}

#endif
