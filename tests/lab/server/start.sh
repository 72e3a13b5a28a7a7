#!/bin/bash
# start.sh - process 1 of a machine of the lab: boots it (host keys, sshd, dockerd), says when it is ready, reboots it on USR1, adopts orphans.
#
# LAB_DOCKER_GROUP=0: `deploy` may not use the engine; LAB_COMPOSE=0: no Compose; LAB_DOCKERD=0: the engine is not started;
# LAB_INSECURE: the network in which a registry may speak plain HTTP. `lab-dockerd` starts the engine by hand.
set -u

once() {
    [ "${LAB_DOCKER_GROUP:-1}" = 0 ] || usermod -aG docker deploy
    [ "${LAB_COMPOSE:-1}" = 1 ] || rm -f /usr/bin/docker-compose /usr/libexec/docker/cli-plugins/docker-compose /usr/lib/docker/cli-plugins/docker-compose
    # The cgroups of this machine's containers lie below its own.
    local below
    below=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
    cat >/usr/local/sbin/lab-dockerd <<SCRIPT
#!/bin/sh
rm -f /var/run/docker.pid
setsid dockerd --insecure-registry '$LAB_INSECURE' --cgroup-parent '${below%/}/containers' >>/var/log/dockerd.log 2>&1 </dev/null &
end=\$((\$(date +%s) + 50))
until curl -sf --unix-socket /var/run/docker.sock http://docker/_ping >/dev/null; do
    [ "\$(date +%s)" -lt "\$end" ] || exit 1
    sleep 0.05
done
SCRIPT
    chmod 755 /usr/local/sbin/lab-dockerd
}

boot() {
    mkdir -p /run/sshd /run/lab
    # Another boot has another id.
    umount /proc/sys/kernel/random/boot_id 2>/dev/null
    cat /proc/sys/kernel/random/uuid >/run/lab/boot_id
    mount --bind /run/lab/boot_id /proc/sys/kernel/random/boot_id
    if [ "${LAB_DOCKERD:-1}" = 1 ]; then
        lab-dockerd &
    fi
    for type in ed25519 ecdsa; do # to find the primes of an RSA key may take a second
        [ -s /etc/ssh/ssh_host_${type}_key ] || ssh-keygen -q -N '' -t "$type" -f "/etc/ssh/ssh_host_${type}_key"
    done
    /usr/sbin/sshd -E /var/log/sshd.log
    wait
    : >/run/lab/ready
}

reboot() {
    kill -KILL -1
    local mounted
    while read -r _ mounted _; do
        case $mounted in /var/lib/docker/?* | /run/docker/?* | /run/containerd/?*) umount -l "$mounted" ;; esac
    done < <(tac /proc/mounts)
    umount /proc/sys/kernel/random/boot_id
    find /run /tmp -mindepth 1 -xdev -delete
    boot
}

trap reboot USR1
trap 'exit 0' TERM
once
boot
while :; do
    sleep infinity &
    wait $!
done
