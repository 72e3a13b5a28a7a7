# check.sh - does this server have what deploys need? Reads only. The supervisor runs it in mode `check`: sent over the connection, nothing is put there.
#
# Results: check_<id> = state TAB label TAB cause TAB fix, state one of ok, warn, failed. "failed" stops deploys, "warn" takes away a comfort. The ids are those
# that recipes name under "capabilities". fact_<name> = what was seen.
# shellcheck shell=sh disable=SC2154
tab=$(printf '\t')

report() { # id, state, label, what was seen or the cause, fix
    wl_result "check_$1" "$2$tab$3$tab$4$tab${5:-}"
    case $2 in
    ok) printf '\033[32m  ok\033[0m    %s: %s\n' "$3" "$4" ;;
    warn) printf '\033[33m  warn\033[0m  %s: %s Fix: %s\n' "$3" "$4" "$5" ;;
    *) printf '\033[31m  fail\033[0m  %s: %s Fix: %s\n' "$3" "$4" "$5" ;;
    esac
}
fact() { wl_result "fact_$1" "$2"; }
has() { command -v "$1" >/dev/null 2>&1; }

# The line that installs a package here; a person copies it.
if has apt-get; then
    install="sudo apt-get install -y"
elif has dnf; then
    install="sudo dnf install -y"
elif has apk; then
    install="sudo apk add"
elif has zypper; then
    install="sudo zypper install -y"
elif has pacman; then
    install="sudo pacman -S"
else
    install="install the package"
fi

needs() { # id, label, command, package, state when missing, why it is needed
    if has "$3"; then
        report "$1" ok "$2" "$(command -v "$3")"
    else
        report "$1" "$5" "$2" "$3 is missing: $6." "$install $4"
    fi
}

# --- the machine ---------------------------------------------------------------------------------------------------------
system=$(uname -s)
name=$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release 2>/dev/null | tr -d '"')
arch=$(uname -m)
fact os "${name:-$system}"
fact arch "$arch"
fact kernel "$(uname -r)"
fact login "$(id -un)"
fact cpus "$(grep -c '^processor' /proc/cpuinfo 2>/dev/null || echo 0)"
fact memory_kb "$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo 2>/dev/null)"
if [ "$system" = Linux ] && [ -r /proc/self/stat ]; then
    report linux ok "Operating system" "${name:-Linux}, $arch"
else
    report linux failed "Operating system" "This is $system without /proc; deploys need Linux." "use a Linux server"
fi
report shell ok "Shell" "/bin/sh works$(readlink -f /bin/sh 2>/dev/null | sed 's/^/ (/; s/$/)/')"

# --- places --------------------------------------------------------------------------------------------------------------
fact home "$HOME"
if [ -d "$HOME" ] && [ -w "$HOME" ]; then
    report home ok "Home folder" "$HOME is writable"
else
    report home failed "Home folder" "$HOME is missing or not writable for $(id -un)." "sudo install -d -o $(id -un) $HOME"
fi
free=$(wl_free_kb "$HOME")
fact disk_free_kb "${free:-0}"
fact disk_total_kb "$(df -Pk -- "$HOME" 2>/dev/null | awk 'NR == 2 { print $2 }')"
if [ -z "$free" ]; then
    report disk warn "Free disk space" "df does not say how much is free." "$install coreutils"
elif [ "$free" -lt 204800 ]; then
    report disk failed "Free disk space" "only $(wl_mb "$free") are free in $HOME." "remove old files there; look with: du -xh $HOME | sort -h | tail"
elif [ "$free" -lt 1048576 ]; then
    report disk warn "Free disk space" "$(wl_mb "$free") are free in $HOME; that is little." "remove old files there; look with: du -xh $HOME | sort -h | tail"
else
    report disk ok "Free disk space" "$(wl_mb "$free") free in $HOME"
fi
inodes=$(df -Pi "$HOME" 2>/dev/null | awk 'NR == 2 { print $4 }')
case $inodes in
'' | *[!0-9]*) ;;
*) [ "$inodes" -ge 2000 ] || report inodes warn "Free inodes" "only $inodes files more fit into $HOME." "remove folders with many small files" ;;
esac

# --- tools a deploy cannot do without ----------------------------------------------------------------------------------------
needs setsid "setsid" setsid util-linux failed "steps could not survive a lost connection"
if mv --help 2>&1 | grep -q -e ' -T' -e '-T,' -e '[[]-[a-zA-Z]*T'; then
    report mv_t ok "mv -T" "links can be switched in one instant"
