/* Claims about commands and files over SSH: only what was seen to succeed is success; any bytes
 * arrive as they are; nothing blocks for ever. */
#include "tests/tap.h"
#include "tests/integration/ssh_lab.h"
#include "tests/integration/runner_faults.h"

static struct lab lab;
static struct ssh *ssh;

static void reconnect(void)
{
    enum ssh_fault fault;
    struct err err = {0};
    struct ssh_target target = lab_target(&lab);
    ssh_close(ssh);
    ssh = NULL;
    if (ssh_open(&target, &ssh, &fault, &err) != 0)
        printf("# %s\n", err.user);
}

static int run(const char *script, struct buf *out, struct buf *errors, int *status,
               enum ssh_fault *fault, struct err *err)
{
    bool stopped = false;
    struct ssh_run spec = {.script = script,
                           .script_len = strlen(script),
                           .deadline_ms = 20000,
                           .out = out,
                           .errors = errors};
    if (!ssh_alive(ssh))
        reconnect();
    return ssh_run(ssh, &spec, status, &stopped, fault, err);
}

static void a_command_says_its_status_and_both_streams(void)
{
    struct buf out, errors;
    struct err err = {0};
    enum ssh_fault fault;
    int status;
    buf_init(&out, 4096);
    buf_init(&errors, 4096);
    CHECK(run("echo out; echo bad >&2", &out, &errors, &status, &fault, &err) == 0);
    CHECK_STR(out.data, "out\n");
    CHECK_STR(errors.data, "bad\n");
    CHECK_INT(status, 0);
    CHECK(run("exit 7", &out, NULL, &status, &fault, &err) == -1);
    CHECK_INT(status, 7);
    CHECK_INT(fault, SSH_FAULT_REMOTE);
    CHECK(ssh_alive(ssh));
    buf_deinit(&out);
    buf_deinit(&errors);
}

static void a_killed_command_is_not_success(void)
{
    static const char *const scripts[] = {"kill -9 $$", "kill -TERM $$; sleep 1", "kill -SEGV $$"};
    for (size_t i = 0; i < COUNT_OF(scripts); i++) {
        struct buf out;
        struct err err = {0};
        enum ssh_fault fault;
        int status;
        buf_init(&out, 4096);
        CHECK(run(scripts[i], &out, NULL, &status, &fault, &err) == -1);
        CHECK_INT(status, -1);
        CHECK(strstr(err.user, "signal") != NULL);
        buf_deinit(&out);
    }
}

/* What replaces the shell says status 0 to libssh2, but nothing of ours has seen the script end. */
static void a_command_that_does_not_say_how_it_ended_is_not_success(void)
{
    struct buf out;
    struct err err = {0};
    enum ssh_fault fault;
    int status;
    buf_init(&out, 4096);
    CHECK(run("echo begun; exec true", &out, NULL, &status, &fault, &err) == -1);
    CHECK_INT(status, -1);
    CHECK_INT(fault, SSH_FAULT_REMOTE);
    CHECK(strstr(err.user, "without saying how") != NULL);
    /* Nor does a script's own word count: it does not know the nonce. */
    CHECK(run("echo wl-end::0 >&2; exec true", &out, NULL, &status, &fault, &err) == -1);
    buf_deinit(&out);
}

static void a_session_killed_in_the_middle_of_a_command_is_lost(void)
{
    struct buf out;
    struct err err = {0};
    enum ssh_fault fault;
    int status;
    buf_init(&out, 4096);
    reconnect();
    pid_t killer = fork();
    if (killer == 0) {
        clock_sleep_ms(500);
        (void)play_kill_sessions(&lab);
        _exit(0);
    }
    int64_t begun = clock_mono_ms();
    CHECK(run("echo begun; sleep 15; echo end", &out, NULL, &status, &fault, &err) == -1);
    CHECK(clock_mono_ms() - begun < 5000);
    CHECK_INT(fault, SSH_FAULT_LOST);
    CHECK_INT(status, -1);
    CHECK(!ssh_alive(ssh));
    (void)waitpid(killer, NULL, 0);
    buf_deinit(&out);
}

