/* What weir says: its functions called in this process, with what they print
 * caught.
 *
 *     talk_setup();                       a directory of regions of its own
 *     ck_assert_int_eq(talk(wr_cmd_ps, "ps", "--json"), 0);
 *     ck_assert_ptr_nonnull(strstr(said.out, "[]"));
 *     talk_teardown();
 *
 * Regions go to region_dir, files to scratch.
 */
#ifndef TESTS_CMD_TALK_H
#define TESTS_CMD_TALK_H

#include "serve/program.h"
#include "weir/cmd.h"

static char scratch[64], region_dir[80];

static struct {
    char out[1 << 16], err[1 << 14];
} said;

struct caught {
    int file[2], was[2];
};

static inline void
talk_setup(void)
{
    scratch_make(scratch, sizeof scratch);
    snprintf(region_dir, sizeof region_dir, "%s/weir", scratch);
    ck_assert_int_eq(mkdir(region_dir, 0700), 0);
    setenv("XDG_RUNTIME_DIR", scratch, 1);
    setenv("NO_COLOR", "1", 1);
}

static inline void
talk_teardown(void)
{
    scratch_remove(scratch);
}

/* The same with a program that runs. */
static struct program one;

static inline void
talk_setup_one(void)
{
    talk_setup();
    program_start(&one, region_dir, "holder");
}

static inline void
talk_teardown_one(void)
{
    program_end(&one);
    talk_teardown();
}

static inline void
catch_begin(struct caught *c)
{
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        c->file[i] = memfd_create("said", MFD_CLOEXEC);
        c->was[i] = dup(i + 1);
        ck_assert_int_ge(dup2(c->file[i], i + 1), 0);
    }
}

static inline void
catch_end(struct caught *c)
{
    char *into[2] = {said.out, said.err};
    size_t room[2] = {sizeof said.out, sizeof said.err};
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        dup2(c->was[i], i + 1);
        close(c->was[i]);
        ssize_t n = pread(c->file[i], into[i], room[i] - 1, 0);
        into[i][n > 0 ? n : 0] = '\0';
        close(c->file[i]);
    }
}

static inline int
talk_words(int (*command)(int, char **), const char *const *words)
{
    struct caught c;
    char text[16][256], *argv[16] = {NULL};
    int argc = 0;
    for (; words[argc]; argc++) {
        snprintf(text[argc], sizeof text[argc], "%s", words[argc]);
        argv[argc] = text[argc];
    }
    catch_begin(&c);
    int status = command(argc, argv);
    catch_end(&c);
    return status;
}

#define talk(command, ...)                                                     \
    talk_words(command, (const char *const[]){__VA_ARGS__, NULL})

/* Does what was printed hold this? */
static inline bool
out_says(const char *words)
{
    return strstr(said.out, words) != NULL;
}

static inline bool
err_says(const char *words)
{
    return strstr(said.err, words) != NULL;
}

#define assert_out(words) ck_assert_msg(out_says(words), "%s", said.out)
#define assert_err(words) ck_assert_msg(err_says(words), "%s", said.err)

/* A file in scratch; its path. */
static inline const char *
write_scratch(const char *name, const void *bytes, size_t n)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    fclose(f);
    return path;
}

#endif
