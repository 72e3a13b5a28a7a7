# git.sh - what the steps of this recipe share beside what it has from compose: where source and releases lie, how git is run, what its failures mean in words.
#
# In the folder on the server: releases/<id>/, for each release its own checkout of its commit, with .env and secret files in their places; `current`, a link to the one that is
# live, from which Compose runs. In .windlass: source.git (everything that was fetched), and as with compose releases/<id>/ with what is known of each release. Nobody else's
# work tree is touched, and what somebody changed in one of ours is not removed.
# shellcheck shell=sh disable=SC2154,SC2034,SC2089,SC2090 # quotes in GIT_SSH_COMMAND are for the shell that git starts
wl_source_places() {
    wl_source=$wl_state/source.git
    wl_tree=$wl_root/releases/$WL_RELEASE_ID
    wl_source_file "$wl_tree"
    wl_tree_home=$wl_tree$wl_below
    wl_home=$wl_root/current$wl_below
    wl_pins=$wl_release/docker-compose.override.yml
    case ${WL_SET_BUILDER:-} in buildkit) wl_builder=1 ;; classic) wl_builder=0 ;; *) wl_builder= ;; esac
}

wl_source_file() { # checkout: sets the name of its Compose file, and wl_below, the folder in it where that lies
    wl_file=$(cat "$1/.git/windlass-compose" 2>/dev/null || echo docker-compose.yml)
    wl_compose_file=${wl_file##*/}
    case $wl_file in */*) wl_below=/${wl_file%/*} ;; *) wl_below= ;; esac
}

# --- before anything is fetched ----------------------------------------------------------------------------------------------------
wl_source_prepare() {
    command -v git >/dev/null || wl_fail "git is not installed here. Fix: sudo apt-get install -y git"
    wl_note "$(git --version)"
    case ${WL_SET_REPOSITORY:-} in
    http*) [ -e "$(git --exec-path)/git-remote-http" ] || wl_fail "git here cannot fetch over https. Fix: install git-remote-https (Debian: sudo apt-get install -y git)." ;;
    *) command -v ssh >/dev/null || wl_fail "The server has no ssh, by which git fetches. Fix: sudo apt-get install -y openssh-client" ;;
    esac
    if [ -e "$wl_root/current" ] && [ ! -L "$wl_root/current" ]; then
        wl_fail "$wl_root/current is there and is no link of ours. Fix: move it away, or choose another folder in the environment's settings."
    fi
    mkdir -p -- "$wl_root/releases" || wl_write_failed "$wl_root" "Making the folder releases"
    wl_need_kb "$wl_root" 16384
    wl_build_memory
}

wl_build_memory() { # MemAvailable and free swap, against what a build needs
    wl_mb_free=$(awk '/^(MemAvailable|SwapFree):/ { kb += $2 } END { if (NR) print int(kb / 1024) }' "${WL_MEMINFO:-/proc/meminfo}" 2>/dev/null)
    [ -n "$wl_mb_free" ] || return 0
    wl_result memory_mb "$wl_mb_free"
    if [ "$wl_mb_free" -lt "${WL_SET_BUILD_MEMORY_MIN:-0}" ]; then
        wl_fail "Too little memory to build: $wl_mb_free MB are free, swap included, and the settings demand ${WL_SET_BUILD_MEMORY_MIN} MB. Fix: end something, add swap, or lower the minimum in the environment's settings."
    elif [ "$wl_mb_free" -lt "${WL_SET_BUILD_MEMORY:-0}" ]; then
        wl_note "WARNING: the build may run out of memory: $wl_mb_free MB are free, swap included, and it is said to need ${WL_SET_BUILD_MEMORY} MB. With swap it gets slow instead: fallocate -l 2G /swapfile; chmod 600 /swapfile; mkswap /swapfile; swapon /swapfile"
    else
        wl_note "$wl_mb_free MB of memory are free for the build, swap included."
    fi
}

# --- git -----------------------------------------------------------------------------------------------------------------------------
# Key and token lie in the job's folder while the step runs; they are in no argument, no address and no configuration. A token is told to the repository's own server alone.
wl_git_login() {
    wl_login=$WL_JOB_DIR/git
    rm -rf -- "$wl_login"
    mkdir -m 0700 -- "$wl_login" || wl_write_failed "$WL_JOB_DIR" "Making a folder for the key"
    case $WL_SET_REPOSITORY in http*) wl_git_token ;; *) wl_git_key ;; esac
    WL_GIT_SECRET=
    GIT_TERMINAL_PROMPT=0
    GIT_ALLOW_PROTOCOL=https:http:ssh
    export GIT_TERMINAL_PROMPT GIT_ALLOW_PROTOCOL
    unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
}

wl_git_logout() {
    rm -rf -- "$WL_JOB_DIR/git"
}

wl_git_token() {
    wl_host=${WL_SET_REPOSITORY#*://}
    wl_host=${WL_SET_REPOSITORY%%://*}://${wl_host%%/*}
    [ -z "${WL_GIT_SECRET:-}" ] || case $WL_SET_REPOSITORY in http:*) wl_note "WARNING: the token goes over the network unencrypted (http)." ;; esac
    { printf '%s' "${WL_GIT_SECRET:-}" | head -n 1 >"$wl_login/token" && printf '%s' "${WL_SET_GIT_LOGIN:-git}" >"$wl_login/login"; } || wl_write_failed "$wl_login" "Writing the token"
    cat >"$wl_login/askpass" <<ASKPASS || wl_write_failed "$wl_login" "Writing the token"
#!/bin/sh
case \$1 in
"Username for '$wl_host'"*) cat '$wl_login/login' ;;
"Password for '${wl_host%%://*}://${WL_SET_GIT_LOGIN:-git}@${wl_host#*://}'"*) cat '$wl_login/token' ;;
*) exit 1 ;;
esac
ASKPASS
    chmod 0700 "$wl_login/askpass" || wl_write_failed "$wl_login" "Writing the token"
    [ -z "${WL_GIT_SECRET:-}" ] || GIT_ASKPASS=$wl_login/askpass
    export GIT_ASKPASS
}

wl_git_key() {
    case $WL_SET_REPOSITORY in
    ssh://*) wl_host=${WL_SET_REPOSITORY#ssh://} && wl_host=${wl_host%%/*} && wl_host=${wl_host##*@} ;;
    *) wl_host=${WL_SET_REPOSITORY%%:*} && wl_host=${wl_host##*@} ;;
    esac
    wl_options='-o BatchMode=yes -o StrictHostKeyChecking=yes -o UpdateHostKeys=no -o ControlMaster=no -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4'
    if [ -n "${WL_SET_KNOWN_HOSTS:-}" ]; then
        printf '%s\n' "$WL_SET_KNOWN_HOSTS" >"$wl_login/known_hosts" || wl_write_failed "$wl_login" "Writing the host keys"
        wl_options="$wl_options -o GlobalKnownHostsFile=/dev/null -o UserKnownHostsFile='$wl_login/known_hosts'"
    fi
    if [ -n "${WL_GIT_SECRET:-}" ]; then
        (umask 077 && printf '%s\n' "$WL_GIT_SECRET" | tr -d '\r' >"$wl_login/key") || wl_write_failed "$wl_login" "Writing the key"
        wl_options="-F /dev/null -i '$wl_login/key' -o IdentitiesOnly=yes -o IdentityAgent=none $wl_options"
    fi
    GIT_SSH_COMMAND="ssh $wl_options"
    export GIT_SSH_COMMAND
}

wl_git() { # arguments: git, not for longer than most of the step's deadline, without what the account has set up for itself that would keep or send a login, or run a program
    wl_bounded 3000 git -c credential.helper= -c core.hooksPath=/dev/null -c http.followRedirects=false -c gc.auto=0 -c advice.detachedHead=false -c protocol.version=2 "$@"
}

wl_git_failed() { # what was being done: what git said is in wl_text, and in no file: the disk may be full
    printf '%s\n' "$wl_text"
    case $wl_text in
    *'No space left'* | *'no space left'* | *'unable to write'* | *'write error'*) wl_write_failed "$wl_root" "$1" ;;
    *'REMOTE HOST IDENTIFICATION HAS CHANGED'* | *'Host key for '*' has changed'*)
        wl_fail "The git server $wl_host shows another host key than the one that is known: somebody may be in between. Nothing was sent. Fix: ask who runs it why; if the new key is right, put its line into the environment's settings. $(wl_host_keys)"
        ;;
    *'Host key verification failed'* | *'host key is known'*)
        wl_fail "The host key of the git server $wl_host is not known, so nothing was sent. Fix: compare it with what the server's owner publishes, then put its line (above) into the environment's settings. $(wl_host_keys)"
        ;;
    *'error in libcrypto'* | *'invalid format'* | *'Load key'*) wl_fail "The deploy key is no private key that ssh can read (a passphrase is not possible either). Fix: save the whole file of the private key, from BEGIN to END, as the secret ${WL_SET_GIT_SECRET:-}." ;;
    *'Permission denied'*) wl_fail "The git server $wl_host refuses the key. Fix: add its public half to the repository as a deploy key. $(wl_public_key)" ;;
    *'Could not resolve'* | *'Name or service not known'* | *'onnection refused'* | *'timed out'* | *'No route to host'* | *'etwork is unreachable'* | *'Failed to connect'* | *"Couldn't connect"* | *'Temporary failure in name resolution'*)
        wl_fail "The git server $wl_host does not answer: $(wl_last_words). Fix: check the repository's address, and that this server reaches it."
        ;;
    *'Authentication failed'* | *'could not read Username'* | *'could not read Password'* | *'error: 401'* | *'error: 403'*)
        wl_fail "The git server $wl_host refuses the token. Fix: enter it again in the secrets (it may have expired), and check the user name for it in the settings."
        ;;
    *'redirect'* | *'error: 30'*) wl_fail "The repository's address leads elsewhere, and a token is not sent along. Fix: give the address it leads to, in the environment's settings." ;;
    *'not found'* | *'does not appear to be a git repository'* | *'does not exist'* | *'not our ref'* | *'Could not read from remote'* | *'could not read from remote'*)
        wl_fail "There is no repository at $WL_SET_REPOSITORY, or this key may not see it: $(wl_last_words). Fix: check the address in the environment's settings."
        ;;
    esac
    wl_fail "$1 failed: $(wl_last_words). Fix: see the lines above."
}

wl_last_words() {
    printf '%s\n' "$wl_text" | grep -v -e '^Please make sure' -e '^and the repository exists' -e '^fatal: Could not read from remote' -e '^ *$' | tail -n 1 | cut -c1-300
}

wl_host_keys() { # what the server shows now, for a person to compare
    command -v ssh-keyscan >/dev/null && command -v ssh-keygen >/dev/null || return 0
    wl_name=${wl_host%:*}
    wl_port=22
    case $wl_host in *:*) wl_port=${wl_host##*:} ;; esac
    wl_bounded 20 ssh-keyscan -T 5 -p "$wl_port" -t ed25519,ecdsa,rsa "$wl_name" 2>/dev/null >"$wl_login/shown"
    [ -s "$wl_login/shown" ] || return 0
    cat "$wl_login/shown" >&2
    printf 'It shows: %s' "$(ssh-keygen -lf "$wl_login/shown" 2>/dev/null | awk '{ print $2 " " $NF }' | tr '\n' ' ')"
}

wl_public_key() {
    [ -s "$wl_login/key" ] && command -v ssh-keygen >/dev/null || return 0
    printf 'It is: %s' "$(ssh-keygen -y -P '' -f "$wl_login/key" 2>/dev/null </dev/null)"
}

# --- what a release mounts ------------------------------------------------------------------------------------------------------------
# Compose makes a container anew when its definition changes, not when what it mounts from the checkout does; so each service gets a label that is another one then.
wl_mounted() { # folder in which Compose runs, folder with the lists: a hash over everything that is mounted from there
    (
        cd -- "$1" 2>/dev/null || exit 0
        { cat "$2/binds" && cut -d ' ' -f 3 "$2/files.list"; } | sort -u | while IFS= read -r wl_path; do
            [ ! -e "$wl_path" ] || find "./$wl_path" -type f -exec cat {} + 2>/dev/null | wl_sha256
            echo "$wl_path"
        done
    ) | wl_sha256
}
