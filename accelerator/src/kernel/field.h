/* The field of 2^255 - 19, as five limbs of 51 bits, of LANES elements at once. Included by the files that say what a
 * limb is and how to multiply.
 *
 * Every function here takes limbs below 2^51 + 2^14 and leaves limbs below that: the room to 2^52 is what the wide
 * multiplication reads. Nothing branches or addresses memory by a value; a mask is all ones or zero in each lane. */

#include <string.h>

#define BITS 51
#define MASK ((UINT64_C(1) << BITS) - 1)
#define TIMES_19(x) (((x) << 4) + ((x) << 1) + (x))
/* limbs of 2p, added before a subtraction so that no limb falls below zero */
#define TWO_P(i) ((i) == 0 ? 2 * MASK - 36 : 2 * MASK)

typedef struct {
    limb limb[5];
} fe;

/* limbs below 2^61 to limbs below 2^51 + 2^14 */
static inline void carry(fe *of)
{
    limb over[5];
    for (int i = 0; i < 5; i++) {
        over[i] = of->limb[i] >> BITS;
        of->limb[i] &= MASK;
    }
    of->limb[0] += TIMES_19(over[4]);
    for (int i = 1; i < 5; i++)
        of->limb[i] += over[i - 1];
}

static inline void add(fe *out, const fe *left, const fe *right)
{
    for (int i = 0; i < 5; i++)
        out->limb[i] = left->limb[i] + right->limb[i];
    carry(out);
}

static inline void subtract(fe *out, const fe *left, const fe *right)
{
    for (int i = 0; i < 5; i++)
        out->limb[i] = left->limb[i] + TWO_P(i) - right->limb[i];
    carry(out);
}

static inline void negate(fe *out, const fe *of)
{
    for (int i = 0; i < 5; i++)
        out->limb[i] = TWO_P(i) - of->limb[i];
    carry(out);
}

/* yes where the mask is set, no elsewhere */
static inline void choose(fe *out, limb mask, const fe *yes, const fe *no)
{
    for (int i = 0; i < 5; i++)
        out->limb[i] = (yes->limb[i] & mask) | (no->limb[i] & ~mask);
}

static inline fe constant(const uint64_t limbs[5])
{
    fe made;
    for (int i = 0; i < 5; i++)
        made.limb[i] = (limb){0} + limbs[i];
    return made;
}

/* The one representative below p. */
static inline void reduce(fe *of)
{
    limb *at = of->limb, over;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4; i++) {
            at[i + 1] += at[i] >> BITS;
            at[i] &= MASK;
        }
        over = at[4] >> BITS;
        at[4] &= MASK;
        at[0] += TIMES_19(over);
    }
    over = (at[0] + 19) >> BITS; /* 1 at the end where it is still p or more */
    for (int i = 1; i < 5; i++)
        over = (at[i] + over) >> BITS;
    at[0] += TIMES_19(over);
    for (int i = 0; i < 4; i++) {
        at[i + 1] += at[i] >> BITS;
        at[i] &= MASK;
    }
    at[4] &= MASK;
}

/* 32 little-endian bytes a lane, bit 255 not looked at */
static inline void load(fe *out, const uint8_t bytes[LANES][32])
{
    uint64_t limbs[5][LANES];
    for (int lane = 0; lane < LANES; lane++) {
        uint64_t word[4];
        for (int i = 0; i < 4; i++) {
            word[i] = 0;
            for (int byte = 7; byte >= 0; byte--)
                word[i] = word[i] << 8 | bytes[lane][8 * i + byte];
        }
        limbs[0][lane] = word[0] & MASK;
        limbs[1][lane] = (word[0] >> 51 | word[1] << 13) & MASK;
        limbs[2][lane] = (word[1] >> 38 | word[2] << 26) & MASK;
        limbs[3][lane] = (word[2] >> 25 | word[3] << 39) & MASK;
        limbs[4][lane] = (word[3] >> 12) & MASK;
    }
    memcpy(out->limb, limbs, sizeof limbs);
}

/* The canonical 32 bytes of each lane. */
static inline void save(uint8_t bytes[LANES][32], const fe *of)
{
    fe least = *of;
    uint64_t limbs[5][LANES];
    reduce(&least);
    memcpy(limbs, least.limb, sizeof limbs);
    for (int lane = 0; lane < LANES; lane++) {
        uint64_t word[4] = {
            limbs[0][lane] | limbs[1][lane] << 51,
            limbs[1][lane] >> 13 | limbs[2][lane] << 38,
            limbs[2][lane] >> 26 | limbs[3][lane] << 25,
            limbs[3][lane] >> 39 | limbs[4][lane] << 12,
        };
        for (int i = 0; i < 32; i++)
            bytes[lane][i] = (uint8_t)(word[i / 8] >> 8 * (i % 8));
    }
}
