#!/bin/bash
# systemd.sh - waits inside a machine with systemd until it is up, puts the keys from standard input there and starts sshd.
umask 077
mkdir -p /root/.ssh
cat >>/root/.ssh/authorized_keys
ssh-keygen -A >/dev/null
until case $(systemctl is-system-running 2>/dev/null) in running | degraded) : ;; *) false ;; esac; do
    sleep 0.2
done
# It has tried before it had its host keys.
systemctl reset-failed ssh
systemctl restart ssh
