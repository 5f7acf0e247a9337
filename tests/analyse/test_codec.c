/* profile.proto and gzip: what goes out comes back, and what is damaged gets
 * a sentence.
 *
 * Started with arguments it makes files instead, for the script that shows
 * them to pprof:
 *     test_analyse_codec random SEED FILE     a heap profile
 *     test_analyse_codec text FILE OUT        its debug=1 text
 *     test_analyse_codec subtract A B OUT     A - B
 *     test_analyse_codec merge A B OUT        A + B */
#include "analyse/maker.h"
#include "analyse/profile.pb-c.h"

#include <libdeflate.h>
#include <unistd.h>

static struct wr_profile *p, *q;
static unsigned char *bytes;
static size_t length;
static char why[WR_WHY];

static void
fill(void)
{
    uint32_t frame = maker_location(p, STACK("innermost", "inlined", "outer"));
    struct wr_label labels[2] = {
        {.key = wr_profile_string(p, "bytes"),
         .num = -64,
         .unit = wr_profile_string(p, "bytes")},
        {.key = wr_profile_string(p, "thread"),
         .str = wr_profile_string(p, "worker")},
    };
    int64_t values[4] = {INT64_MAX, INT64_MIN, 0, -1};
    wr_profile_sample(p, &frame, 1, values, labels, 2);
    maker_sample(p, STACK("leaf", "main"), 3, 192);
    frame = wr_profile_location(p, WR_NONE, UINT64_MAX, NULL, 0);
    wr_profile_sample(p, &frame, 1, values, NULL, 0);
    p->mappings[0].has_functions = p->mappings[0].has_lines = true;
    p->locations[0].folded = true;
    wr_profile_comment(p, "host: here");
    p->drop_frames = wr_profile_string(p, "malloc|calloc");
    p->keep_frames = wr_profile_string(p, "kept");
    p->default_type = wr_profile_string(p, "alloc_space");
    p->time_ns = 1234567890123456789;
    p->duration_ns = 77;
}

static void
setup(void)
{
    p = maker_heap();
    q = NULL;
    bytes = NULL;
    fill();
}

static void
teardown(void)
{
    wr_profile_free(p);
    wr_profile_free(q);
    free(bytes);
}

static void
round_trip(bool gzip)
{
    ck_assert_int_eq(
        wr_profile_encode(p, gzip, &bytes, &length, why, sizeof why), 0);
    ck_assert_msg(wr_profile_decode(&q, bytes, length, why, sizeof why) == 0,
                  "%s", why);
    ck_assert(wr_profile_check(q));
}

static void
assert_same_samples(void)
{
    ck_assert_uint_eq(q->sample_count, p->sample_count);
    for (uint32_t i = 0; i < p->sample_count; i++) {
        ck_assert_uint_eq(q->samples[i].depth, p->samples[i].depth);
        for (uint32_t t = 0; t < 4; t++)
            ck_assert_int_eq(maker_value(q, i, t), maker_value(p, i, t));
        for (uint32_t n = 0; n < p->samples[i].depth; n++)
            ck_assert_str_eq(maker_frame(q, i, n), maker_frame(p, i, n));
    }
}

START_TEST(everything_comes_back)
{
    round_trip(_i != 0);
    assert_same_samples();
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_str_eq(maker_string(q, q->types[i].type),
                         maker_string(p, p->types[i].type));
    ck_assert_str_eq(maker_string(q, q->drop_frames), "malloc|calloc");
    ck_assert_str_eq(maker_string(q, q->keep_frames), "kept");
    ck_assert_str_eq(maker_string(q, q->default_type), "alloc_space");
    ck_assert_str_eq(maker_string(q, q->comments[0]), "host: here");
    ck_assert_str_eq(maker_string(q, q->period_type.type), "space");
    ck_assert_int_eq(q->period, 524288);
    ck_assert_int_eq(q->time_ns, p->time_ns);
    ck_assert_int_eq(q->duration_ns, 77);
}
END_TEST

