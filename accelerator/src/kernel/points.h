/* The group: points in extended twisted Edwards coordinates, formulas of Hisil, Wong, Carter and Dawson (2008); and many
 * points times one scalar, of which neither a branch nor an address depends on a digit. */

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

#define DIGITS 64

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
