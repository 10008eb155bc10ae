/* links: math */
/* Text files by lines: ends of lines, byte order marks, blanks, comments, and the numbers of lines for messages. */
#include "base/text.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    int number;
    const char *text;
} expected;

/* Reads `content` by `next`, line by line, up to an expected line of number 0. */
static void assert_lines(const char *content, char *next(texp_text *), const expected *lines)
{
    char *copy = strdup(content);
    texp_text text = texp_text_of(copy);
    assert_int_equal(text.line, 0);
    for (; lines->number; ++lines) {
        char *line = next(&text);
        assert_non_null(line);
        assert_string_equal(line, lines->text);
        assert_int_equal(text.line, lines->number);
    }
    assert_null(next(&text));
    assert_null(next(&text));
    free(copy);
}

static void lines_end_with_lf_crlf_or_cr_and_the_last_with_the_file(void **state)
{
    (void)state;
    assert_lines("a\nb\nc", texp_text_line, (expected[]){{1, "a"}, {2, "b"}, {3, "c"}, {0, ""}});
    assert_lines("a\r\nb\r\nc\r\n", texp_text_line, (expected[]){{1, "a"}, {2, "b"}, {3, "c"}, {0, ""}});
    assert_lines("a\rb\rc\r", texp_text_line, (expected[]){{1, "a"}, {2, "b"}, {3, "c"}, {0, ""}});
    assert_lines("a\nb\r", texp_text_line, (expected[]){{1, "a"}, {2, "b"}, {0, ""}});
    assert_lines("", texp_text_line, (expected[]){{0, ""}});
    assert_lines("\n \r\n\t\n", texp_text_line, (expected[]){{0, ""}});
}

static void blank_lines_are_skipped_and_counted(void **state)
{
    (void)state;
    assert_lines("\n\r\na\n \t\n\r\rb", texp_text_line, (expected[]){{3, "a"}, {7, "b"}, {0, ""}});
}

static void blanks_around_a_line_go_and_those_inside_stay(void **state)
{
    (void)state;
    assert_lines(" \t a b\tc \v\f\n", texp_text_line, (expected[]){{1, "a b\tc"}, {0, ""}});
    assert_lines("  my images/1 .png  \r\n", texp_text_line, (expected[]){{1, "my images/1 .png"}, {0, ""}});
}

/* Joined files have such marks inside, too. */
static void byte_order_marks_are_skipped_where_a_line_begins(void **state)
{
    (void)state;
    assert_lines("\xef\xbb\xbf"
                 "a\n\xef\xbb\xbf"
                 "b\xef\xbb\xbf\n\xef\xbb\xbf\n",
                 texp_text_line, (expected[]){{1, "a"}, {2, "b\xef\xbb\xbf"}, {0, ""}});
    assert_lines("\xef\xbb\xbf  # c\n\xef\xbb\xbf[net]\n", texp_text_setting, (expected[]){{2, "[net]"}, {0, ""}});
    assert_lines("\xef\xbb", texp_text_line, (expected[]){{1, "\xef\xbb"}, {0, ""}});
}

static void comments_begin_in_front_or_behind_a_blank(void **state)
{
    (void)state;
    assert_lines("# one\n;two\n  # three\na=b # c\na=b;c\na=b#c d ;e\na= # c\n#\n", texp_text_setting,
                 (expected[]){{4, "a=b"}, {5, "a=b;c"}, {6, "a=b#c d"}, {7, "a="}, {0, ""}});
    assert_lines("[net]\t; c\n", texp_text_setting, (expected[]){{1, "[net]"}, {0, ""}});
}

static void lists_and_labels_have_no_comments(void **state)
{
    (void)state;
    assert_lines("#1.png\nno #5;x\n", texp_text_line, (expected[]){{1, "#1.png"}, {2, "no #5;x"}, {0, ""}});
}

static void a_setting_is_cut_at_its_first_sign_without_blanks_around(void **state)
{
    static const struct {
        const char *setting, *key, *value;
    } cases[] = {{"a=b", "a", "b"},       {"backup \t= my backup", "backup", "my backup"},
                 {"a==b=c", "a", "=b=c"}, {"a", NULL, NULL},
                 {"=b", NULL, NULL},      {"a=", NULL, NULL},
                 {"a= \t", NULL, NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        char setting[32];
        strcpy(setting, cases[i].setting);
        char *value = texp_setting_value(setting);
        if (cases[i].key) {
            assert_non_null(value);
            assert_string_equal(setting, cases[i].key);
            assert_string_equal(value, cases[i].value);
        } else {
            assert_null(value);
            assert_string_equal(setting, cases[i].setting);
        }
    }
}

/* --- files ---------------------------------------------------------------------------------------------------------- */

static char name[] = "build/text-XXXXXX";

static void write_file(const char *bytes, size_t size)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static int make_name(void **state)
{
    (void)state;
    int fd = mkstemp(name);
    return fd < 0 ? -1 : close(fd);
}

static int remove_name(void **state)
{
    (void)state;
    return unlink(name);
}

static void assert_refused(const char *file, const char *word, const char *other)
{
    texp_text text;
    texp_message message;
    assert_int_equal(texp_text_open(&text, file, &message), -1);
    if (!strstr(message.text, word) || !strstr(message.text, other)) fail_msg("%s", message.text);
    assert_int_equal(texp_text_open(&text, file, NULL), -1);
}

static void a_file_is_read_under_its_name(void **state)
{
    texp_text text;
    texp_message message;
    (void)state;
    write_file("a\r\n\r\nb", 6);
    assert_int_equal(texp_text_open(&text, name, &message), 0);
    assert_string_equal(text.file, name);
    assert_string_equal(texp_text_line(&text), "a");
    assert_string_equal(texp_text_line(&text), "b");
    assert_int_equal(text.line, 3);
    assert_null(texp_text_line(&text));
    texp_text_close(&text);
}

static void zero_bytes_are_refused_with_their_line(void **state)
{
    (void)state;
    write_file("a\nb\0c\n", 6);
    assert_refused(name, ":2: a zero byte", "no text");
    write_file("a\0", 2);
    assert_refused(name, ":1: a zero byte", "no text");
    write_file("\xff\xfe"
               "a\0\n\0",
               6);
    assert_refused(name, "UTF-16", "save it as UTF-8");
    write_file("\xfe\xff\0a", 4);
    assert_refused(name, "UTF-16", "save it as UTF-8");
}

static void what_cannot_be_read_is_refused_with_the_reason(void **state)
{
    (void)state;
    assert_refused("build/no-such-text", "build/no-such-text: can't read: No such file", "(looked for from /");
    assert_refused("build", "build: can't read: Is a directory", "correct the path");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_with_lf_crlf_or_cr_and_the_last_with_the_file),
        cmocka_unit_test(blank_lines_are_skipped_and_counted),
        cmocka_unit_test(blanks_around_a_line_go_and_those_inside_stay),
        cmocka_unit_test(byte_order_marks_are_skipped_where_a_line_begins),
        cmocka_unit_test(comments_begin_in_front_or_behind_a_blank),
        cmocka_unit_test(lists_and_labels_have_no_comments),
        cmocka_unit_test(a_setting_is_cut_at_its_first_sign_without_blanks_around),
        cmocka_unit_test(a_file_is_read_under_its_name),
        cmocka_unit_test(zero_bytes_are_refused_with_their_line),
        cmocka_unit_test(what_cannot_be_read_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, make_name, remove_name);
}
