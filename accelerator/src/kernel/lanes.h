/* ristretto255 (RFC 9496) over the field that was included before: LANES points at once, all times the same scalar.
 *
 * What depends on the scalar is its digits alone: they choose from tables by masks, never by an address or a branch.
 * Points are in extended twisted Edwards coordinates; formulas of Hisil, Wong, Carter and Dawson (2008). */

#include <stddef.h>

#include "kernel.h"

static const uint64_t ZERO[5] = {0}, ONE[5] = {1};
/* RFC 9496 section 4.1 */
static const uint64_t D[5] = {0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff};
static const uint64_t D2[5] = {0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff};
static const uint64_t SQRT_M1[5] = {0x61b274a0ea0b0, 0x0d5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e,
                                    0x2b8324804fc1d};
static const uint64_t SQRT_AD_MINUS_ONE[5] = {0x7f6a0497b2e1b, 0x1836f0a97afd2, 0x7d747f6be7638, 0x456079e7e6498,
                                              0x376931bf2b834};
static const uint64_t INVSQRT_A_MINUS_D[5] = {0x0fdaa805d40ea, 0x2eb482e57d339, 0x007610274bc58, 0x6510b613dc8ff,
                                              0x786c8905cfaff};
static const uint64_t ONE_MINUS_D_SQ[5] = {0x409c1945fc176, 0x719abc6a1fc4f, 0x1c37f90b20684, 0x06bccca55eedf,
                                           0x029072a8b2b3e};
static const uint64_t D_MINUS_ONE_SQ[5] = {0x55aaa44ed4d20, 0x59603c3332635, 0x26d3baf4a7928, 0x120a66e6997a9,
                                           0x5968b37af66c2};

typedef struct {
    fe x, y, z, t;
} point;

/* of a point that will be added: Y + X, Y - X, 2Z, 2dT */
typedef struct {
    fe sum, difference, z2, t2d;
} addend;

/* what an addition or doubling leaves: the point is (x/z, y/t) */
typedef struct {
    fe x, y, z, t;
} completed;

/* what is kept of a point until it is written; see write_doubled */
typedef struct {
    fe e, f, g, h, product;
} unwritten;

#define DIGITS 64
#define TOGETHER 64 /* vectors that share one inversion; their memory stays in the second cache */

static inline limb same(const fe *left, const fe *right)
{
    fe rest;
    subtract(&rest, left, right);
    reduce(&rest);
    return is_zero(rest.limb[0] | rest.limb[1] | rest.limb[2] | rest.limb[3] | rest.limb[4]);
}

/* RFC 9496 section 3: negative is odd */
static inline limb is_negative(const fe *of)
{
    fe least = *of;
    reduce(&least);
    return (limb){0} - (least.limb[0] & 1);
}

static inline void negate_where(fe *of, limb mask)
{
    fe other;
    negate(&other, of);
    choose(of, mask, &other, of);
}

static inline void times(fe *out, const fe *left, const uint64_t right[5])
{
    fe other = constant(right);
    multiply(out, left, &other);
}

static void square_often(fe *out, const fe *of, int often)
{
    square(out, of);
    while (--often > 0)
        square(out, out);
}

/* of^(2^250 - 1), the front of both powers below, and of^11 */
static void power_250(fe *out, fe *eleventh, const fe *of)
{
    fe a, b, c;
    square(&a, of);
    square_often(&b, &a, 2);
    multiply(&b, &b, of); /* 9 */
    multiply(eleventh, &b, &a);
    square(&a, eleventh);
    multiply(&a, &a, &b); /* 2^5 - 1 */
    square_often(&b, &a, 5);
    multiply(&a, &b, &a); /* 2^10 - 1 */
    square_often(&b, &a, 10);
    multiply(&b, &b, &a); /* 2^20 - 1 */
    square_often(&c, &b, 20);
    multiply(&b, &c, &b); /* 2^40 - 1 */
    square_often(&b, &b, 10);
    multiply(&a, &b, &a); /* 2^50 - 1 */
    square_often(&b, &a, 50);
    multiply(&b, &b, &a); /* 2^100 - 1 */
    square_often(&c, &b, 100);
    multiply(&b, &c, &b); /* 2^200 - 1 */
    square_often(&b, &b, 50);
    multiply(out, &b, &a);
}

