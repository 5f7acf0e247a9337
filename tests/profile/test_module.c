/* The modules that stacks run through, in the region. */
#include "unit.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>

#include "base/text.h"
#include "profile/bucket.h"
#include "profile/module.h"
#include "region/counters.h"
#include "region/region.h"

/* A library of libc's that this program does not need. */
#define LIBRARY "libresolv.so.2"
#define SYMBOL  "ns_get16"

static void
start(void)
{
    static const uint32_t class_bytes[] = {0, 16};
    struct wr_region_options o = {
        .dir = "/nowhere/at/all", .class_bytes = class_bytes, .class_count = 2};

    wr_region_start(&o);
    ck_assert_ptr_nonnull(wr_region);
    ck_assert(wr_bucket_start());
}

static uint64_t
modules(void)
{
    return wr_region_used(WR_TABLE_MODULES);
}

static struct wr_module *
module(uint64_t i)
{
    return wr_region_entry(WR_TABLE_MODULES, i);
}

/* A return address in a function. */
static uintptr_t
in(void *function)
{
    return (uintptr_t)function + 1;
}

/* A function of libc itself, not what stands before it in a sanitizer. */
static void *
of_libc(const char *name)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), *f;

    ck_assert_ptr_nonnull(libc);
    f = dlsym(libc, name);
    ck_assert_ptr_nonnull(f);
    dlclose(libc);
    return f;
}

/* What the loader says of the object that holds an address. */
struct object {
    uintptr_t address, bias;
    char path[512];
    uint8_t build_id[64];
    size_t build_id_len;
    const ElfW(Phdr) * segment; /* the executable one with the address */
};

static void
read_notes(struct object *o, const char *note, const char *end)
{
    while (note + sizeof(ElfW(Nhdr)) <= end) {
        const ElfW(Nhdr) *n = (const void *)note;
        const char *name = note + sizeof *n;
        const char *data = name + (n->n_namesz + 3) / 4 * 4;

        if (n->n_type == NT_GNU_BUILD_ID && strcmp(name, "GNU") == 0) {
            o->build_id_len = n->n_descsz;
            memcpy(o->build_id, data, n->n_descsz);
        }
        note = data + (n->n_descsz + 3) / 4 * 4;
    }
}

static int
look(struct dl_phdr_info *info, size_t bytes, void *arg)
{
    struct object *o = arg;

    (void)bytes;
    o->segment = NULL;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];

        if (p->p_type == PT_LOAD &&
            o->address - info->dlpi_addr - p->p_vaddr < p->p_memsz)
            o->segment = p;
    }
    if (o->segment == NULL)
        return 0;
    o->bias = info->dlpi_addr;
    snprintf(o->path, sizeof o->path, "%s", info->dlpi_name);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        const char *at = (const char *)info->dlpi_addr + p->p_vaddr;

        if (p->p_type == PT_NOTE)
            read_notes(o, at, at + p->p_memsz);
    }
    return 1;
}

static struct object
object_of(uintptr_t address)
{
    struct object o = {.address = address};

    ck_assert_int_eq(dl_iterate_phdr(look, &o), 1);
    return o;
}

static void
assert_describes(const struct wr_module *m, uintptr_t pc)
{
    struct object o = object_of(pc - 1);

    ck_assert(m->start < pc && pc <= m->end);
    ck_assert_uint_eq(m->bias, o.bias);
    ck_assert_uint_eq(m->start % 4096, 0);
    ck_assert_uint_eq(m->start - m->file_offset,
                      o.bias + o.segment->p_vaddr - o.segment->p_offset);
    ck_assert_uint_ge(m->end, o.bias + o.segment->p_vaddr + o.segment->p_memsz);
    ck_assert_uint_eq(m->build_id_len, o.build_id_len);
    ck_assert_mem_eq(m->build_id, o.build_id, o.build_id_len);
}

START_TEST(the_program_is_noted_with_its_path_and_build_id)
{
    uintptr_t pc = in(start);
    char exe[512];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

    exe[n] = '\0';
    wr_module_note(&pc, 1);
    ck_assert_uint_eq(modules(), 1);
    assert_describes(module(0), pc);
    ck_assert_str_eq(module(0)->path, exe);
    ck_assert_uint_eq(module(0)->main_program, 1);
    ck_assert_uint_eq(module(0)->born, 0);
}
END_TEST

START_TEST(libraries_are_noted_with_their_path_and_build_id)
{
    uintptr_t pc = in(of_libc("gnu_get_libc_version"));

    wr_module_note(&pc, 1);
    ck_assert_uint_eq(modules(), 1);
    assert_describes(module(0), pc);
    ck_assert_str_eq(module(0)->path, object_of(pc).path);
    ck_assert_uint_eq(module(0)->main_program, 0);
    ck_assert_uint_gt(module(0)->build_id_len, 0);
}
END_TEST

START_TEST(each_is_noted_once_and_unknown_addresses_never)
{
    uintptr_t pc[] = {in(start),
                      1,
                      in(of_libc("gnu_get_libc_version")),
                      in(modules),
                      4711,
                      (uintptr_t)pc,
                      in(of_libc("gnu_get_libc_release"))};

    for (int i = 0; i < 3; i++)
        wr_module_note(pc, sizeof pc / sizeof *pc);
    ck_assert_uint_eq(modules(), 2);
}
END_TEST

START_TEST(a_new_stack_notes_its_modules)
{
    uintptr_t pc[] = {in(start), in(of_libc("gnu_get_libc_version"))};

    ck_assert_uint_ne(wr_stack_find(pc, 2), 0);
    ck_assert_uint_eq(modules(), 2);
}
END_TEST

