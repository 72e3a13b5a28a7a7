# settle.sh - the first witness: every service has its containers, they run the images that were pulled, are healthy where they have a health check, and stay so
# through the soak time. What Compose's exit status said does not count here. Forward and undo use the same script.
# Results: service_<n> = service, container, status, health, restarts, image, ports, exit code; in_a_row = seconds without a change.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_engine
umask 077
expected=$wl_state/expected
[ -s "$expected" ] || wl_fail "What should run is not written down ($expected is gone). Fix: deploy again."
since=$(cat "$wl_state/since-$WL_JOB" 2>/dev/null || date +%s)
now=$wl_state/now-$WL_JOB
begun=$(date +%s)
deadline=$((begun + ${WL_SET_HEALTH_DEADLINE_S:-120} + ${WL_SET_SOAK_S:-10}))
soak=${WL_SET_SOAK_S:-10}
listener=
trap stop_listening EXIT

# Who was killed for memory is told by the engine once, and a container that was started again shows nothing of it: so somebody listens from the switch on.
listen_for_ends() { # lines: oom|die, container id, exit code
    command -v timeout >/dev/null 2>&1 || return 0
    timeout $((deadline - begun + soak + 60)) docker events --since "$since" --filter event=oom --filter event=die \
        --filter "label=com.docker.compose.project=$wl_project" --format '{{.Action}} {{.Actor.ID}} {{index .Actor.Attributes "exitCode"}}' >"$now.ends" 2>/dev/null &
    listener=$!
}

killed_for_memory() { # container id: sets why. A busy engine may lose the word that it was for memory; that it was killed it always tells
    looks=3
    while [ "$looks" -gt 0 ]; do
        sleep 1
        if grep -qF "oom $1" "$now.ends" 2>/dev/null; then
            why="was killed because it needs more memory than it may have"
            return
        fi
        looks=$((looks - 1))
    done
    limit=$(awk -F'|' -v id="$1" '$14 == id { print int($12 / 1000000); exit }' "$now")
    if [ "${limit:-0}" -gt 0 ] && grep -qF "die $1 137" "$now.ends" 2>/dev/null; then
        why="was killed (exit code 137), as happens to one that needs more memory than its limit of $limit MB"
    fi
}

stop_listening() {
    [ -z "$listener" ] || kill "$listener" 2>/dev/null || :
    rm -f -- "$now" "$now.sorted" "$now.ends"
}

# Prints: good, wait or bad; the service and container at fault; why. And on a second line what must not change while time is counted.
judge() {
    awk -F'|' -v expected="$expected" '
        function tell(how, service, id, text) { if (how == "bad" && worst != "bad" || worst == "") { worst = how; at = service; who = id; why = text } }
        BEGIN {
            while ((getline line <expected) > 0) { split(line, part, "\t"); order[++n] = part[1]; image[part[1]] = part[2]; count[part[1]] = part[3] }
        }
        {
            seen = seen $1 " " $5 " " $8 " " $14 " "
            service = $1; name = substr($2, 2); status = $3; health = $4; restarts = $5; code = $6; oom = $7; policy = $10
            if (!(service in image)) next
            have[service]++
            if ($9 != image[service]) tell("wait", service, $14, "still runs another image than the one that was pulled")
            else if (oom == "true") tell("bad", service, $14, "was killed because it needs more memory than it may have" ($12 > 0 ? sprintf(" (its limit is %d MB)", $12 / 1000000) : ""))
            else if (status == "running" && restarts < 3) {
                alive++
                if (health == "unhealthy") tell("wait", service, $14, "is unhealthy: its health check fails")
                else if (health == "starting") tell("wait", service, $14, "has not passed its health check yet")
                else if (restarts > 0) again[service] = restarts
            }
            else if (restarts >= 3) tell("bad", service, $14, "ends again and again (" restarts " restarts" (status != "running" ? ", last exit code " code : "") (code == 137 ? ", killed" : "") ")")
            else if (status == "restarting") tell("wait", service, $14, "has ended with exit code " code " and is being started again")
            else if (status == "exited" && code == 0 && (policy == "no" || policy == "on-failure" || policy == "")) ended++
            else if (status == "exited") tell(policy == "no" || policy == "" || policy == "on-failure" ? "bad" : "wait", service, $14, "has ended with exit code " code (code == 137 ? " (killed)" : ""))
            else tell("wait", service, $14, "is " status)
        }
        END {
            for (i = 1; i <= n; i++) if (have[order[i]] + 0 < count[order[i]]) tell("wait", order[i], "", "has " have[order[i]] + 0 " of " count[order[i]] " containers")
            if (worst == "" && alive == 0 && ended > 0) tell("bad", order[1], "", "and all others have ended; nothing runs")
            print (worst == "" ? "good" : worst) "|" at "|" who "|" why
            print seen
        }' "$now"
}

