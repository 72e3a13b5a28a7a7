/* engine_upload.c - multipart uploads, honest and hostile: what is stored, what is refused, and
 * that nothing is left behind. */
#include <dirent.h>
#include <fcntl.h>
#include "cgi/http/response.h"
#include "cgi/http/upload.h"
#include "tests/web/lib/world.h"

#define FILE_MAX ((int64_t)300000)

static struct world w;
static int handled;

static int take(struct request *req, struct response *res, struct err *err)
{
    struct upload *up = NULL;
    int rc = -1;

    handled++;
    if (upload_begin(req, &up, err) != 0 || upload_read(up, "file", FILE_MAX, err) != 0
        || upload_keep(up, upload_field(up, "name"), err) != 0)
        goto out;
    if (upload_field(up, "discard")[0] != '\0')
        upload_discard(up);
    rc = respond_json(res, 200,
                      json_pack("{s:s, s:I, s:s, s:s}", "sha256", upload_sha256(up), "size",
                                (json_int_t)upload_size(up), "file_name", upload_file_name(up),
                                "note", upload_field(up, "note")));
out:
    upload_end(up);
    return rc;
}

static const struct route TABLE[] = {
    {METHOD_POST, "/up", CAP_VIEW, CSRF_IN_UPLOAD, take},
};

static bool body_has(const char *text)
{
    return strstr(fake_body(&w.f), text) != NULL;
}

static int count_in(const char *part)
{
    char path[256];
    int count = 0;
    DIR *dir;

    snprintf(path, sizeof path, "%s/%s", w.var, part);
    dir = opendir(path);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    if (dir != NULL)
        closedir(dir);
    return count;
}

/* What is in .incoming and in artefacts, to be zero after every failure. */
static int leftovers(void)
{
    return count_in("artefacts/.incoming") + count_in("artefacts");
}

static void add_part(struct buf *body, const char *name, const char *extra, const void *bytes,
                     size_t len)
{
    buf_printf(body, "--BoUnD\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n", name,
               extra);
    buf_add(body, bytes, len);
    buf_add_str(body, "\r\n");
}

static void add_text(struct buf *body, const char *name, const char *text)
{
    add_part(body, name, "", text, strlen(text));
}

static void begin(struct buf *body)
{
    char token[64];

    buf_init(body, (size_t)256 * 1024 * 1024);
    add_text(body, "csrf", world_csrf(&w, token));
}

static int send_as(struct buf *body, const char *type)
{
    int status;

    world_request(&w, "POST", "/up");
    fake_param(&w.f, "HTTP_ORIGIN", w.site.origin);
    fake_send(&w.f, type, body->data, body->len);
    status = world_dispatch(&w);
    buf_deinit(body);
    return status;
}

static int send_all(struct buf *body)
{
    buf_add_str(body, "--BoUnD--\r\n");
    return send_as(body, "multipart/form-data; boundary=BoUnD");
}

#define FILE_PART "; filename=\"a.tgz\"\r\nContent-Type: application/gzip"

static void a_file_arrives_byte_exact_whatever_the_pieces_it_comes_in(void)
{
    static const size_t READS[] = {0, 1, 7, 73, 4096, 65535};
    size_t size = 200001;
    char *bytes = malloc(size);
    char sha[CRYPTO_HASH_HEX];
    uint8_t hash[CRYPTO_HASH_BYTES];

    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    memcpy(bytes + 1000, "\r\n--BoUnX\r\n--BoUn\r\n--\r\n", 23); /* nearly a boundary */
    memcpy(bytes + size - 9, "\r\n--BoUn", 8);
    crypto_sha256(bytes, size, hash);
    crypto_hex(sha, sizeof sha, hash, sizeof hash);
    for (size_t i = 0; i < COUNT_OF(READS); i++) {
        struct buf body;
        char name[32], path[256];
        struct buf stored;

        snprintf(name, sizeof name, "a%zu.tgz", i);
        begin(&body);
        add_text(&body, "name", name);
        add_part(&body, "file", FILE_PART, bytes, size);
        add_text(&body, "note", "after");
        buf_add_str(&body, "--BoUnD--\r\n");
        world_request(&w, "POST", "/up");
        fake_param(&w.f, "HTTP_ORIGIN", w.site.origin);
        fake_send(&w.f, "multipart/form-data; boundary=\"BoUnD\"", body.data, body.len);
        w.f.read_max = READS[i];
        CHECK_INT(world_dispatch(&w), 200);
        CHECK(body_has(sha) && body_has("\"size\":200001") && body_has("\"note\":\"after\""));
        snprintf(path, sizeof path, "%s/artefacts/%s", w.var, name);
        buf_init(&stored, size + 1);
        CHECK(fs_read_all(path, &stored, NULL) == 0 && stored.len == size
              && memcmp(stored.data, bytes, size) == 0);
        buf_deinit(&stored);
        buf_deinit(&body);
        CHECK(unlink(path) == 0);
    }
    free(bytes);
    CHECK_INT(leftovers(), 0);
}