START_TEST(locations_mappings_and_labels_come_back)
{
    round_trip(true);
    ck_assert_uint_eq(q->locations[0].line_count, 3);
    ck_assert(q->locations[0].folded);
    ck_assert_uint_eq(q->locations[q->location_count - 1].address, UINT64_MAX);
    const struct wr_mapping *m = &q->mappings[0];
    ck_assert_uint_eq(m->start, MAKER_START);
    ck_assert_uint_eq(m->offset, 0x1000);
    ck_assert_str_eq(maker_string(q, m->file), "/bin/prog");
    ck_assert_str_eq(maker_string(q, m->build_id), "ab");
    ck_assert(m->has_functions && m->has_lines && !m->has_files);
    const struct wr_label *l = q->labels + q->samples[0].first_label;
    ck_assert_uint_eq(q->samples[0].label_count, 2);
    ck_assert_int_eq(l[0].num, -64);
    ck_assert_str_eq(maker_string(q, l[0].unit), "bytes");
    ck_assert_str_eq(maker_string(q, l[1].str), "worker");
}
END_TEST

/* A message's length takes another byte from 128 and from 16384 on. */
static const uint32_t depths[] = {0, 1, 60, 127, 128, 129, 8191, 8192, 30000};

START_TEST(stacks_of_any_depth_come_back)
{
    uint32_t depth = depths[_i], *frames = calloc(depth + 1, sizeof *frames);
    int64_t values[4] = {1, 2, 3, 4};
    for (uint32_t i = 0; i < depth; i++)
        frames[i] =
            wr_profile_location(p, WR_NONE, 0x1000 + i % 20000, NULL, 0);
    wr_profile_sample(p, frames, depth, values, NULL, 0);
    free(frames);
    round_trip(true);
    assert_same_samples();
    uint32_t last = p->sample_count - 1;
    for (uint32_t i = 0; i < depth; i++) {
        uint32_t l = q->frames[q->samples[last].first_frame + i];
        ck_assert_uint_eq(q->locations[l].address, 0x1000 + i % 20000);
    }
}
END_TEST

START_TEST(texts_of_any_length_come_back)
{
    char text[20001];
    memset(text, 'x', sizeof text);
    text[depths[_i] % sizeof text] = '\0';
    wr_profile_comment(p, text);
    round_trip(false);
    ck_assert_str_eq(maker_string(q, q->comments[q->comment_count - 1]), text);
}
END_TEST

START_TEST(encoding_again_gives_the_same_bytes)
{
    unsigned char *again;
    size_t again_length;
    round_trip(false);
    ck_assert_int_eq(
        wr_profile_encode(q, false, &again, &again_length, why, sizeof why), 0);
    ck_assert_uint_eq(again_length, length);
    ck_assert_mem_eq(again, bytes, length);
    free(again);
}
END_TEST

START_TEST(gzip_is_recognised_by_any_tool)
{
    ck_assert_int_eq(
        wr_profile_encode(p, true, &bytes, &length, why, sizeof why), 0);
    ck_assert_uint_eq(bytes[0], 0x1f);
    ck_assert_uint_eq(bytes[1], 0x8b);
    ck_assert_uint_eq(bytes[2], 8);
}
END_TEST

/* Writers need not know the length; some leave it wrong or put bytes behind. */
START_TEST(gzip_of_other_writers_is_read)
{
    ck_assert_int_eq(
        wr_profile_encode(p, true, &bytes, &length, why, sizeof why), 0);
    bytes = realloc(bytes, length + 8);
    memset(bytes + length, _i, 8);
    ck_assert_msg(wr_profile_decode(&q, bytes, length + 8, why, sizeof why) ==
                      0,
                  "%s", why);
    assert_same_samples();
}
END_TEST

START_TEST(locations_of_many_samples_get_the_short_numbers)
{
    size_t before;
    for (int i = 0; i < 300; i++) {
        char name[24];
        snprintf(name, sizeof name, "seldom%d", i);
        maker_sample(p, STACK(name), 1, 1);
    }
    round_trip(false);
    before = length;
    wr_profile_free(q);
    free(bytes);
    for (int64_t i = 0; i < 1000; i++) {
        uint32_t often = maker_location(p, STACK("often"));
        struct wr_label label = {.key = wr_profile_string(p, "bytes"),
                                 .num = i};
        wr_profile_sample(p, (uint32_t[]){often, often, often}, 3,
                          (int64_t[]){1, 1, 1, 1}, &label, 1);
    }
    round_trip(false);
    assert_same_samples();
    /* Tag and length, three frames, four values, a label. */
    ck_assert_uint_lt(length - before, 1000 * (2 + 2 + 3 + 2 + 4 + 9));
}
END_TEST

