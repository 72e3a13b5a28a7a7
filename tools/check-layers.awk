# check-layers.awk - prints every include that breaks the layers lib <- db <- {cgi, worker, cli}, and every third-party header outside
# its folder. Input: C files, by their paths from the project's folder. Status 1 when there is any.

BEGIN {
    # What a folder's files may include: prefixes of our own headers.
    may["lib/base/"] = "lib/base/"
    may["lib/crypto/"] = "lib/base/ lib/crypto/"
    may["lib/yaml/"] = "lib/base/ lib/yaml/"
    may["lib/domain/"] = "lib/base/ lib/crypto/ lib/yaml/ lib/domain/"
    may["lib/net/"] = "lib/"
    may["db/"] = "lib/base/ lib/crypto/ lib/domain/ db/ statements.h"
    # The web side is linked with neither the network nor the vault, and must not know their headers.
    may["cgi/"] = "lib/base/ lib/crypto/ lib/domain/ db/ cgi/ statements.h"
    may["worker/"] = "lib/ db/ worker/"
    may["cli/"] = "lib/ db/ cli/"
    may["examples/"] = "examples/"
    refused["cgi/"] = "lib/crypto/unseal.h db/vault/"
    refused["lib/domain/"] = "lib/crypto/unseal.h"

    # Where a third-party header may be included. jansson, the language of models and messages, may be everywhere.
    home["sqlite3.h"] = "db/ tests/db/"
    home["sodium.h"] = "lib/crypto/"
    home["curl/"] = "lib/net/ worker/ssh/ssh_http.c"
    home["libssh2"] = "worker/ssh/"
    home["fcgi"] = "cgi/http/"
    home["yaml.h"] = "lib/yaml/"
    home["openssl/"] = "lib/crypto/ db/vault/"
}

function starts_with_any(text, list,    words, n, i) {
    n = split(list, words, " ")
    for (i = 1; i <= n; i++)
        if (index(text, words[i]) == 1)
            return 1
    return 0
}

function complain(why) {
    printf "%s:%d: %s\n", FILENAME, FNR, why
    found = 1
}

/^#[ \t]*include[ \t]+"/ {
    split($0, part, "\"")
    for (folder in may) {
        if (index(FILENAME, folder) != 1)
            continue
        if (!starts_with_any(part[2], may[folder]))
            complain("a file of " folder " may not include " part[2])
        if ((folder in refused) && starts_with_any(part[2], refused[folder]))
            complain("a file of " folder " may not include " part[2])
    }
}

/^#[ \t]*include[ \t]+</ {
    split($0, part, /[<>]/)
    for (header in home)
        if (index(part[2], header) == 1 && !starts_with_any(FILENAME, home[header]))
            complain("<" part[2] "> belongs into " home[header] "only")
}

END { exit found }