static void a_flood_on_standard_error_does_not_block(void)
{
    struct buf out, errors;
    struct err err = {0};
    enum ssh_fault fault;
    int status;
    buf_init(&out, 4096);
    buf_init(&errors, 1000);
    CHECK(run("head -c 8388613 /dev/zero >&2; echo last >&2; echo fine", &out, &errors, &status,
              &fault, &err)
          == 0);
    CHECK_STR(out.data, "fine\n");
    CHECK_INT(errors.len, 1000);
    CHECK(memcmp(errors.data + 995, "last\n", 5) == 0);
    buf_deinit(&out);
    buf_deinit(&errors);
}

static void an_answer_over_its_maximum_is_an_error(void)
{
    struct buf out;
    struct err err = {0};
    enum ssh_fault fault;
    int status;
    buf_init(&out, 1000);
    CHECK(run("head -c 2000 /dev/zero", &out, NULL, &status, &fault, &err) == -1);
    CHECK(strstr(err.user, "more than 1000 bytes") != NULL);
    buf_deinit(&out);
}

static void a_deadline_ends_a_command_that_does_not(void)
{
    struct buf out;
    struct err err = {0};
    enum ssh_fault fault;
    int status;
    bool stopped;
    buf_init(&out, 1000);
    reconnect();
    struct ssh_run spec = {.script = "sleep 60", .script_len = 8, .deadline_ms = 700, .out = &out};
    int64_t begun = clock_mono_ms();
    CHECK(ssh_run(ssh, &spec, &status, &stopped, &fault, &err) == -1);
    CHECK_INT(fault, SSH_FAULT_DEADLINE);
    CHECK(clock_mono_ms() - begun < 2500);
    spec.deadline_ms = 20000;
    spec.quiet_ms = 500;
    reconnect();
    begun = clock_mono_ms();
    CHECK(ssh_run(ssh, &spec, &status, &stopped, &fault, &err) == -1);
    CHECK_INT(fault, SSH_FAULT_DEADLINE);
    CHECK(clock_mono_ms() - begun < 2500);
    buf_deinit(&out);
}

static int stop_now(void *context, const char *bytes, size_t len)
{
    (void)bytes;
    *(size_t *)context += len;
    return 1;
}

static void a_callback_can_stop_listening_at_once(void)
{
    struct buf out;
    struct err err = {0};
    enum ssh_fault fault;
    int status;
    bool stopped = false;
    size_t seen = 0;
    buf_init(&out, 1000);
    reconnect();
    int64_t begun = clock_mono_ms();
    struct ssh_run spec = {.script = "echo a; sleep 30",
                           .script_len = 16,
                           .deadline_ms = 20000,
                           .output = stop_now,
                           .context = &seen};
    CHECK(ssh_run(ssh, &spec, &status, &stopped, &fault, &err) == 0);
    CHECK(stopped && seen == 2);
    CHECK(!ssh_alive(ssh) && clock_mono_ms() - begun < 2000);
    buf_deinit(&out);
}

static void a_hundred_commands_over_one_session_leave_it_well(void)
{
    struct err err = {0};
    enum ssh_fault fault;
    int status, bad = 0;
    for (int i = 0; i < 100; i++) {
        struct buf out;
        buf_init(&out, 1000);
        bad +=
            run("printf x", &out, NULL, &status, &fault, &err) != 0 || strcmp(out.data, "x") != 0;
        buf_deinit(&out);
    }
    CHECK_INT(bad, 0);
}

static void any_bytes_arrive_as_they_are(void)
{
    char bytes[70000], path[300];
    struct err err = {0};
    enum ssh_fault fault;
    struct buf back;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 + i / 256);
    (void)snprintf(path, sizeof path, "%s/home/a $(touch pwned) 'name\n", lab.folder);
    if (!ssh_alive(ssh))
        reconnect();
    CHECK(ssh_put_bytes(ssh, bytes, sizeof bytes, path, 0600, 10000, &fault, &err) == 0);
    buf_init(&back, 100000);
    CHECK(fs_read_all(path, &back, NULL) == 0 && back.len == sizeof bytes
          && memcmp(back.data, bytes, sizeof bytes) == 0);
    struct stat info;
    CHECK(stat(path, &info) == 0 && (info.st_mode & 0777) == 0600);
    /* It must be new: what somebody else put there is not written to. */
    CHECK(ssh_put_bytes(ssh, "x", 1, path, 0600, 10000, &fault, &err) == -1);
    CHECK_INT(fault, SSH_FAULT_REMOTE);
    CHECK(ssh_alive(ssh));
    buf_deinit(&back);
}

