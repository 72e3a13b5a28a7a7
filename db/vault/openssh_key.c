/* openssh_key.c - writing Ed25519 keys as OpenSSH does (openssh_key.h names the formats).
 *
 * libsodium's secret key is the 32-byte seed and the 32-byte public key one after the other, which
 * is exactly what PROTOCOL.key wants in the private section. */
#include "db/vault/openssh_key.h"

#include <string.h>
#include "lib/crypto/crypto.h"

#define KEY_TYPE   "ssh-ed25519"
#define MAGIC      "openssh-key-v1" /* with its NUL */
#define BLOB_MAX   512
#define LINE_WIDTH 70
#define BLOCK_SIZE 8 /* of cipher "none" */

static void add_u32(struct buf *out, uint32_t value)
{
    uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                        (uint8_t)value};

    buf_add(out, bytes, sizeof bytes);
}

/* RFC 4251 section 5 "string". */
static void add_string(struct buf *out, const void *bytes, size_t len)
{
    add_u32(out, (uint32_t)len);
    buf_add(out, bytes, len);
}

static const uint8_t *public_half(const uint8_t secret_key[SIGN_SECRET_BYTES])
{
    return secret_key + SIGN_SECRET_BYTES - SIGN_PUBLIC_BYTES;
}

static void add_public_blob(struct buf *out, const uint8_t secret_key[SIGN_SECRET_BYTES])
{
    struct buf blob;

    buf_init(&blob, BLOB_MAX);
    add_string(&blob, KEY_TYPE, strlen(KEY_TYPE));
    add_string(&blob, public_half(secret_key), SIGN_PUBLIC_BYTES);
    add_string(out, blob.data, blob.len);
    buf_deinit(&blob);
}

static void add_private_section(struct buf *out, const uint8_t secret_key[SIGN_SECRET_BYTES],
                                const char *comment)
{
    struct buf section;
    uint32_t check;

    buf_init(&section, BLOB_MAX);
    crypto_random(&check,
                  sizeof check); /* twice the same: how a reader knows the passphrase fits */
    add_u32(&section, check);
    add_u32(&section, check);
    add_string(&section, KEY_TYPE, strlen(KEY_TYPE));
    add_string(&section, public_half(secret_key), SIGN_PUBLIC_BYTES);
    add_string(&section, secret_key, SIGN_SECRET_BYTES);
    add_string(&section, comment, strlen(comment));
    for (char pad = 1; section.len % BLOCK_SIZE != 0; pad++)
        buf_add_char(&section, pad);
    add_string(out, section.data, section.len);
    buf_wipe(&section);
    buf_deinit(&section);
}

void openssh_private_key(struct buf *out, const uint8_t secret_key[SIGN_SECRET_BYTES],
                         const char *comment)
{
    char text[CRYPTO_B64_SIZE(BLOB_MAX)];
    struct buf whole;

    buf_init(&whole, BLOB_MAX);
    buf_add(&whole, MAGIC, sizeof MAGIC);
    add_string(&whole, "none", 4); /* cipher */
    add_string(&whole, "none", 4); /* key derivation */
    add_string(&whole, "", 0);     /* and its options */
    add_u32(&whole, 1);            /* keys */
    add_public_blob(&whole, secret_key);
    add_private_section(&whole, secret_key, comment);
    if (!buf_ok(&whole) || whole.len > BLOB_MAX)
        out->failed = true;
    else {
        crypto_b64(text, sizeof text, whole.data, whole.len);
        buf_add_str(out, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
        for (size_t at = 0, len = strlen(text); at < len; at += LINE_WIDTH) {
            buf_add(out, text + at, len - at < LINE_WIDTH ? len - at : LINE_WIDTH);
            buf_add_char(out, '\n');
        }
        buf_add_str(out, "-----END OPENSSH PRIVATE KEY-----\n");
    }
    crypto_wipe(text, sizeof text);
    buf_wipe(&whole);
    buf_deinit(&whole);
}

void openssh_public_key(struct buf *out, const uint8_t secret_key[SIGN_SECRET_BYTES],
                        const char *comment)
{
    char text[CRYPTO_B64_SIZE(BLOB_MAX)];
    struct buf blob;

    buf_init(&blob, BLOB_MAX);
    add_public_blob(&blob, secret_key);
    crypto_b64(text, sizeof text, blob.data + 4, blob.len - 4); /* without the outer length */
    buf_printf(out, "%s %s %s", KEY_TYPE, text, comment);
    buf_deinit(&blob);
}