START_TEST(an_empty_profile_comes_back)
{
    wr_profile_free(p);
    p = maker_heap();
    round_trip(true);
    ck_assert_uint_eq(q->sample_count, 0);
    ck_assert_uint_eq(q->type_count, 4);
}
END_TEST

START_TEST(a_failed_profile_is_not_written)
{
    p->failed = true;
    ck_assert_int_eq(
        wr_profile_encode(p, true, &bytes, &length, why, sizeof why), -1);
    ck_assert_str_eq(why, "out of memory");
    p->failed = false;
}
END_TEST

/* --- Files of others ---------------------------------------------------- */

/* A small file in which every entry can be set wrong. */
static struct {
    Pprof__Profile profile;
    Pprof__ValueType type, *types[1];
    Pprof__Sample sample, *samples[1];
    Pprof__Location location, *locations[1];
    Pprof__Mapping mapping, *mappings[1];
    Pprof__Function function, *functions[1];
    Pprof__Line line, *lines[1];
    Pprof__Label label, *labels[1];
    uint64_t location_id[1];
    int64_t value[2];
    char *strings[4];
} file;

static void
make_file(void)
{
    memset(&file, 0, sizeof file);
    pprof__profile__init(&file.profile);
    pprof__value_type__init(&file.type);
    pprof__sample__init(&file.sample);
    pprof__location__init(&file.location);
    pprof__mapping__init(&file.mapping);
    pprof__function__init(&file.function);
    pprof__line__init(&file.line);
    pprof__label__init(&file.label);
    file.strings[0] = "";
    file.strings[1] = "name";
    file.strings[2] = "count";
    file.strings[3] = "/bin/x";
    file.profile.n_string_table = 4;
    file.profile.string_table = file.strings;
    file.type.type = 1;
    file.type.unit = 2;
    file.types[0] = &file.type;
    file.profile.n_sample_type = 1;
    file.profile.sample_type = file.types;
    file.function.id = 7000000000;
    file.function.name = 1;
    file.functions[0] = &file.function;
    file.profile.n_function = 1;
    file.profile.function = file.functions;
    file.line.function_id = 7000000000;
    file.line.line = 12;
    file.lines[0] = &file.line;
    file.mapping.id = 5;
    file.mapping.filename = 3;
    file.mappings[0] = &file.mapping;
    file.profile.n_mapping = 1;
    file.profile.mapping = file.mappings;
    file.location.id = 99;
    file.location.mapping_id = 5;
    file.location.n_line = 1;
    file.location.line = file.lines;
    file.locations[0] = &file.location;
    file.profile.n_location = 1;
    file.profile.location = file.locations;
    file.label.key = 1;
    file.labels[0] = &file.label;
    file.location_id[0] = 99;
    file.value[0] = 42;
    file.sample.n_location_id = 1;
    file.sample.location_id = file.location_id;
    file.sample.n_value = 1;
    file.sample.value = file.value;
    file.sample.n_label = 1;
    file.sample.label = file.labels;
    file.samples[0] = &file.sample;
    file.profile.n_sample = 1;
    file.profile.sample = file.samples;
}

static int
decode_file(void)
{
    bytes = malloc(pprof__profile__get_packed_size(&file.profile));
    length = pprof__profile__pack(&file.profile, bytes);
    return wr_profile_decode(&q, bytes, length, why, sizeof why);
}

START_TEST(ids_may_be_any_numbers)
{
    make_file();
    ck_assert_int_eq(decode_file(), 0);
    ck_assert_str_eq(maker_frame(q, 0, 0), "name");
    ck_assert_int_eq(maker_value(q, 0, 0), 42);
    ck_assert_str_eq(maker_string(q, q->mappings[0].file), "/bin/x");
}
END_TEST

/* Each breaks one rule of the format; the sentence names it. */
static void
break_location_id(void)
{
    file.location_id[0] = 98;
}
static void
break_function_id(void)
{
    file.line.function_id = 1;
}
static void
break_string(void)
{
    file.function.name = 4;
}
static void
break_negative(void)
{
    file.type.type = -1;
}
static void
break_values(void)
{
    file.sample.n_value = 2;
}
static void
break_types(void)
{
    file.profile.n_sample_type = 0;
}
static void
break_zero_id(void)
{
    file.location.id = 0;
}
static void
break_first(void)
{
    file.strings[0] = "x";
}
static void
break_label(void)
{
    file.label.str = 1000;
}