/* of^(p - 2) */
static void invert(fe *out, const fe *of)
{
    fe a, eleventh;
    power_250(&a, &eleventh, of);
    square_often(&a, &a, 5);
    multiply(out, &a, &eleventh);
}

/* of^((p - 5) / 8) */
static void power_p58(fe *out, const fe *of)
{
    fe a, unused;
    power_250(&a, &unused, of);
    square_often(&a, &a, 2);
    multiply(out, &a, of);
}

/* RFC 9496 section 4.2, SQRT_RATIO_M1; the mask says where it was a square */
static limb square_root_of_ratio(fe *out, const fe *u, const fe *v)
{
    fe v3, v7, root, check, minus_u, other;
    square(&v3, v);
    multiply(&v3, &v3, v);
    square(&v7, &v3);
    multiply(&v7, &v7, v);
    multiply(&root, u, &v7);
    power_p58(&root, &root);
    multiply(&root, &root, &v3);
    multiply(&root, &root, u);
    square(&check, &root);
    multiply(&check, &check, v);
    negate(&minus_u, u);
    times(&other, &minus_u, SQRT_M1);
    limb correct = same(&check, u), flipped = same(&check, &minus_u), flipped_i = same(&check, &other);
    times(&other, &root, SQRT_M1);
    choose(&root, flipped | flipped_i, &other, &root);
    negate_where(&root, is_negative(&root));
    *out = root;
    return correct | flipped;
}

/* RFC 9496 section 4.3.1, Decode, of canonical and non-negative encodings; the mask says which are none */
static limb decode(point *out, const fe *s)
{
    fe one = constant(ONE), zero = constant(ZERO), ss, u1, u2, u2_squared, v, root, den_x, den_y;
    square(&ss, s);
    subtract(&u1, &one, &ss);
    add(&u2, &one, &ss);
    square(&u2_squared, &u2);
    square(&v, &u1);
    times(&v, &v, D);
    add(&v, &v, &u2_squared);
    negate(&v, &v);
    fe under;
    multiply(&under, &v, &u2_squared);
    limb bad = ~square_root_of_ratio(&root, &one, &under);
    multiply(&den_x, &root, &u2);
    multiply(&den_y, &root, &den_x);
    multiply(&den_y, &den_y, &v);
    add(&out->x, s, s);
    multiply(&out->x, &out->x, &den_x);
    negate_where(&out->x, is_negative(&out->x));
    multiply(&out->y, &u1, &den_y);
    out->z = one;
    multiply(&out->t, &out->x, &out->y);
    return bad | is_negative(&out->t) | same(&out->y, &zero);
}

/* RFC 9496 section 4.3.4, MAP */
static void map(point *out, const fe *t)
{
    fe one = constant(ONE), r, u, v, s, other, c, n, w0, w1, w2, w3;
    square(&r, t);
    times(&r, &r, SQRT_M1);
    add(&u, &r, &one);
    times(&u, &u, ONE_MINUS_D_SQ);
    times(&v, &r, D);
    add(&v, &v, &one);
    negate(&v, &v);
    fe d = constant(D);
    add(&other, &r, &d);
    multiply(&v, &v, &other);
    limb was_square = square_root_of_ratio(&s, &u, &v);
    multiply(&other, &s, t);
    negate_where(&other, ~is_negative(&other));
    choose(&s, was_square, &s, &other);
    negate(&other, &one);
    choose(&c, was_square, &other, &r);
    subtract(&n, &r, &one);
    multiply(&n, &n, &c);
    times(&n, &n, D_MINUS_ONE_SQ);
    subtract(&n, &n, &v);
    add(&w0, &s, &s);
    multiply(&w0, &w0, &v);
    times(&w1, &n, SQRT_AD_MINUS_ONE);
    square(&s, &s);
    subtract(&w2, &one, &s);
    add(&w3, &one, &s);
    multiply(&out->x, &w0, &w3);
    multiply(&out->y, &w2, &w1);
    multiply(&out->z, &w1, &w3);
    multiply(&out->t, &w0, &w2);
}

