/* Files: whole or not at all, on a full disk too; never outside the folder that was meant. */
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fs.h"

static char root[PATH_MAX / 2];

static const char *in(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    CHECK(fs_join(path, PATH_MAX, root, name));
    return path;
}

static const char *read_text(const char *path)
{
    static struct buf b;
    struct err err = {0};

    buf_deinit(&b);
    buf_init(&b, 1 << 16);
    if (fs_read_all(path, &b, &err) != 0)
        return err.code == ERR_NOT_FOUND ? "(none)" : "(error)";
    return b.data;
}

static void folders_are_made_with_their_parents(void)
{
    struct err err = {0};
    struct stat st;

    CHECK(fs_mkdirs(in("a/b//c/"), 0700, &err) == 0);
    CHECK(fs_mkdirs(in("a/b/c"), 0700, &err) == 0);
    CHECK(stat(in("a/b/c"), &st) == 0 && (st.st_mode & 07777) == 0700);
    CHECK(fs_write_atomic(in("file"), "x", 1, 0600, &err) == 0);
    CHECK(fs_mkdirs(in("file/sub"), 0700, &err) == -1);
    CHECK(fs_mkdirs(in("file"), 0700, &err) == -1);
    CHECK(fs_mkdirs("", 0700, &err) == -1);
}

static size_t entries(const char *path)
{
    char command[PATH_MAX + 64];
    struct buf b;
    size_t n = 0;

    /* No helper for listing exists, nor is one needed: count by the shell. */
    (void)snprintf(command, sizeof command, "ls -A '%s' | wc -l > '%s.count'", path, path);
    CHECK(system(command) == 0);
    (void)snprintf(command, sizeof command, "%s.count", path);
    buf_init(&b, 100);
    if (fs_read_all(command, &b, NULL) == 0)
        n = strtoul(b.data, NULL, 10);
    buf_deinit(&b);
    (void)unlink(command);
    return n;
}

static void a_file_is_replaced_whole_with_its_mode(void)
{
    struct err err = {0};
    struct stat st;

    CHECK(fs_mkdirs(in("w"), 0700, &err) == 0);
    CHECK(fs_write_atomic(in("w/f"), "old", 3, 0644, &err) == 0);
    CHECK(fs_write_atomic(in("w/f"), "a\0b", 3, 0400, &err) == 0);
    CHECK(stat(in("w/f"), &st) == 0 && (st.st_mode & 07777) == 0400 && st.st_size == 3);
    CHECK(fs_write_atomic(in("w/f"), "", 0, 0600, &err) == 0);
    CHECK_STR(read_text(in("w/f")), "");
    CHECK_INT(entries(in("w")), 1);
    CHECK(fs_write_atomic(in("missing/f"), "x", 1, 0600, &err) == -1);
    CHECK(strstr(err.user, root) == NULL);
}

static void a_link_is_replaced_not_followed(void)
{
    struct err err = {0};
    struct stat st;

    CHECK(fs_write_atomic(in("victim"), "safe", 4, 0600, &err) == 0);
    CHECK(symlink(in("victim"), in("link")) == 0);
    CHECK(fs_write_atomic(in("link"), "new", 3, 0600, &err) == 0);
    CHECK_STR(read_text(in("victim")), "safe");
    CHECK(lstat(in("link"), &st) == 0 && S_ISREG(st.st_mode));
}

static void reading_has_a_limit_and_names_what_is_missing(void)
{
    struct err err = {0};
    struct buf b;

    CHECK(fs_write_atomic(in("ten"), "0123456789", 10, 0600, &err) == 0);
    buf_init(&b, 10);
    CHECK(fs_read_all(in("ten"), &b, &err) == 0);
    CHECK_STR(b.data, "0123456789");
    CHECK(fs_read_all(in("ten"), &b, &err) == -1); /* it appends: no room is left */
    CHECK_INT(err.code, ERR_TOO_LARGE);
    CHECK_STR(b.data, "0123456789");
    buf_deinit(&b);
    buf_init(&b, 9);
    CHECK(fs_read_all(in("ten"), &b, &err) == -1);
    CHECK_INT(err.code, ERR_TOO_LARGE);
    CHECK_INT(b.len, 0);
    CHECK(fs_read_all(in("nothing"), &b, &err) == -1);
    CHECK_INT(err.code, ERR_NOT_FOUND);
    CHECK(fs_read_all(root, &b, &err) == -1);
    CHECK_INT(err.code, ERR_INTERNAL);
    buf_deinit(&b);
    buf_init(&b, 100); /* a file of /proc says it has 0 bytes */
    CHECK(fs_read_all("/proc/sys/kernel/random/boot_id", &b, &err) == 0);
    CHECK_INT(b.len, 37);
    buf_deinit(&b);
}

