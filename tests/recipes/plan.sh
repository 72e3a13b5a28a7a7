#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2154 # $ in single quotes is for the shell on the target
# The recipes' plan.sh: what a look at a server says, also when engine, registry or curl say nothing, under dash and busybox. Docker and curl are stand-ins that answer from
# files: what real engines and registries make of the scripts is shown by tests/scenarios/guide_003.mjs. Each claim is a line of TAP.
set -u
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
. "$(dirname -- "$0")/lib/recipe.sh"
A=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
B=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
tab=$(printf '\t')

# --- stand-ins -----------------------------------------------------------------------------------------------------------------
# $scratch/here: images of the engine, lines "reference digests"; containers: lines as the recipe's template gives them; manifest/<reference with _>: what a registry has.
make_fakes() {
    mkdir -p "$scratch/fakes" "$scratch/manifest"
    cat >"$scratch/fakes/docker" <<'FAKE'
#!/bin/sh
top=$WL_FAKES
echo "docker $*" >>"$top/calls"
[ ! -e "$top/docker-fails" ] || { cat "$top/docker-fails" >&2; exit 1; }
for last; do :; done
case "$1 $2" in
'version --format') case $3 in *Arch*) echo amd64 ;; *) echo 26.1.5 ;; esac ;;
'info --format') case $3 in *IndexConfigs*) cat "$top/insecure" ;; *) echo "$top" ;; esac ;;
'image inspect')
    case $* in
    *RepoDigests*) awk -v want="$last" '$1 == want { for (i = 2; i <= NF; i++) print $i; found = 1 } END { exit !found }' "$top/here" ;;
    *) awk -v want="$last" '$1 == want { found = 1 } { for (i = 2; i <= NF; i++) if ($i == want) found = 1 } END { exit !found }' "$top/here" ;;
    esac
    ;;
'manifest inspect')
    [ -z "${DOCKER_CONFIG:-}" ] || cat "$DOCKER_CONFIG/config.json" >"$top/config"
    file=$top/manifest/$(printf '%s' "$last" | tr '/:@' '___')
    case $* in *' -v '*) file=$file.v ;; esac
    [ -e "$file" ] || { echo 'no such manifest' >&2; exit 1; }
    cat "$file"
    ;;
'ps -aq') [ ! -s "$top/containers" ] || echo some ;;
'inspect --type') cat "$top/containers" ;;
'ps -a') cat "$top/ours" ;;
esac
FAKE
    cat >"$scratch/fakes/curl" <<'FAKE'