else
    report mv_t failed "mv -T" "mv knows no -T, so the link current could not be switched in one instant." "$install coreutils"
fi
needs sha256sum "sha256sum" sha256sum coreutils failed "uploads could not be checked"
needs tar "tar" tar tar failed "tarballs could not be unpacked"
needs gzip "gzip" gzip gzip failed "tarballs could not be unpacked"
if has openssl && ! has base64; then
    report base64 ok "base64" "$(command -v openssl)"
else
    needs base64 "base64" base64 coreutils warn "secret files could not be written"
fi
needs awk "awk" awk mawk failed "step scripts need it"

# --- comforts ------------------------------------------------------------------------------------------------------------
if tail --version 2>/dev/null | grep -q coreutils; then
    report tail ok "Live logs" "coreutils tail"
else
    report tail ok "Live logs" "busybox tail: new lines show about ten times a second"
fi
if has curl || has wget; then
    report http ok "Health from the server itself" "$(command -v curl || command -v wget)"
else
    report http warn "Health from the server itself" "neither curl nor wget is there; health is asked through SSH, which needs port forwarding for our key." "$install curl"
fi
if has systemctl && [ -d /run/systemd/system ]; then
    fact systemd yes
    report systemd ok "systemd" "running"
else
    fact systemd no
    report systemd ok "systemd" "not running here; the start command of an environment is kept alive instead"
fi
if [ "$(id -u)" -eq 0 ]; then
    fact sudo root
elif has sudo && sudo -n true 2>/dev/null; then
    fact sudo all
else
    fact sudo no
fi

# --- docker, for recipes that use it -------------------------------------------------------------------------------------------
if ! has docker; then
    fact docker no
    fact compose no
    report docker ok "Docker" "not installed; only recipes with containers need it"
else
    version=$(docker version --format '{{.Server.Version}}' 2>/dev/null)
    fact docker "${version:-refused}"
    if [ -n "$version" ]; then
        report docker ok "Docker" "$version"
    elif docker version 2>&1 | grep -qi 'permission denied'; then
        report docker warn "Docker" "$(id -un) may not use the Docker socket." "sudo usermod -aG docker $(id -un) (this account is then as good as root)"
    else
        report docker warn "Docker" "the engine does not answer." "sudo systemctl start docker"
    fi
    compose=$(docker compose version --short 2>/dev/null || docker-compose version --short 2>/dev/null || :)
    fact compose "${compose:-no}"
    if [ -n "$compose" ]; then
        report compose ok "Docker Compose" "$compose"
    else
        report compose warn "Docker Compose" "it is not installed." "$install docker-compose"
    fi
fi

# --- git, for what is built on the server ----------------------------------------------------------------------------------------
if has git; then
    report git ok "git" "$(git --version | cut -d ' ' -f 3)"
else
    report git ok "git" "not installed; only apps that are built from a repository need it"
fi

# --- nginx, for containers behind it -------------------------------------------------------------------------------------------
if ! has nginx; then
    report nginx ok "nginx" "not installed; only apps behind it need it"
elif [ "$(id -u)" -eq 0 ]; then
    report nginx ok "nginx" "may be tested and reloaded"
else
    nginx=$(command -v nginx)
    reload="$nginx -s reload"
    [ ! -d /run/systemd/system ] || reload="$(command -v systemctl) reload nginx"
    # shellcheck disable=SC2086 # words
    if has sudo && sudo -n -l "$nginx" -t >/dev/null 2>&1 && { sudo -n -l $reload || sudo -n -l "$nginx" -s reload; } >/dev/null 2>&1; then
        report nginx ok "nginx" "sudo lets $(id -un) test and reload it"
    else
        report nginx warn "nginx" "$(id -un) may not test and reload it, which apps behind it need." "put this line into /etc/sudoers.d/windlass: $(id -un) ALL=(root) NOPASSWD: $nginx -t, $reload"
    fi
fi

# --- the clock -----------------------------------------------------------------------------------------------------------
here=$(date +%s)
skew=$((here - ${WL_NOW:-$here}))
fact clock_skew_s "$skew"
[ "$skew" -ge 0 ] && ahead=ahead || ahead=behind
apart=${skew#-}
if [ "$apart" -le 5 ]; then
    report clock ok "Clock" "within $apart s of the dashboard's"
else
    report clock warn "Clock" "it is $apart s $ahead of the dashboard's; times in logs will not match, certificates may look invalid." "sudo timedatectl set-ntp true"
fi
