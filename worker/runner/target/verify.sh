# verify.sh - is what arrived what was sent? ARTEFACT, SIZE, SHA256; LOOK=1 only looks whether it is there already.
# shellcheck shell=sh disable=SC2153,SC2154
hash_of() {
    if command -v sha256sum >/dev/null; then
        sha256sum <"$1" | cut -d ' ' -f 1
    else
        openssl dgst -sha256 -r <"$1" | cut -d ' ' -f 1
    fi
}
if [ "$LOOK" = 1 ]; then
    if [ -f "$ARTEFACT" ] && [ "$(hash_of "$ARTEFACT")" = "$SHA256" ]; then echo "result=there"; else echo "result=missing"; fi
    rm -f "$ARTEFACT.part"
    exit 0
fi
part=$ARTEFACT.part
if [ ! -f "$part" ]; then # the answer to an earlier asking may have been lost on its way
    if [ -f "$ARTEFACT" ] && [ "$(hash_of "$ARTEFACT")" = "$SHA256" ]; then echo "result=ok"; else echo "result=gone"; fi
    exit 0
fi
size=$(wc -c <"$part")
hash=$(hash_of "$part")
if [ "$size" -eq "$SIZE" ] && [ "$hash" = "$SHA256" ]; then
    sync -f "$part" 2>/dev/null
    mv -f "$part" "$ARTEFACT" && echo "result=ok"
else
    rm -f "$part"
    echo "result=damaged"
    echo "size=$size"
    echo "sha256=$hash"
fi