static void a_version_is_never_replaced_and_can_be_taken_back(void)
{
    struct buf body;
    char path[256];

    for (int i = 0; i < 2; i++) {
        begin(&body);
        add_text(&body, "name", "once.tgz");
        add_part(&body, "file", FILE_PART, "abc", 3);
        CHECK_INT(send_all(&body), i == 0 ? 200 : 409);
    }
    CHECK_INT(leftovers(), 1);
    snprintf(path, sizeof path, "%s/artefacts/once.tgz", w.var);
    CHECK(unlink(path) == 0);
    begin(&body);
    add_text(&body, "name", "twice.tgz");
    add_text(&body, "discard", "1");
    add_part(&body, "file", FILE_PART, "abc", 3);
    CHECK_INT(send_all(&body), 200);
    CHECK_INT(leftovers(), 0);
}

static void names_with_folders_are_refused_and_shown_names_are_cut(void)
{
    static const char *const BAD[] = {"../x", "a/b", ".hidden", "-rf", "", "a\\b"};
    struct buf body;

    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        begin(&body);
        add_text(&body, "name", BAD[i]);
        add_part(&body, "file", FILE_PART, "abc", 3);
        if (send_all(&body) != 422)
            tap_note_failure(__FILE__, __LINE__, BAD[i]);
    }
    CHECK_INT(leftovers(), 0);
    begin(&body);
    add_text(&body, "name", "ok.tgz");
    add_text(&body, "discard", "1");
    add_part(&body, "file", "; filename=\"C:\\fake/../a;b.tgz\"", "abc", 3);
    CHECK_INT(send_all(&body), 200);
    CHECK(body_has("\"file_name\":\"a;b.tgz\""));
}

static void the_token_must_come_first(void)
{
    json_t *events = NULL;
    struct buf body;
    char token[64];

    buf_init(&body, 10000);
    add_text(&body, "name", "a.tgz");
    add_part(&body, "file", FILE_PART, "abc", 3);
    add_text(&body, "csrf", world_csrf(&w, token));
    CHECK_INT(send_all(&body), 403);
    buf_init(&body, 10000);
    add_text(&body, "csrf", "wrong");
    add_part(&body, "file", FILE_PART, "abc", 3);
    CHECK_INT(send_all(&body), 403);
    WORLD_MUST(audit_list(w.db, NULL, 0, 1, &events, &world_err));
    CHECK_STR(json_string_value(json_object_get(json_array_get(events, 0), "verb")),
              "access.denied");
    json_decref(events);
    begin(&body);
    world_request(&w, "POST", "/up");
    buf_add_str(&body, "--BoUnD--\r\n");
    fake_param(&w.f, "HTTP_ORIGIN", "http://evil.example");
    fake_send(&w.f, "multipart/form-data; boundary=BoUnD", body.data, body.len);
    handled = 0;
    CHECK_INT(world_dispatch(&w), 403);
    CHECK_INT(handled, 0);
    buf_deinit(&body);
    CHECK_INT(leftovers(), 0);
}

static void a_broken_off_upload_leaves_nothing(void)
{
    size_t size = 150000;
    char *bytes = calloc(1, size);

    for (size_t cut = 200; cut < size; cut += 29983) {
        struct buf body;

        begin(&body);
        add_text(&body, "name", "cut.tgz");
        add_part(&body, "file", FILE_PART, bytes, size);
        buf_add_str(&body, "--BoUnD--\r\n");
        world_request(&w, "POST", "/up");
        fake_param(&w.f, "HTTP_ORIGIN", w.site.origin);
        fake_send(&w.f, "multipart/form-data; boundary=BoUnD", body.data, body.len);
        w.f.breaks_at = cut;
        CHECK_INT(world_dispatch(&w), 422);
        CHECK(body_has("broke off"));
        CHECK_INT(leftovers(), 0);
        buf_deinit(&body);
    }
    free(bytes);
}