static int64_t told;
static int count_progress(void *context, int64_t done, int64_t total)
{
    (void)context;
    (void)total;
    told = done;
    return 0;
}

static void a_large_file_arrives_whole_with_progress(void)
{
    char path[300], local[300], chunk[65536];
    struct err err = {0};
    enum ssh_fault fault;
    uint8_t sent[CRYPTO_HASH_BYTES], got[CRYPTO_HASH_BYTES];
    struct crypto_sha256_state state;
    struct buf back;
    (void)snprintf(local, sizeof local, "%s/large", lab.folder);
    (void)snprintf(path, sizeof path, "%s/home/large", lab.folder);
    int fd = open(local, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    crypto_sha256_init(&state);
    for (int i = 0; i < 1600; i++) { /* 100 MiB */
        crypto_random(chunk, sizeof chunk);
        crypto_sha256_add(&state, chunk, sizeof chunk);
        CHECK(write(fd, chunk, sizeof chunk) == (ssize_t)sizeof chunk);
    }
    crypto_sha256_end(&state, sent);
    told = 0;
    CHECK(ssh_put(ssh, fd, 1600 * 65536, path, 0600, 120000, count_progress, NULL, &fault, &err)
          == 0);
    CHECK_INT(told, 1600 * 65536);
    buf_init(&back, (size_t)200 * 1024 * 1024);
    CHECK(fs_read_all(path, &back, NULL) == 0);
    crypto_sha256(back.data, back.len, got);
    CHECK(memcmp(sent, got, sizeof sent) == 0);
    /* A record of another size than the file is told, not guessed. */
    CHECK(ssh_put(ssh, fd, 1600 * 65536 + 1, path, 0600, 120000, NULL, NULL, &fault, &err) == -1);
    close(fd);
    buf_deinit(&back);
    (void)unlink(path);
    (void)unlink(local);
}

static void a_full_disk_is_called_full(void)
{
    char path[300], file[320], script[700];
    struct buf out;
    int status;
    struct err err = {0};
    enum ssh_fault fault;
    static char bytes[3 * 1024 * 1024];
    (void)snprintf(path, sizeof path, "%s/small", lab.folder);
    (void)snprintf(script, sizeof script, "mkdir %s && mount -t tmpfs -o size=1m small %s", path,
                   path);
    buf_init(&out, 4096);
    /* By a command there: as root the lab's sshd lives in a mount namespace of its own. */
    if (run(script, &out, NULL, &status, &fault, &err) != 0) {
        buf_deinit(&out);
        SKIP("this account may not mount a small disk");
    }
    (void)snprintf(file, sizeof file, "%s/file", path);
    CHECK(ssh_put_bytes(ssh, bytes, sizeof bytes, file, 0600, 10000, &fault, &err) == -1);
    CHECK(strstr(err.user, "disk of 127.0.0.1 is full") != NULL
          && strstr(err.user, "Fix: ") != NULL);
    CHECK(ssh_alive(ssh));
    (void)snprintf(script, sizeof script, "umount %s", path);
    CHECK(run(script, &out, NULL, &status, &fault, &err) == 0);
    buf_deinit(&out);
}

static void a_folder_that_is_missing_is_named(void)
{
    char file[320];
    struct err err = {0};
    enum ssh_fault fault;
    (void)snprintf(file, sizeof file, "%s/nowhere/file", lab.folder);
    CHECK(ssh_put_bytes(ssh, "x", 1, file, 0600, 10000, &fault, &err) == -1);
    CHECK(strstr(err.user, "does not exist") != NULL);
}

/* --- HTTP through the connection -----------------------------------------------------------------
 */

static pid_t serve(int *port, const char *answer, size_t len)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 8) != 0
        || getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return -1;
    *port = ntohs(address.sin_port);
    pid_t pid = fork();
    if (pid == 0) {
        for (;;) {
            char request[2000];
            int peer = accept(fd, NULL, NULL);
            (void)!read(peer, request, sizeof request);
            for (size_t at = 0; at < len;) {
                ssize_t n = write(peer, answer + at, len - at);
                if (n <= 0)
                    break;
                at += (size_t)n;
            }
            close(peer);
        }
    }
    close(fd);
    return pid;
}

static int get(const char *answer, size_t len, int *status, struct buf *body, struct err *err)
{
    int port = 0;
    enum ssh_fault fault;
    pid_t pid = serve(&port, answer, len);
    if (!ssh_alive(ssh))
        reconnect();
    int rc = ssh_http_get(ssh, port, "/health?a=1", "app.example", 3000, status, body, &fault, err);
    kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    return rc;
}

