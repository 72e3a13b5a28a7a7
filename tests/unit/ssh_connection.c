/* Claims about reaching a server: only the pinned key is trusted, nothing is sent before, and every
 * refusal is told in words. */
#include "tests/tap.h"
#include "tests/integration/ssh_lab.h"

static void a_pinned_server_is_reached_also_when_it_has_a_key_of_another_type(void)
{
    struct lab lab;
    struct err err = {0};
    struct ssh *ssh = NULL;
    enum ssh_fault fault = SSH_FAULT_NONE;
    CHECK(lab_start(&lab, "--host-key", "ecdsa", "--host-key", "ed25519", NULL));
    struct ssh_target target = lab_target(&lab);
    CHECK_STR(lab.type, "ssh-ed25519");
    CHECK(ssh_open(&target, &ssh, &fault, &err) == 0);
    CHECK_STR(err.user, "");
    CHECK(ssh_alive(ssh));
    ssh_close(ssh);
    CHECK(lab_pin(&lab, "ecdsa"));
    target = lab_target(&lab);
    CHECK(ssh_open(&target, &ssh, &fault, &err) == 0);
    ssh_close(ssh);
    lab_stop(&lab);
}

static void a_changed_host_key_is_a_hard_stop_before_any_credential(void)
{
    struct lab lab;
    struct err err = {0};
    struct ssh *ssh = NULL;
    enum ssh_fault fault = SSH_FAULT_NONE;
    CHECK(lab_start(&lab, NULL));
    uint8_t real = lab.blob[40];
    lab.blob[40] ^= 1;
    struct ssh_target target = lab_target(&lab);
    CHECK(ssh_open(&target, &ssh, &fault, &err) != 0);
    CHECK_INT(fault, SSH_FAULT_HOST_KEY);
    struct ssh_host_key key;
    lab.blob[40] = real;
    CHECK(ssh_fetch_host_key("127.0.0.1", lab.port, &key, NULL) == 0);
    CHECK(strstr(err.user, key.print) != NULL); /* the one seen */
    char *first = strstr(err.user, "SHA256:");
    CHECK(first != NULL && strstr(first + 1, "SHA256:") != NULL); /* and the pinned one */
    CHECK(strstr(err.user, "Fix: ") != NULL);
    clock_sleep_ms(200);
    CHECK(!lab_file_has(&lab, "sshd.log", "publickey"));
    CHECK(!lab_file_has(&lab, "sshd.log", "authenticating user"));
    lab_stop(&lab);
}

static void a_pinned_type_that_is_gone_is_a_changed_key(void)
{
    struct lab lab;
    struct err err = {0};
    struct ssh *ssh = NULL;
    enum ssh_fault fault = SSH_FAULT_NONE;
    CHECK(lab_start(&lab, "--host-key", "ecdsa", NULL));
    struct ssh_target target = lab_target(&lab);
    target.pin_type = "ssh-ed25519";
    CHECK(ssh_open(&target, &ssh, &fault, &err) != 0);
    CHECK_INT(fault, SSH_FAULT_HOST_KEY);
    CHECK(strstr(err.user, "no host key of the pinned type ssh-ed25519") != NULL);
    lab_stop(&lab);
}

static void a_fetched_key_is_the_one_ssh_keygen_shows(void)
{
    struct lab lab;
    struct ssh_host_key key;
    struct err err = {0};
    CHECK(lab_start(&lab, "--host-key", "ecdsa", NULL));
    CHECK(ssh_fetch_host_key("127.0.0.1", lab.port, &key, &err) == 0);
    CHECK_STR(key.type, "ecdsa-sha2-nistp256");
    CHECK(key.len == lab.blob_len && memcmp(key.blob, lab.blob, key.len) == 0);
    CHECK(strncmp(key.print, "SHA256:", 7) == 0 && strlen(key.print) == 7 + 43);
    lab_stop(&lab);
}

static void a_wrong_key_is_told_with_the_account_and_the_file(void)
{
    struct lab lab, other;
    struct err err = {0};
    struct ssh *ssh = NULL;
    enum ssh_fault fault = SSH_FAULT_NONE;
    CHECK(lab_start(&lab, NULL) && lab_start(&other, NULL));
    struct ssh_target target = lab_target(&lab);
    target.private_key = other.key.data;
    target.private_key_len = other.key.len;
    CHECK(ssh_open(&target, &ssh, &fault, &err) != 0);
    CHECK_INT(fault, SSH_FAULT_AUTH);
    CHECK(strstr(err.user, "refused our key") != NULL
          && strstr(err.user, "authorized_keys") != NULL);
    target.private_key = "not a key";
    target.private_key_len = 9;
    CHECK(ssh_open(&target, &ssh, &fault, &err) != 0);
    CHECK_INT(fault, SSH_FAULT_AUTH);
    lab_stop(&other);
    lab_stop(&lab);
}

