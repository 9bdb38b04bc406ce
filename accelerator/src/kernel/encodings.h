/* Points from bytes and back; RFC 9496 section 4.3. */

#include "kernel.h"

#define TOGETHER 32 /* vectors that share one inversion: their 60 kB fit a small stack and the second cache */

/* what is kept of a point until it is written; see write_doubled */
typedef struct {
    fe e, f, g, h, product;
} unwritten;

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
