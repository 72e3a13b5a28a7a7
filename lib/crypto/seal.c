/* seal.c - the only half of public-key encryption that the web side is linked with. */
#include "lib/crypto/seal.h"

#include <sodium.h>

_Static_assert(SEAL_KEY_BYTES == crypto_box_PUBLICKEYBYTES, "X25519 key");
_Static_assert(SEAL_OVERHEAD == crypto_box_SEALBYTES, "ephemeral key and tag");

int seal_to(const uint8_t public_key[SEAL_KEY_BYTES], const void *plain, size_t len, uint8_t *out,
            struct err *err)
{
    if (crypto_box_seal(out, plain, len, public_key) != 0) {
        err_set(err, ERR_INTERNAL, "The value could not be sealed to the worker's key.");
        return err_detail(err, "crypto_box_seal refused the public key");
    }
    return 0;
}