report() { # results and a table for people
    n=0
    sort "$now" >"$now.sorted"
    while IFS='|' read -r service name status health restarts code oom started image policy ref memory ports id; do
        [ -n "$service" ] || continue
        n=$((n + 1))
        [ "$health" != none ] || health=
        named=$(awk -F"$tab" -v service="$service" '$1 == service { print $4; exit }' "$expected") # as the Compose file names it; what runs is its digest
        [ "$n" -gt 40 ] || wl_result "service_$n" "$service$tab${name#/}$tab$status$tab$health$tab$restarts$tab${named:-$ref}$tab${ports% }$tab$code"
        wl_note "  $service: $status${health:+, $health}, $restarts restarts${ports:+, $ports}"
    done <"$now.sorted"
}

failed() { # verdict line: good|service|id|why
    report
    culprit=$(printf '%s' "$1" | cut -d'|' -f2)
    at=$(printf '%s' "$1" | cut -d'|' -f3)
    why=$(printf '%s' "$1" | cut -d'|' -f4)
    if [ -n "$at" ]; then
        wl_show_logs "$at" "$culprit"
        case $why in
        *'exit code 137'* | *'is being started'* | *'again and again'*)
            killed_for_memory "$at"
            ;;
        esac
    fi
    case $why in
    *memory*) fix="raise mem_limit in the Compose file, or let the app use less" ;;
    *'health check'*) fix="see its last lines above, and what its health check says: docker inspect --format '{{json .State.Health}}' $(printf '%s' "$at" | cut -c1-12)" ;;
    *'of '*' containers') fix="see on the server why it was not made: docker compose -p $wl_project ps -a" ;;
    *) fix="see its last lines above" ;;
    esac
    [ "$flaps" -lt 2 ] || why="$why; it was well $flaps times in between and did not stay so (it flaps)"
    wl_fail "The service $culprit $why. Fix: $fix."
}

# Two questions to the engine, or one while all is well: then the list of containers is made anew at every fifth look only, and at once when one of them is gone.
look() {
    if [ -z "$good_since" ] || [ $((looked % 5)) -eq 0 ] || ! wl_inspect "$wl_ids" >"$now"; then
        wl_look >"$now" || wl_engine_failed "The containers cannot be listed."
    fi
    looked=$((looked + 1))
    {
        IFS= read -r verdict
        IFS= read -r seen
    } <<LOOKED
$(judge)
LOOKED
    clock=$(date +%s)
}

listen_for_ends
flaps=0
looked=0
good_since=
signature=
told=
while :; do
    look
    case $verdict in
    good*)
        if [ -z "$good_since" ] || [ "$seen" != "$signature" ]; then
            [ -z "$signature" ] || [ "$seen" = "$signature" ] || wl_note "Something was started again; counting from the beginning."
            good_since=$clock
            signature=$seen
        fi
        [ $((clock - good_since)) -lt "$soak" ] || break
        ;;
    bad*) failed "$verdict" ;;
    *)
        [ -z "$good_since" ] || flaps=$((flaps + 1))
        good_since=
        [ "$clock" -lt "$deadline" ] || failed "$verdict"
        ;;
    esac
    line=${verdict#*|}
    line="${line%%|*} ${verdict##*|}"
    if [ "$line" != "$told" ] && [ "$line" != " " ]; then
        wl_note "Waiting: $line"
        told=$line
    fi
    # Good answers may go on past the deadline by the soak time, not for ever.
    [ "$clock" -lt $((deadline + soak)) ] || failed "wait|$(cut -f1 "$expected" | head -n 1)||does not stay up for $soak s without a restart"
    sleep 1
done
report
wl_result in_a_row "$((clock - good_since))"
wl_note "Every service is up and stayed so for $((clock - good_since)) s."
