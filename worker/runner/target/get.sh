# get.sh - the health URL asked by the target itself, where SSH may not forward: PORT, URL_PATH, HOST_HEADER. Prints status=, then body= and the body.
# shellcheck shell=sh disable=SC2154
url=http://127.0.0.1:$PORT$URL_PATH
answer=$(mktemp 2>/dev/null) || answer=/dev/null
if command -v curl >/dev/null; then
    if [ -n "$HOST_HEADER" ]; then
        status=$(curl -q -s -m 5 --noproxy '*' -o "$answer" -w '%{http_code}' -H "Host: $HOST_HEADER" "$url")
    else
        status=$(curl -q -s -m 5 --noproxy '*' -o "$answer" -w '%{http_code}' "$url")
    fi
    echo "via=curl"
elif command -v wget >/dev/null; then
    # Without -q, both GNU's and busybox's print the status line with -S.
    head=$(no_proxy='*' wget -S -T 5 -O "$answer" "$url" 2>&1)
    status=$(printf '%s\n' "$head" | sed -n 's/^ *HTTP\/[0-9.]* \([0-9][0-9][0-9]\).*/\1/p' | tail -n 1)
    echo "via=wget"
else
    echo "via=none"
    status=0
fi
echo "status=${status:-0}"
echo "body="
[ "$answer" = /dev/null ] || head -c 65536 "$answer"
[ "$answer" = /dev/null ] || rm -f "$answer"