static void an_app_is_asked_through_the_connection(void)
{
    struct buf body;
    struct err err = {0};
    int status = 0;
    static const char good[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    static const char chunked[] =
        "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    static const char redirect[] =
        "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n";
    buf_init(&body, 1 << 20);
    CHECK(get(good, sizeof good - 1, &status, &body, &err) == 0);
    CHECK_INT(status, 200);
    CHECK_STR(body.data, "ok");
    buf_reset(&body);
    CHECK(get(chunked, sizeof chunked - 1, &status, &body, &err) == 0);
    CHECK_INT(status, 503);
    CHECK_STR(body.data, "abc");
    buf_reset(&body);
    CHECK(get(redirect, sizeof redirect - 1, &status, &body, &err) == 0);
    CHECK_INT(status, 302);
    CHECK(get("not http at all\n", 16, &status, &body, &err) == -1);
    CHECK(get("", 0, &status, &body, &err) == -1);
    CHECK(ssh_alive(ssh));
    buf_deinit(&body);
}

static void a_large_body_is_cut_and_a_closed_port_is_told(void)
{
    static char large[900000];
    struct buf body;
    struct err err = {0};
    enum ssh_fault fault;
    int status = 0;
    memset(large, 'x', sizeof large);
    int len = snprintf(large, sizeof large, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    large[len] = 'y';
    buf_init(&body, 1 << 20);
    CHECK(get(large, sizeof large, &status, &body, &err) == 0);
    CHECK_INT(status, 200);
    CHECK_INT(body.len, 65536);
    CHECK(ssh_http_get(ssh, lab_free_port(), "/", NULL, 3000, &status, &body, &fault, &err) == -1);
    CHECK_INT(fault, SSH_FAULT_REMOTE);
    CHECK_INT(err.code, ERR_REMOTE);
    CHECK(strstr(err.user, "Nothing listens") != NULL);
    CHECK(ssh_alive(ssh));
    buf_deinit(&body);
}

static void forwarding_that_is_not_allowed_is_told_apart(void)
{
    struct lab closed;
    struct ssh *other = NULL;
    struct err err = {0};
    enum ssh_fault fault;
    struct buf body;
    int status = 0;
    buf_init(&body, 1 << 20);
    CHECK(lab_start(&closed, "--option", "AllowTcpForwarding no", NULL));
    struct ssh_target target = lab_target(&closed);
    CHECK(ssh_open(&target, &other, &fault, &err) == 0);
    CHECK(ssh_http_get(other, 80, "/", NULL, 3000, &status, &body, &fault, &err) == -1);
    CHECK_INT(err.code, ERR_DENIED);
    CHECK(ssh_alive(other));
    ssh_close(other);
    buf_deinit(&body);
    lab_stop(&closed);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    if (crypto_start(NULL) != 0)
        return 1;
    if (!lab_start(&lab, "--option", "RekeyLimit 8M", NULL))
        printf("# the private sshd did not start\n");
    reconnect();
    TAP_RUN(a_command_says_its_status_and_both_streams);
    TAP_RUN(a_killed_command_is_not_success);
    TAP_RUN(a_command_that_does_not_say_how_it_ended_is_not_success);
    TAP_RUN(a_session_killed_in_the_middle_of_a_command_is_lost);
    TAP_RUN(a_flood_on_standard_error_does_not_block);
    TAP_RUN(an_answer_over_its_maximum_is_an_error);
    TAP_RUN(a_deadline_ends_a_command_that_does_not);
    TAP_RUN(a_callback_can_stop_listening_at_once);
    TAP_RUN(a_hundred_commands_over_one_session_leave_it_well);
    TAP_RUN(any_bytes_arrive_as_they_are);
    TAP_RUN(a_large_file_arrives_whole_with_progress);
    TAP_RUN(a_full_disk_is_called_full);
    TAP_RUN(a_folder_that_is_missing_is_named);
    TAP_RUN(an_app_is_asked_through_the_connection);
    TAP_RUN(a_large_body_is_cut_and_a_closed_port_is_told);
    TAP_RUN(forwarding_that_is_not_allowed_is_told_apart);
    ssh_close(ssh);
    lab_stop(&lab);
    return tap_done();
}