static void a_file_over_the_limit_is_413_by_name_and_leaves_nothing(void)
{
    char *bytes = calloc(1, (size_t)FILE_MAX + 1);
    struct buf body;

    begin(&body);
    add_text(&body, "name", "big.tgz");
    add_part(&body, "file", FILE_PART, bytes, (size_t)FILE_MAX + 1);
    CHECK_INT(send_all(&body), 413);
    CHECK(body_has("larger than"));
    CHECK_INT(leftovers(), 0);
    begin(&body);
    add_text(&body, "name", "fits.tgz");
    add_text(&body, "discard", "1");
    add_part(&body, "file", FILE_PART, bytes, (size_t)FILE_MAX);
    CHECK_INT(send_all(&body), 200);
    free(bytes);
}

static void an_empty_or_missing_file_is_a_form_error(void)
{
    struct buf body;

    begin(&body);
    add_text(&body, "name", "a.tgz");
    CHECK_INT(send_all(&body), 422);
    begin(&body);
    add_text(&body, "name", "a.tgz");
    add_part(&body, "file", "; filename=\"\"", "", 0);
    CHECK_INT(send_all(&body), 422);
    CHECK(body_has("No file was chosen"));
    begin(&body);
    add_text(&body, "file", "text");
    CHECK_INT(send_all(&body), 422);
    CHECK_INT(leftovers(), 0);
}

static void text_fields_have_limits_and_must_be_text(void)
{
    char *text = calloc(1, 9001);
    struct buf body;

    memset(text, 'x', 9000);
    begin(&body);
    add_text(&body, "note", text);
    CHECK_INT(send_all(&body), 422);
    CHECK(body_has("&quot;note&quot; is longer"));
    begin(&body);
    add_part(&body, "note", "", "a\0b", 3);
    CHECK_INT(send_all(&body), 422);
    CHECK(body_has("&quot;note&quot; holds a NUL"));
    begin(&body);
    add_text(&body, "note", "\xff");
    CHECK_INT(send_all(&body), 422);
    begin(&body);
    add_text(&body, "note", "1");
    add_text(&body, "note", "2");
    CHECK_INT(send_all(&body), 422);
    CHECK(body_has("given twice"));
    begin(&body);
    add_part(&body, "file", FILE_PART, "a", 1);
    add_part(&body, "file", FILE_PART, "a", 1);
    CHECK_INT(send_all(&body), 422);
    begin(&body);
    add_part(&body, "other", FILE_PART, "a", 1);
    CHECK_INT(send_all(&body), 422);
    CHECK_INT(leftovers(), 0);
    free(text);
}

static void hostile_multipart_is_refused_cheaply(void)
{
    static const char *const TYPES[] = {
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=a b",
        "multipart/form-data; boundary=\"a\x01\"",
        "multipart/mixed; boundary=BoUnD",
        "text/plain",
        "multipart/form-data; "
        "boundary=0123456789012345678901234567890123456789012345678901234567890"
        "12345678901",
    };
    static const char *const BODIES[] = {
        "",
        "--",
        "--BoUnD",
        "--BoUnD\r\n",
        "--BoUnD--",
        "\r\n--BoUnD--\r\n",
        "preamble\r\n--BoUnD\r\n",
        "--BoUnDx\r\n",
        "--BoUnD\n\n",
        "--BoUnD\r\n\r\nx\r\n--BoUnD--\r\n",
        "--BoUnD\r\nContent-Disposition: attachment; name=\"csrf\"\r\n\r\nx\r\n--BoUnD--\r\n",
        "--BoUnD\r\nContent-Disposition: form-data; name=\"csrf\r\n\r\nx\r\n--BoUnD--\r\n",
        "--BoUnD\r\nContent-Disposition: form-data; name=csrf\r\n\r\nx\r\n--BoUnD--\r\n",
        "--BoUnD\r\nContent-Disposition: form-data; x=\"name=\"\r\n\r\nx\r\n--BoUnD--\r\n",
        "--BoUnD\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\nx\r\n--BoUnD--\r\n",
        "--BoUnD\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--BoUnD--\r\n",
    };

    for (size_t i = 0; i < COUNT_OF(TYPES) + COUNT_OF(BODIES); i++) {
        bool is_type = i < COUNT_OF(TYPES);
        struct buf body;
        int status;

        buf_init(&body, 10000);
        if (is_type)
            begin(&body);
        else
            buf_add_str(&body, BODIES[i - COUNT_OF(TYPES)]);
        status = send_as(&body, is_type ? TYPES[i] : "multipart/form-data; boundary=BoUnD");
        if (status != 422 && status != 403)
            tap_note_failure(__FILE__, __LINE__, is_type ? TYPES[i] : BODIES[i - COUNT_OF(TYPES)]);
    }
    CHECK_INT(leftovers(), 0);
}

