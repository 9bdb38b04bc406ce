/* Calls the kernel from a program of its own, so that sanitizers and Valgrind see all of it.
 *
 *     driver KERNEL UNIFORM KEEP    half and elements on standard input; the products on standard output
 *
 * Built with SEAWALL_WATCHED, the half is unknown to Valgrind until the products are written. Ends with what the
 * kernel says. With LEAK a branch depends on the half: Valgrind has to find that. */
#include <stdio.h>
#include <stdlib.h>

#include "kernel.h"

int seawall_times(int kernel, const uint8_t half[32], int uniform, const uint8_t *packed, size_t count, size_t keep,
                  uint8_t *out);

#ifdef SEAWALL_WATCHED
#define HIDE(memory, size) VALGRIND_MAKE_MEM_UNDEFINED(memory, size)
#define SHOW(memory, size) VALGRIND_MAKE_MEM_DEFINED(memory, size)
#else
#define HIDE(memory, size) ((void)0)
#define SHOW(memory, size) ((void)0)
#endif

static uint8_t half[32];

int main(int argc, char **argv)
{
    if (argc != 4 || fread(half, 1, 32, stdin) != 32)
        return 9;
    size_t size = atoi(argv[2]) ? 64 : 32, keep = (size_t)atoi(argv[3]), read = 0, more;
    uint8_t *packed = malloc(1);
    for (;;) { /* exactly as many bytes as came, so that one read too many is seen */
        uint8_t block[64];
        more = fread(block, 1, size, stdin);
        if (more < size)
            break;
        packed = realloc(packed, read + size);
        for (size_t i = 0; i < size; i++)
            packed[read + i] = block[i];
        read += size;
    }
    uint8_t *out = malloc(read / size * keep + (read == 0));
    HIDE(half, sizeof half);
#ifdef LEAK
    if (half[0] & 1)
        fputs("odd\n", stderr);
#endif
    int told = seawall_times(atoi(argv[1]), half, atoi(argv[2]), packed, read / size, keep, out);
    SHOW(out, read / size * keep);
    if (told == 0)
        fwrite(out, keep, read / size, stdout);
    free(packed);
    free(out);
    return told;
}