#!/bin/sh
cat >"$WL_FAKES/asked"
reference=$(sed -n 's,^url = "http://localhost/distribution/\(.*\)/json"$,\1,p' "$WL_FAKES/asked")
cat "$WL_FAKES/answers/$(printf '%s' "$reference" | tr '/:@' '___')" 2>/dev/null || printf '{"message":"manifest unknown: manifest unknown"}'
FAKE
    chmod 755 "$scratch/fakes"/*
    WL_FAKES=$scratch
    export WL_FAKES
}

fresh() {
    rm -rf "$scratch/manifest" "$scratch/answers" "$scratch/docker-fails" "$scratch/config" "$HOME/apps"
    mkdir -p "$scratch/manifest" "$scratch/answers" "$HOME/apps/shop/.windlass" "$scratch/lock"
    : >"$scratch/here"
    : >"$scratch/containers"
    : >"$scratch/ours"
    : >"$scratch/calls"
    : >"$scratch/insecure"
    rm -f "$scratch/asked"
    [ -e "$scratch/fakes/curl" ] || make_fakes
}

registry_has() { # reference, digest: as the engine answers
    printf '{"Descriptor":{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:%s","size":1609},"Platforms":[{"architecture":"amd64","os":"linux"}]}\n' "$2" \
        >"$scratch/answers/$(printf '%s' "$1" | tr '/:@' '___')"
}

manifest_is() { # reference, text
    printf '%s\n' "$2" >"$scratch/manifest/$(printf '%s' "$1" | tr '/:@' '___')"
}

image_manifest='{
	"schemaVersion": 2,
	"config": {
		"mediaType": "application/vnd.docker.container.image.v1+json",
		"size": 1000,
		"digest": "sha256:cc"
	},
	"layers": [
		{ "size": 30000, "digest": "sha256:l1" },
		{
			"size": 200,
			"digest": "sha256:l2"
		}
	]
}'
list_manifest="{
   \"manifests\": [
      {
         \"size\": 500,
         \"digest\": \"sha256:arm\",
         \"platform\": {
            \"architecture\": \"arm64\"
         }
      },
      {
         \"size\": 501,
         \"digest\": \"sha256:$B\",
         \"platform\": {
            \"architecture\": \"amd64\"
         }
      }
   ]
}"

plan() { # NAME=value ...
    run_plan WL_ENVIRONMENT=env1 WL_SET_PROJECT=shop WL_SET_IMAGE=reg.example/shop "$@"
}

run_plan() { # as run_step, with what recipe.json puts in front of the plan, and over the connection: nothing else gives results
    from=$top/recipes/$recipe
    {
        cat "$top/recipes/lib.sh"
        [ "$recipe" = release ] || cat "$top/recipes/docker.sh" "$top/recipes/docker_plan.sh"
        cat "$from/common.sh" "$from/plan.sh"
    } >"$scratch/plan-script"
    {
        assign WL_JOB=j1 WL_NOW=1 WL_APP=shop WL_ENV=production WL_VERSION=1.2 WL_RELEASE= WL_RELEASE_ID= WL_ARTEFACT_SIZE=1000000 WL_SET_DEPLOY_DIR=apps/shop "$@"
        echo WL_INPUT=inline
        echo "trap 'echo the end is told' EXIT" # as the runner has it: a trap of the script's own would take its place
        cat "$scratch/plan-script"
    } >"$scratch/plan-input"
    in_shell env -u WL_RESULT "$SH" -s <"$scratch/plan-input" >"$log" 2>&1
    sed -n 's/^wl-result //p' "$log" >"$scratch/result"
    results=$scratch/result
    return 0
}

result() { sed -n "s/^$1=//p" "$results"; }
field() { result "$1" | cut -f "$2"; }
is() { [ "$1" = "$2" ] || { echo "# got: $1" && false; }; }
nothing_is_left() { # neither notes in memory nor anything in the app's folder
    [ -z "$(ls -d /dev/shm/windlass-plan.* 2>/dev/null)" ] && [ -z "$(find "$HOME/apps" -type f)" ]
}
web="web${tab}reg.example/shop:1.2"

# --- claims --------------------------------------------------------------------------------------------------------------------
for shell in dash busybox; do
    choose_shell "$shell"
    make_fakes

    for recipe in compose image; do
        fresh
        claim "$recipe: the engine says what a tag is, the registry how large; nothing is pulled, and nothing is left"
        registry_has reg.example/shop:1.2 "$A"
        manifest_is "reg.example/shop@sha256:$A" "$list_manifest"
        manifest_is "reg.example/shop@sha256:$B" "$image_manifest"
        plan WL_PLAN_SERVICES="$web"
        check "looked" is "$(result looked)" 1
        check "the digest of the list" is "$(field planned_1 3)" "reg.example/shop@sha256:$A"
        check "the size of this server's image" is "$(field planned_1 4)" 31200
        check "it is not here" is "$(field planned_1 5)" no
        check "no reason" is "$(field planned_1 9)" ""
        check "room for images" is "$(field disk_1 4)" 31
        check "free room is a number" [ "$(field disk_1 3)" -gt 0 ]
        check_not "nothing is pulled" grep -q 'docker pull' "$scratch/calls"
        check "nothing is left" nothing_is_left
        check "the runner learns how it ended" says '^the end is told$'
    done

    recipe=compose
    fresh
    claim "an image that is here costs nothing, and one that runs is told by the planned digest"
    registry_has reg.example/shop:1.2 "$A"
    printf 'reg.example/shop@sha256:%s\nsha256:id1 other/x@sha256:%s reg.example/shop@sha256:%s reg.example/shop@sha256:%s\n' "$A" "$B" "$B" "$A" >"$scratch/here"
    printf 'web|/shop-web-1|running|none|0|0|false|now|sha256:id1|no|x|0||c1\nweb|/shop-web-2|exited|none|0|0|false|now|sha256:id1|no|x|0||c2\nold|/shop-old-1|running|none|0|0|false|now|sha256:id9|no|x|0||c3\n' >"$scratch/containers"
    plan WL_PLAN_SERVICES="$web"
    check "it is here" is "$(field planned_1 5)" yes
    check "no bytes" is "$(field planned_1 4)" 0
    check "what runs is the same" is "$(field planned_1 6)" "reg.example/shop@sha256:$A"
    check "one of two runs" is "$(field planned_1 7) $(field planned_1 8)" "1 2"
    check "a container whose service is gone" is "$(result gone_1)" "old${tab}shop-old-1"

    fresh
    claim "the login goes to the engine and to docker in memory, never into an argument"
    registry_has reg.example/shop:1.2 "$A"
    manifest_is "reg.example/shop@sha256:$A" "$image_manifest"
    plan WL_PLAN_SERVICES="$web" WL_REGISTRIES=1 WL_REGISTRY_1_HOST=reg.example WL_REGISTRY_1_LOGIN=ann WL_REGISTRY_1_PASSWORD='p"\w$x'
    proof=$(sed -n 's/^header = "X-Registry-Auth: \(.*\)"$/\1/p' "$scratch/asked" | tr -- '-_' '+/' | base64 -d)
    check "the engine's header" is "$proof" '{"username":"ann","password":"p\"\\w$x","serveraddress":"reg.example"}'
    check "docker's configuration" grep -qF "\"reg.example\":{\"auth\":\"$(printf 'ann:p"\\w$x' | base64)\"}" "$scratch/config"
    check_not "no argument has it" grep -qF 'w$x' "$scratch/calls"
    check_not "no output has it" grep -qF 'w$x' "$log"
    check "nothing is left" nothing_is_left

    fresh
    claim "what the registry does not say is not known, with the reason, and the rest is told"
    registry_has docker.io/library/redis:7 "$B"
    printf '{"message":"unauthorized: authentication required"}' >"$scratch/answers/reg.example_private_1"
    plan WL_PLAN_SERVICES="web${tab}reg.example/gone:1
b${tab}reg.example/private:1
c${tab}
d${tab}docker.io/library/redis:7"
    check "looked" is "$(result looked)" 1
    check "gone" is "$(field planned_1 9)" "it is not in the registry reg.example"
    check "no digest" is "$(field planned_1 3)" ""
    check "private" is "$(field planned_2 9 | cut -d: -f1)" "the registry reg.example does not let this server ask"
    check "no name" is "$(field planned_3 9 | cut -c1-23)" "its name has a variable"
    check "as the engine notes it" is "$(field planned_4 3)" "redis@sha256:$B"
    check "its size is not known" is "$(field planned_4 4)" ""
    check "so the room that is needed is not known" is "$(field disk_1 4)" ""

    fresh
    claim "without curl, an image of one platform is known by its own digest, and a list is not known"
    mkdir -p "$scratch/few"
    rm -f "$scratch/fakes/curl"
    for tool in awk sed cat mktemp rm mkdir date head tail cut grep tr df id dirname env sha256sum base64 wc sort ls; do ln -sf "$(command -v "$tool")" "$scratch/few/$tool"; done
    [ "$shell" = dash ] && ln -sf "$(command -v dash)" "$scratch/few/dash"
    ln -sf "$(command -v sh)" "$scratch/few/sh"
    ln -sf "$scratch/fakes/docker" "$scratch/few/docker"
    printf '{\n\t"Ref": "x",\n\t"Descriptor": {\n\t\t"digest": "sha256:%s",\n\t\t"size": 9\n\t}\n}\n' "$A" >"$scratch/manifest/reg.example_shop_1.2.v"
    printf '[\n\t{\n\t"Descriptor": {\n\t\t"digest": "sha256:%s"\n\t}\n}]\n' "$A" >"$scratch/manifest/reg.example_many_1.v"
    only_few=yes
    sed '/^PATH=/d' "$top/recipes/lib.sh" >"$scratch/lib-few.sh" # it adds the usual folders, in which there may be a curl
    real_top=$top
    mkdir -p "$scratch/top/recipes"
    for entry in "$top"/recipes/*; do ln -sfn "$entry" "$scratch/top/recipes/${entry##*/}"; done
    ln -sfn "$scratch/lib-few.sh" "$scratch/top/recipes/lib.sh"
    top=$scratch/top
    plan WL_PLAN_SERVICES="$web
