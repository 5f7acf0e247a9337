/* Requests that are understood, and answers that are whole. */
#include "leak/ask.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leak/copy.h"
#include "unit.h"

static struct wr_ask
request(uint32_t kind)
{
    return (struct wr_ask){
        .magic = WR_ASK_MAGIC, .version = WR_ASK_VERSION, .kind = kind};
}

START_TEST(a_request_of_a_kind_that_has_a_search_is_good)
{
    struct wr_ask a = request(WR_ASK_LEAKS);

    ck_assert(wr_ask_is_good(&a, sizeof a));
}
END_TEST

START_TEST(other_bytes_are_no_request)
{
    struct wr_ask a = request(WR_ASK_LEAKS);

    ck_assert(!wr_ask_is_good(&a, sizeof a - 1));
    a.magic++;
    ck_assert(!wr_ask_is_good(&a, sizeof a));
    a = request(WR_ASK_LEAKS);
    a.version++;
    ck_assert(!wr_ask_is_good(&a, sizeof a));
    a = request(0);
    ck_assert(!wr_ask_is_good(&a, sizeof a));
    a = request(WR_ASK_KINDS);
    ck_assert(!wr_ask_is_good(&a, sizeof a));
    a = request(UINT32_MAX);
    ck_assert(!wr_ask_is_good(&a, sizeof a));
}
END_TEST

START_TEST(an_answer_is_all_its_parts_and_only_its_owners)
{
    char dir[] = "/tmp/weir-test-XXXXXX", path[64], part[72], got[16] = "";
    struct stat st;
    struct wr_copy c = {.path = path};

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/answer", dir);
    snprintf(part, sizeof part, "%s~", path);
    close(open(part, O_CREAT | O_WRONLY, 0600)); /* of one that was killed */
    ck_assert(wr_copy_write(
        &c, (struct wr_copy_part[]){{"one", 3}, {"", 0}, {"two", 3}}, 3));
    FILE *in = fopen(path, "r");
    ck_assert_ptr_nonnull(in);
    ck_assert_uint_eq(fread(got, 1, sizeof got, in), 6);
    ck_assert_str_eq(got, "onetwo");
    fclose(in);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_ne(access(part, F_OK), 0);
    unlink(path);
    rmdir(dir);
    ck_assert(!wr_copy_write(&c, &(struct wr_copy_part){"one", 3}, 1));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ask");
    TCase *t = tcase_create("ask");

    tcase_add_test(t, a_request_of_a_kind_that_has_a_search_is_good);
    tcase_add_test(t, other_bytes_are_no_request);
    tcase_add_test(t, an_answer_is_all_its_parts_and_only_its_owners);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