static void *
note_all(void *pc)
{
    for (int i = 0; i < 1000; i++)
        wr_module_note(pc, 2);
    return NULL;
}

START_TEST(threads_note_a_module_once)
{
    uintptr_t pc[] = {in(start), in(of_libc("gnu_get_libc_version"))};
    pthread_t t[4];

    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, note_all, pc);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    ck_assert_uint_eq(modules(), 2);
}
END_TEST

/* ---- unloading ---- */

static void *library;

static uintptr_t
load(void)
{
    void *f;

    library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    ck_assert_ptr_nonnull(library);
    f = dlsym(library, SYMBOL);
    ck_assert_ptr_nonnull(f);
    return in(f);
}

static void
unload(void)
{
    ck_assert_int_eq(dlclose(library), 0);
    wr_module_unloaded();
}

START_TEST(stacks_through_an_unloaded_module_do_not_match_any_more)
{
    uintptr_t own = in(start), pc[2] = {own, load()};
    uint32_t stack = wr_stack_find(pc, 2), mine = wr_stack_find(&own, 1);

    ck_assert(wr_module_unchanged(pc, 2, 0));
    ck_assert_uint_eq(wr_stack_find(pc, 2), stack);
    unload();
    ck_assert_uint_eq(wr_count_get(unloads), 1);
    ck_assert(!wr_module_unchanged(pc, 2, 0));
    ck_assert(!wr_module_unchanged(&pc[1], 1, 0));
    ck_assert(wr_module_unchanged(&own, 1, 0));
    ck_assert(wr_module_unchanged(pc, 2, 1)); /* recorded since */
    ck_assert_uint_ne(wr_stack_find(pc, 2), stack);
    ck_assert_uint_eq(wr_stack_find(&own, 1), mine);
}
END_TEST

START_TEST(a_module_loaded_again_is_another)
{
    uintptr_t pc = load();
    uint32_t first, second;

    first = wr_stack_find(&pc, 1);
    unload();
    pc = load(); /* perhaps where it was */
    second = wr_stack_find(&pc, 1);
    ck_assert_uint_ne(second, first);
    ck_assert_uint_eq(wr_stack_find(&pc, 1), second);
    ck_assert_uint_eq(modules(), 2);
    ck_assert_uint_eq(module(0)->born, 0);
    ck_assert_uint_eq(module(1)->born, 1);
    assert_describes(module(1), pc);
}
END_TEST

START_TEST(unloading_something_else_changes_nothing)
{
    uintptr_t pc = in(start);
    uint32_t stack = wr_stack_find(&pc, 1);

    (void)load();
    unload(); /* it was never noted */
    ck_assert(wr_module_unchanged(&pc, 1, 0));
    ck_assert_uint_eq(wr_stack_find(&pc, 1), stack);
    ck_assert_uint_eq(modules(), 1);
}
END_TEST

START_TEST(a_closed_library_that_stays_loaded_is_unchanged)
{
    uintptr_t pc = load();
    void *again = dlopen(LIBRARY, RTLD_NOW);
    uint32_t stack = wr_stack_find(&pc, 1);

    ck_assert_ptr_eq(again, library);
    unload();
    ck_assert(wr_module_unchanged(&pc, 1, 0));
    ck_assert_uint_eq(wr_stack_find(&pc, 1), stack);
}
END_TEST

/* ---- names ---- */

START_TEST(an_address_is_named_by_file_and_offset)
{
    struct object o = object_of((uintptr_t)start);
    char wanted[64];
    struct wr_text t;

    wr_text_init(&t);
    wr_module_name(&t, (uintptr_t)start);
    snprintf(wanted, sizeof wanted, "test_profile_module+%#lx",
             (unsigned long)((uintptr_t)start - o.bias));
    ck_assert_str_eq(t.buf, wanted);
    wr_text_init(&t);
    wr_module_name(&t, (uintptr_t)of_libc("gnu_get_libc_version"));
    ck_assert_int_eq(strncmp(t.buf, "libc.so.6+0x", 12), 0);
    wr_text_init(&t);
    wr_module_name(&t, 0x1234);
    ck_assert_str_eq(t.buf, "0x1234");
}
END_TEST

START_TEST(our_own_code_is_known_from_the_start_on)
{
    ck_assert(!wr_module_is_weir((uintptr_t)wr_module_start));
    wr_module_start();
    ck_assert(wr_module_is_weir((uintptr_t)wr_module_start));
    ck_assert(wr_module_is_weir((uintptr_t)wr_stack_find));
    ck_assert(!wr_module_is_weir((uintptr_t)of_libc("gnu_get_libc_version")));
    ck_assert(!wr_module_is_weir(0));
    ck_assert(!wr_module_is_weir(UINTPTR_MAX));
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("profile/module");
    TCase *t = tcase_create("module");

    tcase_add_checked_fixture(t, start, NULL);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, the_program_is_noted_with_its_path_and_build_id);
    tcase_add_test(t, libraries_are_noted_with_their_path_and_build_id);
    tcase_add_test(t, each_is_noted_once_and_unknown_addresses_never);
    tcase_add_test(t, a_new_stack_notes_its_modules);
    tcase_add_test(t, threads_note_a_module_once);
    tcase_add_test(t, stacks_through_an_unloaded_module_do_not_match_any_more);
    tcase_add_test(t, a_module_loaded_again_is_another);
    tcase_add_test(t, unloading_something_else_changes_nothing);
    tcase_add_test(t, a_closed_library_that_stays_loaded_is_unchanged);
    tcase_add_test(t, an_address_is_named_by_file_and_offset);
    tcase_add_test(t, our_own_code_is_known_from_the_start_on);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
