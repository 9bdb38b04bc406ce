/* Eight field elements at once: lane i of every limb belongs to element i. AVX-512 IFMA multiplies 52 bits by 52. */
#ifndef SEAWALL_FIELD_IFMA_H
#define SEAWALL_FIELD_IFMA_H

#include <immintrin.h>
#include <stdint.h>

#define LANES 8
typedef uint64_t limb __attribute__((vector_size(64)));

#include "field.h"

#define LOW(sum, a, b) ((limb)_mm512_madd52lo_epu64((__m512i)(sum), (__m512i)(a), (__m512i)(b)))
#define HIGH(sum, a, b) ((limb)_mm512_madd52hi_epu64((__m512i)(sum), (__m512i)(a), (__m512i)(b)))

/* Columns 0 to 9 of a product, each below 2^56, to limbs below 2^51 + 2^14: 2^255 is 19 in this field. */
static inline void fold(fe *out, const limb column[10])
{
    for (int i = 0; i < 5; i++)
        out->limb[i] = column[i] + TIMES_19(column[i + 5]);
    carry(out);
}

/* low and high halves of 5 x 5 products; a high half stands 52 bits above its low one, so one column up and doubled */
static inline void multiply(fe *out, const fe *left, const fe *right)
{
    limb low[10] = {0}, high[10] = {0};
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) {
            low[i + j] = LOW(low[i + j], left->limb[i], right->limb[j]);
            high[i + j + 1] = HIGH(high[i + j + 1], left->limb[i], right->limb[j]);
        }
    for (int i = 1; i < 10; i++)
        low[i] += high[i] + high[i];
    fold(out, low);
}

/* as multiply, with each mixed product taken once: ``once`` counts once, ``twice`` twice, ``fourfold`` four times */
static inline void square(fe *out, const fe *of)
{
    limb once[10] = {0}, twice[10] = {0}, fourfold[10] = {0};
    for (int i = 0; i < 5; i++) {
        once[2 * i] = LOW(once[2 * i], of->limb[i], of->limb[i]);
        twice[2 * i + 1] = HIGH(twice[2 * i + 1], of->limb[i], of->limb[i]);
        for (int j = i + 1; j < 5; j++) {
            twice[i + j] = LOW(twice[i + j], of->limb[i], of->limb[j]);
            fourfold[i + j + 1] = HIGH(fourfold[i + j + 1], of->limb[i], of->limb[j]);
        }
    }
    for (int i = 0; i < 10; i++) {
        twice[i] += fourfold[i] + fourfold[i];
        once[i] += twice[i] + twice[i];
    }
    fold(out, once);
}

static inline limb is_zero(limb value)
{
    return (limb)(value == (limb){0});
}

#endif
