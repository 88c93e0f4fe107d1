/* SPDX-License-Identifier: Apache-2.0
 *
 * base/base64_test.c - octets as text and back.
 */
#include "base/test.h"

#include "base/base64.h"

#define OUT_MAX 64

/* RFC 4648 section 10, and the octets where the two alphabets differ. */
static const struct {
    const char *octets;
    const char *standard;
    const char *url;
} vectors[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xFB\xFF\xFE", "+//+", "-__-"},
    {"\xFF", "/w==", "_w"},
};

/* Encodes and decodes with exactly the room that is needed: one octet less is too little. */
static void check_both_ways(struct lc_slice octets, struct lc_slice text, enum lc_base64 kind)
{
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, text.n);
    assert_lc_ok(lc_base64_encode(&out, octets, kind));
    assert_slice_eq(lc_dynbuf_slice(&out), text);
    lc_dynbuf_done(&out);

    struct lc_test_guard g;
    lc_test_guard_open(&g, text.n);
    lc_dynbuf_init(&out, octets.n);
    assert_lc_ok(lc_base64_decode(&out, lc_test_guard_put(&g, text), kind));
    assert_slice_eq(lc_dynbuf_slice(&out), octets);
    lc_dynbuf_done(&out);
    lc_test_guard_close(&g);
    if (octets.n == 0)
        return;

    lc_dynbuf_init(&out, text.n - 1);
    assert_lc_err(lc_base64_encode(&out, octets, kind), LC_ELIMIT);
    lc_dynbuf_done(&out);
    lc_dynbuf_init(&out, octets.n - 1);
    assert_lc_err(lc_base64_decode(&out, text, kind), LC_ELIMIT);
    lc_dynbuf_done(&out);
}

static void the_vectors_both_ways(void **state)
{
    LC_UNUSED(state);
    for (size_t i = 0; i < LC_ARRAY_LEN(vectors); i++) {
        struct lc_slice octets = lc_slice_cstr(vectors[i].octets);
        check_both_ways(octets, lc_slice_cstr(vectors[i].standard), LC_BASE64_STANDARD);
        check_both_ways(octets, lc_slice_cstr(vectors[i].url), LC_BASE64_URL);
    }
}

static void what_is_there_stays(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, OUT_MAX);
    assert_lc_ok(lc_dynbuf_append(&out, LC_LIT("x=")));
    assert_lc_ok(lc_base64_encode(&out, LC_LIT("foo"), LC_BASE64_STANDARD));
    assert_slice(lc_dynbuf_slice(&out), "x=Zm9v");
    assert_lc_err(lc_base64_decode(&out, LC_LIT("Zm9vZm9!"), LC_BASE64_STANDARD), LC_ESYNTAX);
    assert_slice(lc_dynbuf_slice(&out), "x=Zm9v");
    lc_dynbuf_done(&out);
}

static void wrong_texts(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *text;
        enum lc_base64 kind;
    } bad[] = {
        {"Zg", LC_BASE64_STANDARD},
        {"Zg=", LC_BASE64_STANDARD},
        {"Zg===", LC_BASE64_STANDARD},
        {"====", LC_BASE64_STANDARD},
        {"Z===", LC_BASE64_STANDARD},
        {"=Zg=", LC_BASE64_STANDARD},
        {"Zg==Zg==", LC_BASE64_STANDARD},
        {"Zh==", LC_BASE64_STANDARD}, /* bits that are left over */
        {"Zm9=", LC_BASE64_STANDARD},
        {"-__-", LC_BASE64_STANDARD},
        {"Zm9v\n", LC_BASE64_STANDARD},
        {"Zg==", LC_BASE64_URL},
        {"+//+", LC_BASE64_URL},
        {"Z", LC_BASE64_URL},
        {"Zm9vZ", LC_BASE64_URL},
        {"Zh", LC_BASE64_URL},
        {"Zm 9", LC_BASE64_URL},
    };
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, OUT_MAX);
    for (size_t i = 0; i < LC_ARRAY_LEN(bad); i++) {
        lc_err e = lc_base64_decode(&out, lc_slice_cstr(bad[i].text), bad[i].kind);
        assert_lc_err(e, LC_ESYNTAX);
        assert_int_equal(out.n, 0);
    }
    lc_dynbuf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_both_ways),
        cmocka_unit_test(what_is_there_stays),
        cmocka_unit_test(wrong_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