many${tab}reg.example/many:1"
    top=$real_top
    only_few=
    check "looked" is "$(result looked)" 1
    check "known" is "$(field planned_1 3)" "reg.example/shop@sha256:$A"
    check "a list is not known" is "$(field planned_2 3)" ""
    check "with what helps" grep -q 'apt-get install -y curl' "$results"
    make_fakes

    fresh
    claim "only a registry that the engine asks without TLS is asked so for a size"
    echo "reg.example:5000 127.0.0.0/8 10.213.0.0/16 " >"$scratch/insecure"
    for asked in 10.213.9.7:5000/a 10.214.9.7:5000/b reg.example:5000/c reg.example/d; do
        registry_has "$asked@sha256:$A" "$A"
    done
    plan WL_PLAN_SERVICES="a${tab}10.213.9.7:5000/a@sha256:$A
b${tab}10.214.9.7:5000/b@sha256:$A
c${tab}reg.example:5000/c@sha256:$A
d${tab}reg.example/d@sha256:$A"
    check "in the network" grep -q "inspect --insecure 10.213.9.7:5000/a@" "$scratch/calls"
    check "beside it" grep -q "inspect 10.214.9.7:5000/b@" "$scratch/calls"
    check "by name" grep -q "inspect --insecure reg.example:5000/c@" "$scratch/calls"
    check "another name" grep -q "inspect reg.example/d@" "$scratch/calls"

    fresh
    claim "a rollback's digests are looked for as they are, not asked by tag"
    plan WL_PLAN_SERVICES="$web" WL_PINS="web${tab}reg.example/shop@sha256:$B"
    check "the pinned one" is "$(field planned_1 3)" "reg.example/shop@sha256:$B"
    check "that it is gone is said" is "$(field planned_1 9)" "it is not in the registry reg.example"
    check "asked by digest" grep -q "distribution/reg.example/shop@sha256:$B/json" "$scratch/asked"
    printf 'reg.example/shop@sha256:%s\n' "$B" >"$scratch/here"
    plan WL_PLAN_SERVICES="$web" WL_PINS="web${tab}reg.example/shop@sha256:$B"
    check "here" is "$(field planned_1 5)" yes

    fresh
    claim "the file that is there is told by its content"
    plan WL_PLAN_SERVICES="$web"
    check "none" is "$(field file_1 2)" none
    echo 'services: {}' >"$HOME/apps/shop/docker-compose.yml"
    plan WL_PLAN_SERVICES="$web"
    check "its hash" is "$(field file_1 2)" "$(sha256sum <"$HOME/apps/shop/docker-compose.yml" | cut -d' ' -f1)"

    fresh
    claim "an engine that does not answer is told in words, and nothing counts as looked at"
    echo 'permission denied while trying to connect' >"$scratch/docker-fails"
    plan WL_PLAN_SERVICES="$web"
    check "not looked" is "$(result looked)" ""
    check "the cause" cause_has 'may not use Docker'

    recipe=release
    fresh
    claim "release: room for the tarball and for what is in it, and what is live"
    mkdir -p "$HOME/apps/shop/releases/r1"
    printf 'version=1.1\n' >"$HOME/apps/shop/releases/r1/.windlass-release"
    ln -sfn releases/r1 "$HOME/apps/shop/current"
    plan
    check "looked" is "$(result looked)" 1
    check "live" is "$(result live)" 1.1
    check "the tarball" is "$(field disk_1 1) $(field disk_1 4)" "the tarball 2000"
    check "what is in it" is "$(field disk_2 4)" 2977
    rm -rf "$HOME/apps"
    plan
    check "looked where there is nothing yet" is "$(result looked)$(result live)" 1
    check "free room above a folder that is not there" [ "$(field disk_2 3)" -gt 0 ]
    check_not "no folder was made" [ -e "$HOME/apps" ]
    end_claim
done
finish
