/* generate.h - new secrets: the generators that the secrets editor offers, by name.
 *
 * All are made of libsodium's random bytes, without bias. crypto_start must have succeeded. The
 * results are secrets: the caller wipes its buffers (crypto_wipe). Nothing here can open or verify
 * anything, so the web programs may link it. */
#ifndef WL_CRYPTO_GENERATE_H
#define WL_CRYPTO_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

#define GENERATE_SIZE     96  /* the longest value and NUL */
#define GENERATE_PEM_SIZE 160 /* a private or public Ed25519 key and NUL */

struct generate_kind {
    const char *name;  /* "base64-32"; in forms and the API */
    const char *label; /* for people */
    size_t length;     /* characters of the value; 0: see is_pair */
    bool is_pair;      /* generate_pair makes it, as two PEM files */
};

const struct generate_kind *generate_kinds(size_t *count);
/* NULL when there is none of that name. */
const struct generate_kind *generate_find(const char *name);

/* A new value; ERR_INPUT for an unknown name and for a pair. */
int generate_value(const char *name, char text[GENERATE_SIZE], struct err *err) MUST_USE;

/* A new Ed25519 key pair, byte for byte in the form of `openssl genpkey -algorithm ed25519`
 * (PKCS#8, RFC 8410 section 7) and `openssl pkey -pubout` (SubjectPublicKeyInfo, section 4). */
void generate_pair(char private_pem[GENERATE_PEM_SIZE], char public_pem[GENERATE_PEM_SIZE]);

#endif
