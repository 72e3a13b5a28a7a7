# unpack.sh - the tarball is hostile until it has been looked at: checked against its SHA-256, listed, and only then unpacked, into a folder
# that gets its name when it is complete. Refused before anything is written: names that are absolute or climb with "..", entries that are no
# file, folder or symbolic link, links that lead out, files below a link.
# shellcheck shell=sh disable=SC2154
wl_places

if [ -d "$wl_release" ]; then
    wl_note "Already unpacked: $wl_release"
    exit 0
fi

# --- what arrived is what was sent -------------------------------------------------------------------------------------
[ -f "$WL_ARTEFACT" ] || wl_fail "The tarball is not on the server. Fix: deploy again; it is uploaded anew."
got=$(sha256sum <"$WL_ARTEFACT" | cut -d ' ' -f 1)
if [ "$got" != "$WL_ARTEFACT_SHA256" ]; then
    rm -f -- "$WL_ARTEFACT"
    wl_fail "The tarball arrived damaged: its SHA-256 is $got, not $WL_ARTEFACT_SHA256. It was removed. Fix: deploy again; if it happens twice, check the server's disk and memory."
fi
wl_note "SHA-256 is right: $got"

work=$wl_state/unpack-$WL_JOB
incomplete=$wl_release.incomplete
rm -rf -- "$work" "$incomplete"
mkdir -p -- "$work" "$wl_releases" || wl_write_failed "$wl_root" "Making folders"

magic=$(od -An -tx1 -N 6 <"$WL_ARTEFACT" | tr -d ' \n')
case $magic in
1f8b*) unpacker=gzip ;;
fd377a585a00) unpacker=xz ;;
28b52ffd*) unpacker=zstd ;;
425a68*) unpacker=bzip2 ;;
*) unpacker="cat" ;;
esac
command -v "$unpacker" >/dev/null || wl_fail "The tarball is packed with $unpacker, which the server lacks. Fix: apt-get install $unpacker, or pack it with gzip."

unpacked() { # the tar stream; its status is kept, since a pipe tells only of its last stage
    case $unpacker in
    cat) cat <"$WL_ARTEFACT" ;;
    *) "$unpacker" -dc <"$WL_ARTEFACT" ;;
    esac
    echo $? >"$work/status"
}

list() { # tar's letters, file
    unpacked | tar "$1" - >"$2" 2>"$work/errors" || wl_fail "The file is not a tarball: $(head -n 1 "$work/errors"). Fix: build it again with tar -czf."
    [ "$(cat "$work/status")" = 0 ] || wl_fail "The tarball cannot be unpacked with $unpacker: it is cut short or damaged. Fix: build it again and add it anew."
}

list -tf "$work/names"
if grep -q "removing leading" "$work/errors"; then # busybox lists such names without their beginning
    wl_fail "The tarball was refused: $(sed -n "s/.*removing leading/a name begins with/p" "$work/errors" | head -n 1 | sed "s/ from member names//"), so it is absolute or climbs out with \"..\". Nothing was unpacked. Fix: build the tarball without it."
fi
list -tvf "$work/entries"

# --- what is inside ------------------------------------------------------------------------------------------------------
cat >"$work/check.awk" <<'AWK'
function refuse(text) { print text; bad = 1; exit }
function climbs(path, depth,    parts, n, i) {   # walks the path from a folder so deep; true when it ever leaves
    n = split(path, parts, "/")
    for (i = 1; i <= n; i++) {
        if (parts[i] == "" || parts[i] == ".") continue
        if (parts[i] == "..") { if (--depth < 0) return 1 } else depth++
    }
    return 0
}
function plain(path) { gsub(/\/+/, "/", path); while (sub(/^\.\//, "", path)) ; sub(/\/$/, "", path); return path }
function depth_of(path,    parts) { return split(path, parts, "/") - 1 }
FILENAME == names { name[++count] = $0; next }
{
    entry++
    type = substr($0, 1, 1)
    if (entry > count) refuse("a name holds a line break")
    path = name[entry]
    if (type !~ /[-dl]/) refuse(path " is neither a file, a folder nor a symbolic link")
    if (path ~ /^\//) refuse("the name " path " is absolute")
    if (("/" path "/") ~ /\/\.\.\//) refuse("the name " path " climbs out with ..")
    path = plain(path)
    if (type == "l") {
        at = index($0, name[entry] " -> ")
        if (at == 0) refuse("the link " path " cannot be read")
        target = substr($0, at + length(name[entry]) + 4)
        if (target ~ /^\//) refuse("the link " path " leads to " target ", outside the release")
        if (climbs(target, depth_of(path))) refuse("the link " path " leads to " target ", outside the release")
        link[path] = 1
    }
    if (type == "-" && index($0, name[entry] " -> ") > 0) refuse(path " is a hard link") # as busybox lists them
    if (type == "-") bytes += $3
    kind[entry] = path
}
END {
    if (bad) exit
    if (entry != count) { print "a name holds a line break"; exit }
    if (count == 0) { print "it is empty"; exit }
    if (count > 500000) { print "it holds more than 500000 entries"; exit }
    for (i = 1; i <= count; i++) {
        n = split(kind[i], parts, "/")
        prefix = ""
        for (j = 1; j < n; j++) {
            prefix = prefix (j > 1 ? "/" : "") parts[j]
            if (prefix in link) { print "the entry " kind[i] " lies below the symbolic link " prefix; exit }
        }
    }
    printf "ok %d %.0f\n", count, bytes / 1024
}
AWK
verdict=$(awk -v names="$work/names" -f "$work/check.awk" "$work/names" "$work/entries")
case $verdict in
"ok "*) ;;
*) wl_fail "The tarball was refused: $verdict. Nothing was unpacked. Fix: build the tarball without it." ;;
esac
entries=${verdict#ok }
kilobytes=${entries#* }
entries=${entries%% *}
wl_need_kb "$wl_releases" $((kilobytes + kilobytes / 10 + entries * 4 + 256))

# --- unpack --------------------------------------------------------------------------------------------------------------
mkdir -- "$incomplete" || wl_write_failed "$wl_releases" "Making the release's folder"
strip=
case ${WL_SET_STRIP_TOP:-} in
1 | yes | true | on) strip=--strip-components=1 ;;
esac
# shellcheck disable=SC2086 # empty or one option
if ! unpacked | tar -x -o --no-same-permissions $strip -C "$incomplete" -f - || [ "$(cat "$work/status")" != 0 ]; then
    rm -rf -- "$incomplete" "$work"
    wl_write_failed "$wl_releases" "Unpacking"
fi
find "$incomplete" -type f \( -perm -4000 -o -perm -2000 \) -exec chmod ug-s {} +
{
    printf 'release=%s\nid=%s\nversion=%s\njob=%s\nsha256=%s\n' "$WL_RELEASE" "$WL_RELEASE_ID" "$WL_VERSION" "$WL_JOB" "$WL_ARTEFACT_SHA256"
} >"$incomplete/.windlass-release" || { rm -rf -- "$incomplete"; wl_write_failed "$wl_releases" "Unpacking"; }
sync -f "$incomplete" 2>/dev/null || sync
mv -T -- "$incomplete" "$wl_release" || wl_write_failed "$wl_releases" "Naming the release's folder"
rm -rf -- "$work"
wl_result entries "$entries"
wl_result kilobytes "$kilobytes"
wl_note "Unpacked $entries entries, $(wl_mb "$kilobytes"), into $wl_release"
