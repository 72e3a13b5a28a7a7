/* engine_disk_full.c - the disk of the dashboard's data folder is full: pages still show, whatever
 * writes says so in words and changes nothing, and all goes on when there is room again. The disk
 * is a small tmpfs in a mount namespace of this process (a user namespace too, when not root). */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include "cgi/http/response.h"
#include "cgi/http/upload.h"
#include "db/audit.h"
#include "tests/web/lib/world.h"

static struct world w;
static char disk[] = "/tmp/wl-disk-XXXXXX";
static char filler[PATH_MAX];

static int show(struct request *req, struct response *res, struct err *err)
{
    (void)req;
    (void)err;
    return respond_json(res, 200, json_object());
}

static int write_something(struct request *req, struct response *res, struct err *err)
{
    /* More than what the WAL has room for already. */
    const struct audit_entry entry = {.actor = &req->actor,
                                      .verb = "test.write",
                                      .target_kind = "test",
                                      .target_id = "t",
                                      .target_name = "t",
                                      .detail =
                                          json_pack("{s:s}", "note", request_field(req, "note"))};

    if (db_begin(req->db, err) != 0)
        return -1;
    if (audit_append(req->db, &entry, err) != 0 || db_commit(req->db, err) != 0) {
        db_rollback(req->db);
        return -1;
    }
    return respond_redirect(res, "/");
}

static int take(struct request *req, struct response *res, struct err *err)
{
    struct upload *up = NULL;
    int rc = -1;

    if (upload_begin(req, &up, err) == 0 && upload_read(up, "file", 1 << 20, err) == 0)
        rc = respond_redirect(res, "/");
    upload_end(up);
    return rc;
}

static const struct route TABLE[] = {
    {METHOD_GET, "/show", CAP_VIEW, CSRF_SAFE_METHOD, show},
    {METHOD_POST, "/write", CAP_VIEW, CSRF_REQUIRED, write_something},
    {METHOD_POST, "/upload", CAP_VIEW, CSRF_IN_UPLOAD, take},
};

static int64_t events(void)
{
    json_t *list = NULL;
    int64_t seq;

    WORLD_MUST(audit_list(w.db, NULL, 0, 1, &list, &world_err));
    seq = json_integer_value(json_object_get(json_array_get(list, 0), "seq"));
    json_decref(list);
    return seq;
}

static void fill_disk(void)
{
    static const char bytes[4096] = "x";
    int fd = open(filler, O_WRONLY | O_CREAT | O_APPEND, 0600);

    while (write(fd, bytes, sizeof bytes) > 0)
        continue;
    close(fd);
}

static int write_big(void)
{
    char *fields = malloc(3010);
    int status;

    WORLD_MUST(fields == NULL);
    memset(fields, 'n', 3009);
    memcpy(fields, "note=", 5);
    fields[3009] = '\0';
    status = world_post(&w, "/write", fields);
    free(fields);
    return status;
}

static int upload(void)
{
    char body[2048], token[64];

    snprintf(
        body, sizeof body,
        "--B\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n%s\r\n--B\r\n"
        "Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nabc\r\n--B--\r\n",
        world_csrf(&w, token));
    world_request(&w, "POST", "/upload");
    fake_param(&w.f, "HTTP_ORIGIN", w.site.origin);
    fake_send(&w.f, "multipart/form-data; boundary=B", body, strlen(body));
    return world_dispatch(&w);
}

static void reading_goes_on_and_writing_says_so_in_words(void)
{
    int64_t before = events();

    CHECK_INT(write_big(), 303);
    CHECK_INT(events(), before + 1);
    fill_disk();
    CHECK_INT(world_get(&w, "/show"), 200);
    CHECK_INT(write_big(), 507);
    CHECK(strstr(fake_body(&w.f), "Free space") != NULL
          && strstr(fake_body(&w.f), "Nothing was changed") != NULL);
    CHECK_INT(upload(), 507);
    CHECK_INT(world_get(&w, "/show"), 200);
    CHECK_INT(events(), before + 1);
}

static void with_room_again_all_goes_on_and_the_history_is_whole(void)
{
    struct audit_report report;
    int64_t before = events();

    CHECK(unlink(filler) == 0);
    CHECK_INT(write_big(), 303);
    CHECK_INT(events(), before + 1);
    WORLD_MUST(audit_verify(w.db, &report, &world_err));
    CHECK(report.ok);
    CHECK_INT(report.events, before + 1);
}

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return done;
}

/* A tmpfs of 6 MB that only this process sees. */
static bool mount_disk(void)
{
    char users[64], groups[64];
    uid_t uid = getuid();

    if (mkdtemp(disk) == NULL)
        return false;
    if (uid != 0) {
        snprintf(users, sizeof users, "0 %d 1", (int)uid);
        snprintf(groups, sizeof groups, "0 %d 1", (int)getgid());
        if (unshare(CLONE_NEWUSER) != 0 || !write_text("/proc/self/setgroups", "deny")
            || !write_text("/proc/self/uid_map", users)
            || !write_text("/proc/self/gid_map", groups))
            return false;
    }
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
           && mount("tmpfs", disk, "tmpfs", MS_NOSUID | MS_NODEV, "size=6m,mode=0700") == 0;
}

static void skip_all(void)
{
    SKIP("this machine lets nobody but root mount a tmpfs of their own");
}

int main(void)
{
    if (!mount_disk()) {
        TAP_RUN(skip_all);
        return tap_done();
    }
    setenv("TMPDIR", disk, 1);
    snprintf(filler, sizeof filler, "%s/filler", disk);
    world_open(&w, "http://127.0.0.1:8080", TABLE, COUNT_OF(TABLE));
    world_sign_in(&w, ROLE_VIEWER);
    TAP_RUN(reading_goes_on_and_writing_says_so_in_words);
    TAP_RUN(with_room_again_all_goes_on_and_the_history_is_whole);
    world_close(&w);
    umount(disk);
    rmdir(disk);
    return tap_done();
}
