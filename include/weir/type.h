/* Layouts: where a type of yours has pointers, so that the collector looks
 * there and nowhere else.
 *
 *     typedef struct node {
 *         struct node *left, *right;
 *         uint64_t hash;
 *         double weight;
 *     } node;
 *     WEIR_TYPE(node, left, right);
 *
 *     node *n = weir_new_typed(node);             weir/gc.h
 *
 * Without a layout every word of a block counts as an address if it could be
 * one: a hash that happens to look like one keeps a block that nobody has. With
 * one the collector also looks at fewer words.
 *
 * T is a name of one word: in C one that typedef has made. The others are its
 * members that may hold addresses of managed blocks, or of malloc's that lead
 * to such: 1 to 24 of them, as offsetof takes them, so p, in.p, or pair[1].q.
 * Whatever the member is, all its words count: of an array of pointers, a
 * structure or a union each. Of an array at the end that has no length its
 * first element is named, item[0] or item[0].p, and stands for all; see
 * weir_new_typed_flex. A type without any wants weir_new_noscan.
 *
 * Misuse: a pointer in a member that is not named is not seen, and what it
 * points at may be freed while it is in use.
 *
 * A layout is read while a block is made, and not after that: a library that
 * has one may be unloaded. A layout that is known only when the program runs
 * is a struct weir_type filled in by hand, from zero.
 */
#ifndef WEIR_TYPE_H
#define WEIR_TYPE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a type all of whose words count. */
struct weir_type_part {
    size_t offset, bytes;
};

struct weir_type {
    size_t bytes;  /* of one */
    uint64_t bits; /* the i-th word counts: of the first 64 */
    /* The same of all. NULL: behind the first 64 none does. */
    const struct weir_type_part *part;
    size_t parts;
};

/* clang-format off */
#define WEIR_TYPE(T, ...)                                                      \
    static const struct weir_type_part weir_type_parts_##T[] = {               \
        WEIR_TYPE_EACH(WEIR_TYPE_PART, T, __VA_ARGS__)};                       \
    static const struct weir_type weir_type_##T __attribute__((unused)) = {    \
        sizeof(T), WEIR_TYPE_EACH(WEIR_TYPE_BITS, T, __VA_ARGS__) 0u,          \
        weir_type_parts_##T,                                                   \
        sizeof(weir_type_parts_##T) / sizeof(weir_type_parts_##T[0])}

/* What follows is what it is made of. */
#define WEIR_TYPE_BYTES(T, m) sizeof(((T *)0)->m)
#define WEIR_TYPE_PART(T, m) {offsetof(T, m), WEIR_TYPE_BYTES(T, m)},
#define WEIR_TYPE_BITS(T, m)                                                   \
    (WEIR_TYPE_BELOW((offsetof(T, m) + WEIR_TYPE_BYTES(T, m) + 7) / 8) &       \
     ~WEIR_TYPE_BELOW(offsetof(T, m) / 8)) |
#define WEIR_TYPE_BELOW(n)                                                     \
    ((n) >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << ((n) % 64)) - 1)

#define WEIR_TYPE_EACH(f, T, ...)                                              \
    WEIR_TYPE_NTH(__VA_ARGS__, WEIR_TYPE_24, WEIR_TYPE_23, WEIR_TYPE_22,       \
                  WEIR_TYPE_21, WEIR_TYPE_20, WEIR_TYPE_19, WEIR_TYPE_18,      \
                  WEIR_TYPE_17, WEIR_TYPE_16, WEIR_TYPE_15, WEIR_TYPE_14,      \
                  WEIR_TYPE_13, WEIR_TYPE_12, WEIR_TYPE_11, WEIR_TYPE_10,      \
                  WEIR_TYPE_9, WEIR_TYPE_8, WEIR_TYPE_7, WEIR_TYPE_6,          \
                  WEIR_TYPE_5, WEIR_TYPE_4, WEIR_TYPE_3, WEIR_TYPE_2,          \
                  WEIR_TYPE_1, 0)(f, T, __VA_ARGS__)
#define WEIR_TYPE_NTH(a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, q, r, s, t, \
                      u, v, w, x, y, nth, ...) nth
#define WEIR_TYPE_1(f, T, m) f(T, m)
#define WEIR_TYPE_2(f, T, m, ...) f(T, m) WEIR_TYPE_1(f, T, __VA_ARGS__)
#define WEIR_TYPE_3(f, T, m, ...) f(T, m) WEIR_TYPE_2(f, T, __VA_ARGS__)
#define WEIR_TYPE_4(f, T, m, ...) f(T, m) WEIR_TYPE_3(f, T, __VA_ARGS__)
#define WEIR_TYPE_5(f, T, m, ...) f(T, m) WEIR_TYPE_4(f, T, __VA_ARGS__)
#define WEIR_TYPE_6(f, T, m, ...) f(T, m) WEIR_TYPE_5(f, T, __VA_ARGS__)
#define WEIR_TYPE_7(f, T, m, ...) f(T, m) WEIR_TYPE_6(f, T, __VA_ARGS__)
#define WEIR_TYPE_8(f, T, m, ...) f(T, m) WEIR_TYPE_7(f, T, __VA_ARGS__)
#define WEIR_TYPE_9(f, T, m, ...) f(T, m) WEIR_TYPE_8(f, T, __VA_ARGS__)
#define WEIR_TYPE_10(f, T, m, ...) f(T, m) WEIR_TYPE_9(f, T, __VA_ARGS__)
#define WEIR_TYPE_11(f, T, m, ...) f(T, m) WEIR_TYPE_10(f, T, __VA_ARGS__)
#define WEIR_TYPE_12(f, T, m, ...) f(T, m) WEIR_TYPE_11(f, T, __VA_ARGS__)
#define WEIR_TYPE_13(f, T, m, ...) f(T, m) WEIR_TYPE_12(f, T, __VA_ARGS__)
#define WEIR_TYPE_14(f, T, m, ...) f(T, m) WEIR_TYPE_13(f, T, __VA_ARGS__)
#define WEIR_TYPE_15(f, T, m, ...) f(T, m) WEIR_TYPE_14(f, T, __VA_ARGS__)
#define WEIR_TYPE_16(f, T, m, ...) f(T, m) WEIR_TYPE_15(f, T, __VA_ARGS__)
#define WEIR_TYPE_17(f, T, m, ...) f(T, m) WEIR_TYPE_16(f, T, __VA_ARGS__)
#define WEIR_TYPE_18(f, T, m, ...) f(T, m) WEIR_TYPE_17(f, T, __VA_ARGS__)
#define WEIR_TYPE_19(f, T, m, ...) f(T, m) WEIR_TYPE_18(f, T, __VA_ARGS__)
#define WEIR_TYPE_20(f, T, m, ...) f(T, m) WEIR_TYPE_19(f, T, __VA_ARGS__)
#define WEIR_TYPE_21(f, T, m, ...) f(T, m) WEIR_TYPE_20(f, T, __VA_ARGS__)
#define WEIR_TYPE_22(f, T, m, ...) f(T, m) WEIR_TYPE_21(f, T, __VA_ARGS__)
#define WEIR_TYPE_23(f, T, m, ...) f(T, m) WEIR_TYPE_22(f, T, __VA_ARGS__)
#define WEIR_TYPE_24(f, T, m, ...) f(T, m) WEIR_TYPE_23(f, T, __VA_ARGS__)
/* clang-format on */

#endif