static inline void to_addend(addend *out, const point *of)
{
    add(&out->sum, &of->y, &of->x);
    subtract(&out->difference, &of->y, &of->x);
    add(&out->z2, &of->z, &of->z);
    times(&out->t2d, &of->t, D2);
}

static inline void plus(completed *out, const point *left, const addend *right)
{
    fe a, b, c, d;
    add(&a, &left->y, &left->x);
    subtract(&b, &left->y, &left->x);
    multiply(&a, &a, &right->sum);
    multiply(&b, &b, &right->difference);
    multiply(&c, &left->t, &right->t2d);
    multiply(&d, &left->z, &right->z2);
    subtract(&out->x, &a, &b);
    add(&out->y, &a, &b);
    add(&out->z, &d, &c);
    subtract(&out->t, &d, &c);
}

static inline void doubled(completed *out, const point *of)
{
    fe xx, yy, zz, sum;
    add(&sum, &of->x, &of->y);
    square(&xx, &of->x);
    square(&yy, &of->y);
    square(&zz, &of->z);
    square(&sum, &sum);
    add(&zz, &zz, &zz);
    add(&out->y, &yy, &xx);
    subtract(&out->z, &yy, &xx);
    subtract(&out->x, &sum, &out->y);
    subtract(&out->t, &zz, &out->z);
}

/* without t, which a doubling does not read */
static inline void finish_short(point *out, const completed *of)
{
    multiply(&out->x, &of->x, &of->t);
    multiply(&out->y, &of->y, &of->z);
    multiply(&out->z, &of->z, &of->t);
}

static inline void finish(point *out, const completed *of)
{
    finish_short(out, of);
    multiply(&out->t, &of->x, &of->y);
}

/* ``scalar``, below 2^253, as 64 digits from -8 to 8 of 16 */
static void to_digits(int8_t digit[DIGITS], const uint8_t scalar[32])
{
    int over = 0;
    for (int i = 0; i < DIGITS; i++) {
        int value = ((scalar[i / 2] >> 4 * (i % 2)) & 15) + over;
        over = (value + 8) >> 4;
        digit[i] = (int8_t)(value - (over << 4));
    }
}

/* An all-ones mask where two small numbers are equal; what the compiler can't see through it can't make a branch of. */
static inline limb mask_if_equal(uint32_t left, uint32_t right)
{
    uint64_t mask = (uint64_t)0 - (uint64_t)(((left ^ right) - 1) >> 31);
    __asm__("" : "+r"(mask));
    return (limb){0} + mask;
}

/* digit times the point of the table, which holds 1 to 8 times it: all eight are read, whatever the digit */
static inline void choose_multiple(addend *out, const addend table[8], int digit)
{
    uint32_t negative = (uint32_t)digit >> 31, size = ((uint32_t)digit ^ (0 - negative)) + negative;
    limb found = mask_if_equal(size, 0);
    fe none = constant(ONE), zero = constant(ZERO), flipped;
    for (int i = 0; i < 5; i++) {
        out->sum.limb[i] = out->difference.limb[i] = none.limb[i] & found;
        out->z2.limb[i] = (none.limb[i] + none.limb[i]) & found;
        out->t2d.limb[i] = zero.limb[i];
    }
    for (uint32_t entry = 0; entry < 8; entry++) {
        found = mask_if_equal(size, entry + 1);
        for (int i = 0; i < 5; i++) {
            out->sum.limb[i] |= table[entry].sum.limb[i] & found;
            out->difference.limb[i] |= table[entry].difference.limb[i] & found;
            out->z2.limb[i] |= table[entry].z2.limb[i] & found;
            out->t2d.limb[i] |= table[entry].t2d.limb[i] & found;
        }
    }
    limb sign = mask_if_equal(negative, 1);
    fe swapped = out->sum;
    choose(&out->sum, sign, &out->difference, &out->sum);
    choose(&out->difference, sign, &swapped, &out->difference);
    negate(&flipped, &out->t2d);
    choose(&out->t2d, sign, &flipped, &out->t2d);
}