static void a_hundred_thousand_parts_are_not_read_as_such(void)
{
    int64_t started = clock_mono_ms();
    struct buf body;

    begin(&body);
    for (int i = 0; i < 100000; i++) {
        char name[16];

        snprintf(name, sizeof name, "f%d", i);
        add_text(&body, name, "");
    }
    CHECK_INT(send_all(&body), 422);
    CHECK(body_has("20 parts"));
    CHECK(clock_mono_ms() - started < 5000);
    CHECK_INT(leftovers(), 0);
}

static void a_head_that_never_ends_is_refused(void)
{
    struct buf body;

    begin(&body);
    buf_add_str(&body, "--BoUnD\r\nX: ");
    for (int i = 0; i < 200000; i++)
        buf_add_char(&body, 'x');
    CHECK_INT(send_all(&body), 422);
    CHECK(body_has("never ends"));
}

/* Every prefix of a good upload: refused, quickly, with nothing left behind. */
static void every_prefix_of_a_good_upload_is_refused(void)
{
    struct buf whole;

    begin(&whole);
    add_text(&whole, "name", "p.tgz");
    add_part(&whole, "file", FILE_PART, "abc", 3);
    buf_add_str(&whole, "--BoUnD--");
    for (size_t len = 0; len < whole.len; len++) {
        struct buf body;
        int status;

        buf_init(&body, 10000);
        buf_add(&body, whole.data, len);
        status = send_as(&body, "multipart/form-data; boundary=BoUnD");
        if (status != 422 && status != 403) {
            tap_note_failure(__FILE__, __LINE__, "a prefix was taken");
            printf("#   %zu of %zu bytes: %d\n", len, whole.len, status);
        }
    }
    CHECK_INT(leftovers(), 0);
    buf_deinit(&whole);
}

static void only_old_leftovers_are_swept_at_start(void)
{
    const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    char path[2][256];

    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/artefacts/.incoming/%d.part", w.var, i);
        CHECK(fs_write_atomic(path[i], "x", 1, 0600, NULL) == 0);
    }
    CHECK(utimensat(AT_FDCWD, path[0], old, 0) == 0);
    upload_sweep(&w.site);
    CHECK(access(path[0], F_OK) != 0 && access(path[1], F_OK) == 0);
    CHECK(unlink(path[1]) == 0);
}

int main(void)
{
    world_open(&w, "http://127.0.0.1:8080", TABLE, COUNT_OF(TABLE));
    w.wants_json = false;
    world_sign_in(&w, ROLE_VIEWER);
    TAP_RUN(a_file_arrives_byte_exact_whatever_the_pieces_it_comes_in);
    TAP_RUN(a_version_is_never_replaced_and_can_be_taken_back);
    TAP_RUN(names_with_folders_are_refused_and_shown_names_are_cut);
    TAP_RUN(the_token_must_come_first);
    TAP_RUN(a_broken_off_upload_leaves_nothing);
    TAP_RUN(a_file_over_the_limit_is_413_by_name_and_leaves_nothing);
    TAP_RUN(an_empty_or_missing_file_is_a_form_error);
    TAP_RUN(text_fields_have_limits_and_must_be_text);
    TAP_RUN(hostile_multipart_is_refused_cheaply);
    TAP_RUN(a_hundred_thousand_parts_are_not_read_as_such);
    TAP_RUN(a_head_that_never_ends_is_refused);
    TAP_RUN(every_prefix_of_a_good_upload_is_refused);
    TAP_RUN(only_old_leftovers_are_swept_at_start);
    world_close(&w);
    return tap_done();
}
