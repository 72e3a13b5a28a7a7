# verify.sh - is what arrived what was sent? ARTEFACT, SIZE, SHA256; LOOK=1 only looks whether it is there already.
# shellcheck shell=sh disable=SC2153,SC2154
hash_of() {
    if command -v sha256sum >/dev/null; then
        sha256sum <"$1" | cut -d ' ' -f 1
    else
        openssl dgst -sha256 -r <"$1" | cut -d ' ' -f 1
    fi
}
is_there() {
    [ -f "$ARTEFACT" ] && [ "$(hash_of "$ARTEFACT")" = "$SHA256" ]
}
if [ "$LOOK" = 1 ]; then
    if is_there; then echo "result=there"; else echo "result=missing"; fi
    rm -f "$ARTEFACT.part"
    exit 0
fi
part=$ARTEFACT.part
# An earlier asking whose connection was cut may still run, and take the file to its place at any moment.
size=$(wc -c 2>/dev/null <"$part")
hash=$(hash_of "$part" 2>/dev/null)
if [ "${size:-0}" -eq "$SIZE" ] && [ "$hash" = "$SHA256" ]; then
    sync -f "$part" 2>/dev/null
    said=$(mv -f "$part" "$ARTEFACT" 2>&1) || [ ! -f "$part" ] || {
        echo "result=kept"
        echo "said=$said"
        exit 0
    }
fi
if [ -f "$part" ]; then
    rm -f "$part"
    echo "result=damaged"
    echo "size=$size"
    echo "sha256=$hash"
elif is_there; then
    echo "result=ok"
else
    echo "result=gone"
fi