static void an_unreachable_server_is_told_at_once(void)
{
    struct lab lab;
    struct err err = {0};
    struct ssh *ssh = NULL;
    enum ssh_fault fault = SSH_FAULT_NONE;
    CHECK(lab_start(&lab, NULL));
    struct ssh_target target = lab_target(&lab);
    target.port = lab_free_port();
    int64_t begun = clock_mono_ms();
    CHECK(ssh_open(&target, &ssh, &fault, &err) != 0);
    CHECK(clock_mono_ms() - begun < 2000);
    CHECK_INT(fault, SSH_FAULT_UNREACHABLE);
    CHECK(strstr(err.user, "Connection refused") != NULL && strstr(err.user, "Fix: ") != NULL);
    target.host = "no-such-host.invalid";
    CHECK(ssh_open(&target, &ssh, &fault, &err) != 0);
    CHECK_INT(fault, SSH_FAULT_UNREACHABLE);
    lab_stop(&lab);
}

static void a_port_that_is_no_ssh_server_is_told(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        for (;;) {
            int peer = accept(fd, NULL, NULL);
            (void)!write(peer, "HTTP/1.0 400 Bad Request\r\n\r\n", 28);
            close(peer);
        }
    }
    struct ssh_host_key key;
    struct err err = {0};
    CHECK(ssh_fetch_host_key("127.0.0.1", ntohs(address.sin_port), &key, &err) != 0);
    CHECK(strstr(err.user, "not as an SSH server") != NULL);
    kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    close(fd);
}

static void check_words(const char *option, const char *type, const char *word, const char *fix)
{
    struct lab lab;
    struct err err = {0};
    struct ssh *ssh = NULL;
    enum ssh_fault fault = SSH_FAULT_NONE;
    CHECK(lab_start(&lab, "--host-key", type, "--option", option, NULL));
    struct ssh_target target = lab_target(&lab);
    if (strcmp(type, "rsa") == 0)
        target.pin_type = "ssh-ed25519";
    CHECK(ssh_open(&target, &ssh, &fault, &err) != 0);
    CHECK_INT(fault, SSH_FAULT_ALGORITHMS);
    if (strstr(err.user, word) == NULL || strstr(err.user, fix) == NULL)
        CHECK_STR(err.user, word);
    struct ssh_host_key key;
    CHECK(ssh_fetch_host_key("127.0.0.1", lab.port, &key, &err) != 0);
    CHECK(strstr(err.user, word) != NULL);
    printf("# %s\n", err.user);
    lab_stop(&lab);
}

static void a_server_with_only_an_rsa_host_key_is_named(void)
{
    check_words("UseDNS no", "rsa", "host key types rsa-sha2-512", "ssh-keygen -A");
}

static void a_server_with_only_encrypt_then_mac_is_named(void)
{
    check_words("MACs hmac-sha2-256-etm@openssh.com,umac-128-etm@openssh.com\nCiphers aes256-ctr",
                "ed25519", "MACs hmac-sha2-256-etm@openssh.com", "add hmac-sha2-256 to MACs");
}

static void a_server_with_only_gcm_is_named(void)
{
    check_words("Ciphers aes256-gcm@openssh.com,chacha20-poly1305@openssh.com", "ed25519",
                "ciphers aes256-gcm@openssh.com", "add aes256-ctr to Ciphers");
}

static void a_server_with_only_a_hybrid_key_exchange_is_named(void)
{
    check_words("KexAlgorithms sntrup761x25519-sha512@openssh.com", "ed25519",
                "key exchanges sntrup761x25519-sha512@openssh.com",
                "add curve25519-sha256 to KexAlgorithms");
}

int main(void)
{
    if (crypto_start(NULL) != 0)
        return 1;
    TAP_RUN(a_pinned_server_is_reached_also_when_it_has_a_key_of_another_type);
    TAP_RUN(a_changed_host_key_is_a_hard_stop_before_any_credential);
    TAP_RUN(a_pinned_type_that_is_gone_is_a_changed_key);
    TAP_RUN(a_fetched_key_is_the_one_ssh_keygen_shows);
    TAP_RUN(a_wrong_key_is_told_with_the_account_and_the_file);
    TAP_RUN(an_unreachable_server_is_told_at_once);
    TAP_RUN(a_port_that_is_no_ssh_server_is_told);
    TAP_RUN(a_server_with_only_an_rsa_host_key_is_named);
    TAP_RUN(a_server_with_only_encrypt_then_mac_is_named);
    TAP_RUN(a_server_with_only_gcm_is_named);
    TAP_RUN(a_server_with_only_a_hybrid_key_exchange_is_named);
    return tap_done();
}
