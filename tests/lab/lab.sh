#!/bin/bash
# lab.sh - a lab of real servers on one machine: Debian 12 and 13 as containers with sshd and a Docker engine of their own, a registry with a
# password. For tests (tests/lib/lab.mjs and shell tests call the commands below) and for a developer's own use (`make lab`).
#
#   lab.sh setup [KIND...]              build and keep the images (without KIND: all); takes minutes the first time, a second later
#   lab.sh rootfs KIND | layer          the file of one root file system, of the layer that the tests' images begin with (tests/lib/images.mjs)
#   lab.sh layer postgres               the file of the layer that makes such an image a PostgreSQL
#   lab.sh up | down                    the developer's lab: start it and leave it running; end it
#   lab.sh push NAME:TAG [--fault F]    an image into the developer's registry
#   lab.sh engine hold | release        an engine for the owner: prints DOCKER_HOST to use (nothing: the default one); let it go
#   lab.sh server start --kind 12|13|systemd [--name NAME] [--keys FILE] [--no-docker-group] [--no-compose] [--no-dockerd]
#                       [--docker-disk MB] [--disk PATH=MB] [--memory SIZE|0]       prints name=, ip=, user=, pid=
#   lab.sh server reboot|freeze|unfreeze|cut|join|kill-sessions|remove NAME
#   lab.sh registry start [--user U] [--port PORT]      the password on standard input; prints host=, local=, folder=
#   lab.sh registry stop|restart|password|remove FOLDER           password: the new one on standard input
#   lab.sh sweep                        remove what owners that are gone have left
#
# Everything is labelled with its owner: the process WL_LAB_OWNER (else the one that called lab.sh), by boot, pid and start time. What belongs
# to an owner that is gone is removed by the next start. Needs root. A Docker engine that answers is used as it is; where none does, one is
# started with its own socket, data and bridge, shared by all owners, and ended with the last of them.
#
#   WL_LAB_CACHE   images and the data of an engine of our own (~/.cache/windlass-lab)
#   WL_LAB_STATE   what is running (/tmp/windlass-lab-UID)
#   WL_LAB_NAME    of the developer's lab (wl-lab)
set -u
LAB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in owner engine images server registry sweep up; do
    # shellcheck source=/dev/null
    . "$LAB/lib/$part.sh"
done

usage() {
    sed -n '2,/^set -u/{/^#/s/^# \{0,1\}//p}' "$LAB/lab.sh" >&2
    exit 2
}

command=${1:-}
[ $# -gt 0 ] && shift
lab_state || exit 1
case $command in
setup) lab_setup "$@" ;;
rootfs) lab_rootfs "${1:-minbase}" ;;
layer) if [ "${1:-}" = postgres ]; then lab_postgres_layer; else lab_layer; fi ;;
up) lab_up ;;
down) lab_down ;;
push) lab_push "$@" ;;
engine | server | registry)
    verb=${1:-}
    [ $# -gt 0 ] && shift
    declare -F "lab_${command}_${verb//-/_}" >/dev/null || usage
    "lab_${command}_${verb//-/_}" "$@"
    ;;
sweep) lab_sweep ;;
*) usage ;;
esac