static void multiply_point(point *out, const int8_t digit[DIGITS], const point *of)
{
    addend table[8], chosen;
    completed sum;
    point at = *of;
    to_addend(&table[0], of);
    for (int i = 1; i < 8; i++) {
        plus(&sum, &at, &table[0]);
        finish(&at, &sum);
        to_addend(&table[i], &at);
    }
    at = (point){constant(ZERO), constant(ONE), constant(ONE), constant(ZERO)};
    for (int i = DIGITS - 1; i >= 0; i--) {
        for (int j = 0; j < 4 && i < DIGITS - 1; j++) {
            doubled(&sum, &at);
            if (j < 3)
                finish_short(&at, &sum);
            else
                finish(&at, &sum);
        }
        choose_multiple(&chosen, table, digit[i]);
        plus(&sum, &at, &chosen);
        if (i > 0)
            finish_short(&at, &sum);
        else
            finish(&at, &sum);
    }
    *out = at;
}

/* The encoding of 2P needs one inversion where that of P needs a square root, and inversions are shared by many:
 * keep what leads there. As curve25519-dalek's double_and_compress_batch, from Hamburg's notes on ristretto. */
static void keep_doubled(unwritten *out, const point *of)
{
    fe xx, yy, zz, dtt, left, right;
    square(&xx, &of->x);
    square(&yy, &of->y);
    square(&zz, &of->z);
    square(&dtt, &of->t);
    times(&dtt, &dtt, D);
    add(&out->e, &of->y, &of->y);
    multiply(&out->e, &out->e, &of->x);
    add(&out->f, &zz, &dtt);
    add(&out->g, &yy, &xx);
    subtract(&out->h, &zz, &dtt);
    multiply(&left, &out->e, &out->g);
    multiply(&right, &out->f, &out->h);
    multiply(&out->product, &left, &right);
}

/* RFC 9496 section 4.3.2, Encode, of the double; ``inverse``: of the product */
static void write_doubled(uint8_t bytes[LANES][32], const unwritten *of, const fe *inverse)
{
    fe eg, fh, z_inverse, t_inverse, check, e = of->e, g = of->g, h = of->h, other, magic, s;
    multiply(&eg, &of->e, &of->g);
    multiply(&fh, &of->f, &of->h);
    multiply(&z_inverse, &eg, inverse);
    multiply(&t_inverse, &fh, inverse);
    multiply(&check, &eg, &z_inverse);
    limb rotated = is_negative(&check);
    negate(&other, &of->e);
    choose(&e, rotated, &of->g, &of->e);
    choose(&g, rotated, &other, &of->g);
    times(&other, &of->f, SQRT_M1);
    choose(&h, rotated, &other, &of->h);
    fe plain = constant(INVSQRT_A_MINUS_D), turned = constant(SQRT_M1);
    choose(&magic, rotated, &turned, &plain);
    multiply(&check, &h, &e);
    multiply(&check, &check, &z_inverse);
    negate_where(&g, is_negative(&check));
    multiply(&other, &g, &t_inverse);
    multiply(&other, &other, &magic);
    subtract(&s, &h, &g);
    multiply(&s, &s, &other);
    negate_where(&s, is_negative(&s));
    save(bytes, &s);
}