static const struct {
    void (*apply)(void);
    const char *sentence;
} breaks[] = {
    {break_location_id, "a location that is not there"},
    {break_function_id, "a function that is not there"},
    {break_string, "a string number is out of range"},
    {break_negative, "a string number is out of range"},
    {break_values, "one value for each sample type"},
    {break_types, "no sample types"},
    {break_zero_id, "an id is zero or used twice"},
    {break_first, "the first string is not empty"},
    {break_label, "a string number is out of range"},
};

START_TEST(a_broken_rule_is_named)
{
    make_file();
    breaks[_i].apply();
    ck_assert_int_eq(decode_file(), -1);
    ck_assert_ptr_null(q);
    ck_assert_msg(strstr(why, breaks[_i].sentence) != NULL, "%s", why);
}
END_TEST

/* As pprof reads it: such a location lies in no mapping. */
START_TEST(a_mapping_that_is_not_there_is_none)
{
    make_file();
    file.location.mapping_id = 6;
    ck_assert_int_eq(decode_file(), 0);
    ck_assert_uint_eq(q->locations[0].mapping, WR_NONE);
}
END_TEST

START_TEST(what_is_no_profile_is_refused)
{
    ck_assert_int_eq(wr_profile_decode(&q, "", 0, why, sizeof why), -1);
    ck_assert_str_eq(why, "the profile is empty");
    const char *html = "<html>404</html>";
    ck_assert_int_eq(wr_profile_decode(&q, html, strlen(html), why, sizeof why),
                     -1);
    ck_assert_ptr_nonnull(strstr(why, "not a profile"));
    const char *passwd = "root:x:0:0:root:/root:/bin/bash\n"; /* "r" could be */
    ck_assert_int_eq(
        wr_profile_decode(&q, passwd, strlen(passwd), why, sizeof why), -1);
    ck_assert_ptr_nonnull(strstr(why, "not a profile"));
    ck_assert_int_eq(wr_profile_decode(&q, "\x1f\x8b\x08", 3, why, sizeof why),
                     -1);
    ck_assert_str_eq(why, "the gzip data is damaged or cut short");
}
END_TEST

/* 257 MB of zeros, packed. */
static void
pack_zeros(void)
{
    const size_t n = (size_t)257 << 20;
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);
    unsigned char *zeros = calloc(257, (size_t)1 << 20);
    bytes = malloc(n / 64);
    length = libdeflate_gzip_compress(c, zeros, n, bytes, n / 64);
    ck_assert_uint_gt(length, 0);
    libdeflate_free_compressor(c);
    free(zeros);
}

START_TEST(a_file_that_unpacks_to_too_much_is_refused)
{
    pack_zeros();
    if (_i) /* it says that it is short */
        memset(bytes + length - 4, 0, 4);
    ck_assert_int_eq(wr_profile_decode(&q, bytes, length, why, sizeof why), -1);
    ck_assert_str_eq(why, "the file unpacks to more than 256 MB");
}
END_TEST

/* n times the same bytes, behind a sample type and its string. */
static void
refuse_many(const char *start, size_t start_bytes, const char *unit,
            size_t unit_bytes, size_t n, const char *sentence)
{
    bytes = malloc(start_bytes + unit_bytes * n);
    memcpy(bytes, start, start_bytes);
    for (size_t i = 0; i < n; i++)
        memcpy(bytes + start_bytes + i * unit_bytes, unit, unit_bytes);
    length = start_bytes + unit_bytes * n;
    ck_assert_int_eq(wr_profile_decode(&q, bytes, length, why, sizeof why), -1);
    ck_assert_msg(strstr(why, sentence) != NULL, "%s", why);
}

START_TEST(a_profile_of_endless_strings_is_refused)
{
    refuse_many("\x0a\x00", 2, "\x32\x00", 2, (1u << 24) + 1,
                "too many entries");
}
END_TEST

/* Frames are a byte each in the file, and four in memory. */
START_TEST(a_stack_without_end_is_refused)
{
    refuse_many("\x0a\x00\x32\x00\x22\x02\x08\x01"
                "\x12\x86\x80\x80\x09\x0a\x81\x80\x80\x09",
                18, "\x01", 1, 9u * (1u << 21) + 1, "has no end");
}
END_TEST

