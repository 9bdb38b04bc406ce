/* ristretto255 (RFC 9496) over the field that was included before: LANES points at once, all times the same scalar. */

#include "roots.h"
#include "points.h"
#include "encodings.h"

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