/* All that was kept, written; one inversion for all. Where a product is zero the double is the identity: refused. */
static int write_all(uint8_t *out, size_t keep, size_t points, unwritten kept[TOGETHER])
{
    fe before[TOGETHER], running = constant(ONE), zero = constant(ZERO), inverse;
    size_t vectors = (points + LANES - 1) / LANES;
    limb bad = (limb){0};
    for (size_t i = 0; i < vectors; i++) {
        bad |= same(&kept[i].product, &zero);
        before[i] = running;
        multiply(&running, &running, &kept[i].product);
    }
    invert(&running, &running);
    for (size_t i = vectors; i-- > 0;) {
        uint8_t bytes[LANES][32];
        multiply(&inverse, &running, &before[i]);
        multiply(&running, &running, &kept[i].product);
        write_doubled(bytes, &kept[i], &inverse);
        for (size_t lane = 0; lane < LANES && i * LANES + lane < points; lane++)
            memcpy(out + (i * LANES + lane) * keep, bytes[lane], keep);
    }
    uint64_t lanes[LANES];
    memcpy(lanes, &bad, sizeof lanes);
    for (int lane = 1; lane < LANES; lane++)
        lanes[0] |= lanes[lane];
    TELL(lanes[0]); /* true for nobody who keeps to the protocol */
    return lanes[0] != 0;
}

/* below p, not negative, not the identity; points are no secret */
static int may_be_point(const uint8_t bytes[32])
{
    int all = bytes[31] == 0x7f, none = bytes[0] | bytes[31];
    for (int i = 1; i < 31; i++) {
        all &= bytes[i] == 0xff;
        none |= bytes[i];
    }
    return !(bytes[31] & 0x80) && !(all && bytes[0] >= 0xed) && none && !(bytes[0] & 1);
}

/* Lanes from packed elements of ``size`` bytes at ``offset``; past the end the last one again. */
static void gather(fe *out, const uint8_t *packed, size_t size, size_t offset, size_t left)
{
    uint8_t bytes[LANES][32];
    for (size_t lane = 0; lane < LANES; lane++)
        memcpy(bytes[lane], packed + (lane < left ? lane : left - 1) * size + offset, 32);
    load(out, (const uint8_t(*)[32])bytes);
}

static int read_points(point *out, const uint8_t *packed, size_t left)
{
    fe s;
    uint64_t bad[LANES], any = 0;
    for (size_t lane = 0; lane < LANES && lane < left; lane++)
        if (!may_be_point(packed + 32 * lane))
            return 1;
    gather(&s, packed, 32, 0, left);
    limb none = decode(out, &s);
    memcpy(bad, &none, sizeof bad);
    for (int lane = 0; lane < LANES; lane++)
        any |= bad[lane];
    return any != 0;
}

/* RFC 9496 section 4.3.4: the sum of both halves' points */
static void read_uniform(point *out, const uint8_t *packed, size_t left)
{
    fe half;
    point one, other;
    addend right;
    completed sum;
    gather(&half, packed, 64, 0, left);
    map(&one, &half);
    gather(&half, packed, 64, 32, left);
    map(&other, &half);
    to_addend(&right, &other);
    plus(&sum, &one, &right);
    finish(out, &sum);
}

/* Every element times 2 * half. 0, or 1 for an element that is no point or a product that is the identity. */
static int all_times(const uint8_t half[32], int uniform, const uint8_t *packed, size_t count, size_t keep, uint8_t *out)
{
    int8_t digit[DIGITS];
    unwritten kept[TOGETHER];
    size_t size = uniform ? 64 : 32;
    int bad = 0;
    to_digits(digit, half);
    for (size_t done = 0; done < count && !bad;) {
        size_t points = count - done < TOGETHER * LANES ? count - done : TOGETHER * LANES;
        for (size_t i = 0; i * LANES < points && !bad; i++) {
            point at;
            const uint8_t *here = packed + (done + i * LANES) * size;
            if (uniform)
                read_uniform(&at, here, points - i * LANES);
            else
                bad = read_points(&at, here, points - i * LANES);
            multiply_point(&at, digit, &at);
            keep_doubled(&kept[i], &at);
        }
        bad = bad || write_all(out + done * keep, keep, points, kept);
        done += points;
    }
    wipe(digit, sizeof digit);
    return bad;
}