START_TEST(gzip_may_come_in_several_pieces)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);
    unsigned char *plain;
    size_t n, half;
    struct wr_profile *made = maker_heap();
    maker_sample(made, STACK("leaf", "main"), 1, 100);
    ck_assert_int_eq(
        wr_profile_encode(made, false, &plain, &n, why, sizeof why), 0);
    wr_profile_free(made);
    half = n / 2;
    bytes = malloc(2 * n + 200);
    length = libdeflate_gzip_compress(c, plain, half, bytes, n + 100);
    length += libdeflate_gzip_compress(c, plain + half, n - half,
                                       bytes + length, n + 100);
    libdeflate_free_compressor(c);
    free(plain);
    ck_assert_int_eq(wr_profile_decode(&q, bytes, length, why, sizeof why), 0);
    ck_assert_str_eq(maker_frame(q, 0, 0), "leaf");
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    ck_assert_int_eq(wr_profile_read(&q, "/no/such/file", why, sizeof why), -1);
    ck_assert_str_eq(why, "cannot open /no/such/file: No such file or "
                          "directory");
}
END_TEST

START_TEST(a_file_without_end_is_refused)
{
    ck_assert_int_eq(wr_profile_read(&q, "/dev/zero", why, sizeof why), -1);
    ck_assert_ptr_nonnull(strstr(why, "more than 256 MB"));
}
END_TEST

START_TEST(a_file_is_read)
{
    char path[] = "/tmp/weir-test-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_eq(
        wr_profile_encode(p, true, &bytes, &length, why, sizeof why), 0);
    ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
    close(fd);
    int status = wr_profile_read(&q, path, why, sizeof why);
    unlink(path);
    ck_assert_msg(status == 0, "%s", why);
    assert_same_samples();
}
END_TEST

/* --- Damage ------------------------------------------------------------- */

/* Decoding may say yes or no, but must stay whole, and say why. */
static void
survive(const unsigned char *damaged, size_t n)
{
    struct wr_profile *out = NULL;
    why[0] = '\0';
    if (wr_profile_decode(&out, damaged, n, why, sizeof why) == 0) {
        ck_assert(wr_profile_check(out));
        wr_profile_free(out);
    } else {
        ck_assert_str_ne(why, "");
    }
}

START_TEST(every_truncation_is_survived)
{
    ck_assert_int_eq(
        wr_profile_encode(p, _i != 0, &bytes, &length, why, sizeof why), 0);
    for (size_t n = 0; n < length; n++) {
        unsigned char *part = malloc(n + 1);
        memcpy(part, bytes, n);
        survive(part, n);
        free(part);
    }
}
END_TEST

START_TEST(random_damage_is_survived)
{
    uint64_t seed = 1;
    ck_assert_int_eq(
        wr_profile_encode(p, false, &bytes, &length, why, sizeof why), 0);
    unsigned char *copy = malloc(length);
    for (int round = 0; round < 20000; round++) {
        memcpy(copy, bytes, length);
        for (uint32_t n = 1 + maker_random(&seed) % 4; n > 0; n--)
            copy[maker_random(&seed) % length] =
                (unsigned char)maker_random(&seed);
        survive(copy, length);
    }
    free(copy);
}
END_TEST

/* --- For the script ------------------------------------------------------ */

static const char *const functions[] = {
    "main",     "run",        "grow",         "malloc",   "calloc",
    "xmalloc",  "dict_add",   "list_push",    "parse",    "parse_value",
    "operator", "ns::f(int)", "ns::g<int>()", "read_all", "operator new(long)"};

#define FUNCTIONS (sizeof functions / sizeof *functions)

static void
add_random_sample(uint64_t *seed)
{
    uint32_t frames[20], depth = 1 + maker_random(seed) % 19;
    for (uint32_t i = 0; i < depth; i++) {
        /* One place has one chain of inlined functions, as in real code. */
        const char *names[4] = {NULL};
        uint32_t place = maker_random(seed) % FUNCTIONS;
        for (uint32_t n = 0; n <= place % 3; n++)
            names[n] = functions[(place + 5 * n) % FUNCTIONS];
        frames[i] = maker_location(p, names);
    }
    struct wr_label label = {.key = wr_profile_string(p, "bytes"),
                             .num = 16 << maker_random(seed) % 12};
    int64_t n = maker_random(seed) % 100000, kept = n ? n / 3 : 0;
    int64_t values[4] = {n, n * label.num, kept, kept * label.num};
    wr_profile_sample(p, frames, depth, values, &label, 1);
}