static void opening_beneath_never_leaves_the_folder(void)
{
    static const char *const OUTSIDE[] = {
        "../secret", "/etc/passwd", "x/../../secret", "link", "folderlink/secret", "..", "x/link"};
    struct err err = {0};
    int fd;

    CHECK(fs_write_atomic(in("secret"), "s", 1, 0600, &err) == 0);
    CHECK(fs_mkdirs(in("jail/x"), 0700, &err) == 0);
    CHECK(symlink(in("secret"), in("jail/link")) == 0);
    CHECK(symlink("../link", in("jail/x/link")) == 0);
    CHECK(symlink(root, in("jail/folderlink")) == 0);
    for (size_t i = 0; i < COUNT_OF(OUTSIDE); i++) {
        memset(&err, 0, sizeof err);
        CHECK(fs_open_beneath(in("jail"), OUTSIDE[i], O_RDONLY, 0, &err) == -1);
        CHECK_INT(err.code, ERR_DENIED);
        CHECK(strstr(err.user, root) == NULL);
    }
    fd = fs_open_beneath(in("jail"), "x/new", O_RDWR | O_CREAT | O_EXCL, 0600, &err);
    CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    (void)close(fd);
    CHECK(fs_open_beneath(in("jail"), "x/new", O_RDWR | O_CREAT | O_EXCL, 0600, &err) == -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK(fs_open_beneath(in("jail"), "nothing", O_RDONLY, 0, &err) == -1);
    CHECK_INT(err.code, ERR_NOT_FOUND);
    CHECK(fs_open_beneath(in("nowhere"), "x", O_RDONLY, 0, &err) == -1);
    CHECK(fs_open_beneath(in("jail"), "", O_RDONLY, 0, &err) == -1);
}

static void removing_a_tree_follows_no_link(void)
{
    struct err err = {0};

    CHECK(fs_mkdirs(in("keep/inside"), 0700, &err) == 0);
    CHECK(fs_write_atomic(in("keep/file"), "k", 1, 0600, &err) == 0);
    CHECK(fs_mkdirs(in("tree/deep/deeper"), 0700, &err) == 0);
    CHECK(fs_write_atomic(in("tree/deep/f"), "f", 1, 0400, &err) == 0);
    CHECK(symlink(in("keep"), in("tree/deep/link")) == 0);
    CHECK(symlink("nowhere", in("tree/dangling")) == 0);
    CHECK(mkfifo(in("tree/fifo"), 0600) == 0);
    CHECK(fs_remove_tree(in("tree"), &err) == 0);
    CHECK(!fs_exists(in("tree")));
    CHECK_STR(read_text(in("keep/file")), "k");
    CHECK(fs_exists(in("keep/inside")));
    CHECK(fs_remove_tree(in("tree"), &err) == 0); /* a missing one is fine */
    CHECK(symlink(in("keep"), in("top")) == 0);
    CHECK(fs_remove_tree(in("top"), &err) == 0); /* a link itself goes, not what it names */
    CHECK(fs_exists(in("keep/inside")));
}

static void joining_says_when_it_does_not_fit(void)
{
    char dst[8];

    CHECK(fs_join(dst, sizeof dst, "abc", "def"));
    CHECK_STR(dst, "abc/def");
    CHECK(fs_join(dst, sizeof dst, "/", "x"));
    CHECK_STR(dst, "/x");
    CHECK(!fs_join(dst, sizeof dst, "abcd", "def"));
}

static void free_space_is_known_or_minus_one(void)
{
    CHECK(fs_free_bytes(root) > 0);
    CHECK_INT(fs_free_bytes(in("no/such/place")), -1);
}

/* In a child with a mount namespace of its own: 64 KiB of tmpfs. Exit status: 0 held, 2 no mount,
 * else the number of the claim that failed. */
static int on_a_full_disk(void)
{
    static char big[256 * 1024];
    struct err err = {0};
    char options[] = "size=64k";

    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0
        || mount("tmpfs", in("full"), "tmpfs", 0, options) != 0)
        return 2;
    if (fs_write_atomic(in("full/f"), "old contents", 12, 0600, &err) != 0)
        return 3;
    memset(big, 'x', sizeof big);
    if (fs_write_atomic(in("full/f"), big, sizeof big, 0600, &err) == 0)
        return 4;
    if (err.code != ERR_NO_SPACE)
        return 5;
    if (strcmp(read_text(in("full/f")), "old contents") != 0)
        return 6;
    if (entries(in("full")) > 1)
        return 7; /* the temporary file was left behind */
    return fs_free_bytes(in("full")) > 0 ? 0 : 8;
}

static void a_full_disk_changes_nothing(void)
{
    struct err err = {0};
    int status = -1;
    pid_t child;

    if (geteuid() != 0)
        SKIP("needs root, for a small file system of its own");
    CHECK(fs_mkdirs(in("full"), 0700, &err) == 0);
    child = fork();
    if (child == 0)
        _exit(on_a_full_disk());
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    if (WEXITSTATUS(status) == 2)
        SKIP("this kernel or container allows no mount namespace");
    CHECK_INT(WEXITSTATUS(status), 0);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(root, sizeof root, "%s/wl-fs-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(root) == NULL)
        return 1;
    TAP_RUN(folders_are_made_with_their_parents);
    TAP_RUN(a_file_is_replaced_whole_with_its_mode);
    TAP_RUN(a_link_is_replaced_not_followed);
    TAP_RUN(reading_has_a_limit_and_names_what_is_missing);
    TAP_RUN(opening_beneath_never_leaves_the_folder);
    TAP_RUN(removing_a_tree_follows_no_link);
    TAP_RUN(joining_says_when_it_does_not_fit);
    TAP_RUN(free_space_is_known_or_minus_one);
    TAP_RUN(a_full_disk_changes_nothing);
    (void)read_text("/nonexistent"); /* frees what the last call kept */
    if (fs_remove_tree(root, NULL) != 0)
        return 1;
    return tap_done();
}
