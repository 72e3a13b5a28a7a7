/* reply.c - answers under a key made for one question (reply.h). */
#include "lib/crypto/reply.h"

#include <sodium.h>

_Static_assert(REPLY_KEY_BYTES == crypto_secretbox_KEYBYTES, "reply.h names libsodium's size");
_Static_assert(REPLY_OVERHEAD == crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES,
               "reply.h names libsodium's sizes");

void reply_seal(const uint8_t key[REPLY_KEY_BYTES], const void *plain, size_t len, uint8_t *out)
{
    randombytes_buf(out, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(out + crypto_secretbox_NONCEBYTES, plain, len, out, key);
}

int reply_open(const uint8_t key[REPLY_KEY_BYTES], const uint8_t *in, size_t len, uint8_t *out,
               struct err *err)
{
    if (len < REPLY_OVERHEAD
        || crypto_secretbox_open_easy(out, in + crypto_secretbox_NONCEBYTES,
                                      len - crypto_secretbox_NONCEBYTES, in, key)
               != 0)
        return err_set(err, ERR_INTERNAL, "The worker's answer could not be opened.");
    return 0;
}
