/* reply.h - an answer that only who asked can read: crypto_secretbox (XSalsa20-Poly1305) under a
 * key made for one question. Both sides link this; it opens nothing that was sealed to the worker.
 *
 * Layout: 24 bytes of nonce, 16 of tag, ciphertext. */
#ifndef WL_CRYPTO_REPLY_H
#define WL_CRYPTO_REPLY_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

#define REPLY_KEY_BYTES 32
#define REPLY_OVERHEAD  40

/* out must have room for len + REPLY_OVERHEAD bytes. */
void reply_seal(const uint8_t key[REPLY_KEY_BYTES], const void *plain, size_t len, uint8_t *out);
/* out must have room for len - REPLY_OVERHEAD bytes. ERR_INTERNAL when it was altered, or is under
 * another key. */
int reply_open(const uint8_t key[REPLY_KEY_BYTES], const uint8_t *in, size_t len, uint8_t *out,
               struct err *err) MUST_USE;

#endif
