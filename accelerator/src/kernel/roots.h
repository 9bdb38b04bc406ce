/* Signs, powers and square roots in the field; RFC 9496 sections 3 and 4.2. */

#include <stddef.h>

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