static int
write_file(const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f ||
        wr_profile_encode(p, true, &bytes, &length, why, sizeof why) != 0 ||
        fwrite(bytes, 1, length, f) != length || fclose(f) != 0)
        return 1;
    return 0;
}

static int
make_random(const char *seed_text, const char *path)
{
    uint64_t seed = strtoull(seed_text, NULL, 10);
    p = maker_heap();
    maker_mapping_at(p, MAKER_START, "/bin/prog", "ab");
    p->mappings[0].has_functions = true;
    p->drop_frames = wr_profile_string(p, "malloc|calloc|operator new.*");
    p->time_ns = 1700000000000000000 + (int64_t)seed * 1000000000;
    for (int i = 0; i < 300; i++)
        add_random_sample(&seed);
    return write_file(path);
}

static int
join(const char *how, const char *a, const char *b, const char *path)
{
    if (wr_profile_read(&p, a, why, sizeof why) != 0 ||
        wr_profile_read(&q, b, why, sizeof why) != 0 ||
        (strcmp(how, "merge") == 0
             ? wr_profile_merge(p, q, why, sizeof why)
             : wr_profile_subtract(p, q, why, sizeof why)) != 0)
        return 1;
    return write_file(path);
}

static int
make_text(const char *from, const char *path)
{
    if (wr_profile_read(&p, from, why, sizeof why) != 0)
        return 1;
    p->period = 1; /* no scaling: the values are what they are */
    FILE *f = fopen(path, "w");
    return !f || wr_profile_text(p, f, NULL) != 0 || fclose(f) != 0;
}

static int
serve_script(int argc, char **argv)
{
    int status = 2;
    if (strcmp(argv[1], "random") == 0 && argc == 4)
        status = make_random(argv[2], argv[3]);
    else if (strcmp(argv[1], "text") == 0 && argc == 4)
        status = make_text(argv[2], argv[3]);
    else if (argc == 5)
        status = join(argv[1], argv[2], argv[3], argv[4]);
    if (status != 0)
        fprintf(stderr, "%s: %s\n", argv[1], why);
    teardown();
    return status;
}

int
main(int argc, char **argv)
{
    if (argc > 1)
        return serve_script(argc, argv);
    Suite *suite = suite_create("analyse/codec");
    TCase *tests = tcase_create("codec");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, everything_comes_back, 0, 2);
    tcase_add_test(tests, locations_mappings_and_labels_come_back);
    tcase_add_loop_test(tests, stacks_of_any_depth_come_back, 0,
                        sizeof depths / sizeof *depths);
    tcase_add_loop_test(tests, texts_of_any_length_come_back, 1,
                        sizeof depths / sizeof *depths);
    tcase_add_test(tests, encoding_again_gives_the_same_bytes);
    tcase_add_test(tests, gzip_is_recognised_by_any_tool);
    tcase_add_loop_test(tests, gzip_of_other_writers_is_read, 0, 2);
    tcase_add_test(tests, locations_of_many_samples_get_the_short_numbers);
    tcase_add_test(tests, an_empty_profile_comes_back);
    tcase_add_test(tests, a_failed_profile_is_not_written);
    tcase_add_test(tests, ids_may_be_any_numbers);
    tcase_add_loop_test(tests, a_broken_rule_is_named, 0,
                        sizeof breaks / sizeof *breaks);
    tcase_add_test(tests, a_mapping_that_is_not_there_is_none);
    tcase_add_test(tests, what_is_no_profile_is_refused);
    tcase_add_loop_test(tests, a_file_that_unpacks_to_too_much_is_refused, 0,
                        2);
    tcase_add_test(tests, a_profile_of_endless_strings_is_refused);
    tcase_add_test(tests, a_stack_without_end_is_refused);
    tcase_add_test(tests, gzip_may_come_in_several_pieces);
    tcase_add_test(tests, a_missing_file_is_named);
    tcase_add_test(tests, a_file_without_end_is_refused);
    tcase_add_test(tests, a_file_is_read);
    tcase_add_loop_test(tests, every_truncation_is_survived, 0, 2);
    tcase_add_test(tests, random_damage_is_survived);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
