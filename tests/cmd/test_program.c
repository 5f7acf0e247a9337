/* Programs: found like a shell does, and looked at before they are run. */
#include "weir/program.h"

#include <elf.h>
#include <errno.h>
#include "serve/scratch.h"
#include "weir/cmd.h"

static char path[200];
static struct wr_program p;

static const char *
write_file(const char *name, const void *bytes, size_t count, mode_t mode)
{
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq(write(fd, bytes, count), (ssize_t)count);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

static const char *
script(const char *text)
{
    return write_file("script", text, strlen(text), 0755);
}

/* --- A program file made by hand ---------------------------------------- */

struct image {
    Elf64_Ehdr head;
    Elf64_Phdr load, interp, dynamic;
    Elf64_Shdr section[2];
    Elf64_Dyn dyn[3];
    char loader[32];
    char strings[64];  /* of the dynamic table */
    char sections[64]; /* section names */
};

static void
image_init(struct image *f)
{
    memset(f, 0, sizeof *f);
    memcpy(f->head.e_ident, ELFMAG, SELFMAG);
    f->head.e_ident[EI_CLASS] = ELFCLASS64;
    f->head.e_machine = EM_X86_64;
#if defined __aarch64__
    f->head.e_machine = EM_AARCH64;
#endif
    f->head.e_phoff = offsetof(struct image, load);
    f->head.e_phentsize = sizeof f->load;
    f->head.e_phnum = 3;
    f->load = (Elf64_Phdr){.p_type = PT_LOAD, .p_filesz = sizeof *f};
    f->interp = (Elf64_Phdr){.p_type = PT_INTERP,
                             .p_offset = offsetof(struct image, loader),
                             .p_filesz = sizeof f->loader};
    strcpy(f->loader, "/lib64/ld-linux-x86-64.so.2");
    f->dynamic = (Elf64_Phdr){.p_type = PT_DYNAMIC,
                              .p_offset = offsetof(struct image, dyn),
                              .p_filesz = sizeof f->dyn};
    f->dyn[0] = (Elf64_Dyn){.d_tag = DT_STRTAB,
                            .d_un.d_ptr = offsetof(struct image, strings)};
    f->dyn[1] = (Elf64_Dyn){.d_tag = DT_STRSZ, .d_un.d_val = 64};
    strcpy(f->strings + 1, "libc.so.6");
    f->head.e_shoff = offsetof(struct image, section);
    f->head.e_shentsize = sizeof f->section[0];
    f->head.e_shnum = 2;
    f->section[0] = (Elf64_Shdr){.sh_offset = offsetof(struct image, sections),
                                 .sh_size = sizeof f->sections};
    f->section[1] = (Elf64_Shdr){.sh_name = 1};
    strcpy(f->sections + 1, ".text");
}

static enum wr_obstacle
obstacle(const struct image *f)
{
    write_file("program", f, sizeof *f, 0755);
    ck_assert_int_eq(wr_program_find(&p, path), 0);
    return p.obstacle;
}

START_TEST(a_plain_dynamic_program_has_no_obstacle)
{
    struct image f;
    image_init(&f);
    ck_assert_int_eq(obstacle(&f), WR_OBSTACLE_NONE);
    ck_assert_int_eq(wr_program_find(&p, "/bin/ls"), 0);
    ck_assert_int_eq(p.obstacle, WR_OBSTACLE_NONE);
}
END_TEST

START_TEST(a_program_without_a_loader_is_static)
{
    struct image f;
    image_init(&f);
    f.interp.p_type = PT_NULL;
    ck_assert_int_eq(obstacle(&f), WR_OBSTACLE_STATIC);
}
END_TEST

START_TEST(another_librarys_loader_is_told)
{
    struct image f;
    image_init(&f);
    strcpy(f.loader, "/lib/ld-musl-x86_64.so.1");
    ck_assert_int_eq(obstacle(&f), WR_OBSTACLE_LOADER);
}
END_TEST

START_TEST(another_machine_is_told)
{
    struct image f;
    image_init(&f);
    f.head.e_machine = EM_S390;
    ck_assert_int_eq(obstacle(&f), WR_OBSTACLE_MACHINE);
    image_init(&f);
    f.head.e_ident[EI_CLASS] = ELFCLASS32;
    ck_assert_int_eq(obstacle(&f), WR_OBSTACLE_MACHINE);
}
END_TEST

START_TEST(a_go_program_is_told_by_its_section_static_or_not)
{
    struct image f;
    image_init(&f);
    strcpy(f.sections + 1, ".go.buildinfo");
    ck_assert_int_eq(obstacle(&f), WR_OBSTACLE_GO);
    f.interp.p_type = PT_NULL;
    ck_assert_int_eq(obstacle(&f), WR_OBSTACLE_GO);
    strcpy(f.sections + 1, ".go.buildinfo.not");
    ck_assert_int_eq(obstacle(&f), WR_OBSTACLE_STATIC);
}
END_TEST

START_TEST(a_sanitizer_is_told_by_its_library_or_its_symbols)
{
    struct image f;
    image_init(&f);
    strcpy(f.strings + 1, "libasan.so.8");
    ck_assert_int_eq(obstacle(&f), WR_OBSTACLE_SANITIZER);
    strcpy(f.strings + 1, "__asan_init");
    ck_assert_int_eq(obstacle(&f), WR_OBSTACLE_SANITIZER);
    memcpy(f.strings, "\0libc.so.6\0__tsan_init", 23);
    ck_assert_int_eq(obstacle(&f), WR_OBSTACLE_SANITIZER);
    memset(f.strings, 0, sizeof f.strings);
    strcpy(f.strings + 1, "not__asan_init");
    ck_assert_int_eq(obstacle(&f), WR_OBSTACLE_NONE);
}
END_TEST

START_TEST(a_setuid_program_of_another_user_is_told)
{
    struct image f;
    image_init(&f);
    write_file("program", &f, sizeof f, 0755);
    if (geteuid() != 0)
        return; /* only root can give files away */
    ck_assert_int_eq(chown(path, 65534, 65534), 0);
    ck_assert_int_eq(chmod(path, 04755), 0);
    ck_assert_int_eq(wr_program_find(&p, path), 0);
    ck_assert_int_eq(p.obstacle, WR_OBSTACLE_SETID);
    ck_assert_int_eq(chmod(path, 02755), 0);
    ck_assert_int_eq(wr_program_find(&p, path), 0);
    ck_assert_int_eq(p.obstacle, WR_OBSTACLE_SETID);
    ck_assert_int_eq(chown(path, 0, 0), 0);
    ck_assert_int_eq(chmod(path, 06755), 0); /* our own rights: no change */
    ck_assert_int_eq(wr_program_find(&p, path), 0);
    ck_assert_int_eq(p.obstacle, WR_OBSTACLE_NONE);
}
END_TEST

START_TEST(a_damaged_program_is_no_harm)
{
    struct image f;
    unsigned char bytes[sizeof f];
    unsigned seed = 1;
    for (int i = 0; i < 500; i++) {
        image_init(&f);
        memcpy(bytes, &f, sizeof f);
        for (int k = 0; k < 8; k++)
            bytes[rand_r(&seed) % sizeof f] = (unsigned char)rand_r(&seed);
        write_file("program", bytes, (size_t)rand_r(&seed) % sizeof f + 1,
                   0755);
        ck_assert_int_eq(wr_program_find(&p, path), 0);
    }
}
END_TEST

/* --- Scripts ------------------------------------------------------------ */

START_TEST(a_script_is_followed_to_its_interpreter)
{
    struct image f;
    char line[300], program[200];
    image_init(&f);
    f.interp.p_type = PT_NULL;
    snprintf(program, sizeof program, "%s",
             write_file("static", &f, sizeof f, 0755));
    snprintf(line, sizeof line, "#! %s -x\necho\n", program);
    ck_assert_int_eq(wr_program_find(&p, script(line)), 0);
    ck_assert_int_eq(p.obstacle, WR_OBSTACLE_STATIC);
    ck_assert_str_eq(p.subject, program);
    ck_assert_str_eq(p.path, path);
    setenv("PATH", dir, 1);
    ck_assert_int_eq(
        wr_program_find(&p, script("#!/usr/bin/env -S A=1 static\n")), 0);
    ck_assert_int_eq(p.obstacle, WR_OBSTACLE_STATIC);
}
END_TEST

START_TEST(a_script_that_is_its_own_interpreter_ends)
{
    char line[300];
    snprintf(line, sizeof line, "#!%s/script\n", dir);
    ck_assert_int_eq(wr_program_find(&p, script(line)), 0);
    ck_assert_int_eq(p.obstacle, WR_OBSTACLE_NONE);
}
END_TEST

START_TEST(a_text_without_a_first_line_is_for_the_shell)
{
    ck_assert_int_eq(wr_program_find(&p, script("echo hello\n")), 0);
    ck_assert(p.shell);
    ck_assert_int_eq(wr_program_find(&p, script("#!/bin/sh\n")), 0);
    ck_assert(!p.shell);
    ck_assert_int_eq(wr_program_find(&p, script("#!")), 0);
    ck_assert_int_eq(wr_program_find(&p, script("")), 0);
}
END_TEST

/* --- Finding ------------------------------------------------------------ */

START_TEST(a_program_is_found_in_path_and_only_when_executable)
{
    char list[200], here[200];
    char other[100];
    snprintf(other, sizeof other, "%s/other", dir);
    mkdir(other, 0700);
    write_file("tool", "#!/bin/sh\n", 10, 0755);
    snprintf(here, sizeof here, "%s", path);
    write_file("other/tool", "x", 1, 0644);
    snprintf(list, sizeof list, "/nowhere:%s:%s", other, dir);
    setenv("PATH", list, 1);
    if (geteuid() == 0) {
        ck_assert_int_eq(wr_program_find(&p, "tool"), 0);
        ck_assert_str_eq(p.path, here);
    }
    ck_assert_int_eq(wr_program_find(&p, "no-such-tool"), WR_EXIT_MISSING);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(wr_program_find(&p, ""), WR_EXIT_MISSING);
}
END_TEST

START_TEST(exit_statuses_are_those_of_env)
{
    write_file("plain", "x", 1, 0644);
    ck_assert_int_eq(wr_program_find(&p, path), WR_EXIT_CANNOT);
    ck_assert_int_eq(wr_program_find(&p, dir), WR_EXIT_CANNOT);
    ck_assert_int_eq(errno, EISDIR);
    ck_assert_int_eq(wr_program_find(&p, "/no/such"), WR_EXIT_MISSING);
}
END_TEST

START_TEST(every_obstacle_has_a_cause_and_an_advice)
{
    for (enum wr_obstacle o = WR_OBSTACLE_STATIC; o <= WR_OBSTACLE_MACHINE;
         o++) {
        const char *text = wr_obstacle_text(o);
        const char *stop = strstr(text, ". ");
        ck_assert_msg(stop && strlen(stop) > 10, "%s", text);
    }
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("program");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_plain_dynamic_program_has_no_obstacle);
    tcase_add_test(t, a_program_without_a_loader_is_static);
    tcase_add_test(t, another_librarys_loader_is_told);
    tcase_add_test(t, another_machine_is_told);
    tcase_add_test(t, a_go_program_is_told_by_its_section_static_or_not);
    tcase_add_test(t, a_sanitizer_is_told_by_its_library_or_its_symbols);
    tcase_add_test(t, a_setuid_program_of_another_user_is_told);
    tcase_add_test(t, a_damaged_program_is_no_harm);
    tcase_add_test(t, a_script_is_followed_to_its_interpreter);
    tcase_add_test(t, a_script_that_is_its_own_interpreter_ends);
    tcase_add_test(t, a_text_without_a_first_line_is_for_the_shell);
    tcase_add_test(t, a_program_is_found_in_path_and_only_when_executable);
    tcase_add_test(t, exit_statuses_are_those_of_env);
    tcase_add_test(t, every_obstacle_has_a_cause_and_an_advice);
    return run_case(t, "program");
}
