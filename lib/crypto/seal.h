/* seal.h - sealing to the worker: anyone with the public key can, only the worker can open
 * (lib/crypto/unseal.h).
 *
 * libsodium sealed box (X25519, XSalsa20-Poly1305). windlass-web links this object and not
 * unseal.o. */
#ifndef WL_CRYPTO_SEAL_H
#define WL_CRYPTO_SEAL_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

#define SEAL_KEY_BYTES 32
#define SEAL_OVERHEAD  48 /* sealed length = plain length + this */

/* out must have room for len + SEAL_OVERHEAD bytes. */
int seal_to(const uint8_t public_key[SEAL_KEY_BYTES], const void *plain, size_t len, uint8_t *out,
            struct err *err) MUST_USE;

#endif
