#!/bin/bash
# Our Debian package under a real systemd: package-boot.sh PACKAGE FOLDER
# An overlay over this system is booted, with systemd as its first process, in namespaces of its own (without a network but its
# loopback) and a control group of its own; all of it is gone afterwards. There the package is installed and its service used within
# its cage: download, upload, programs, other folders, reload, watchdog, restart. Prints what was seen, step by step; ends with 1 at the first
# thing that is not as it should be, with 77 where this machine does not let a systemd run.
set -euo pipefail
package=$1 folder=$2 stage=${3:-outside}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive HOME=/root LC_ALL=C.UTF-8

say() { echo "== $*"; }
fail() { echo "package-boot: $*" >&2; exit 1; }
cannot() { echo "package-boot: cannot be run here: $*" >&2; exit 77; }

# until SECONDS COMMAND...: until it succeeds.
until_() {
  local last=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -le "$last" ] || return 1
    sleep 0.1
  done
}

if [ "$stage" = outside ]; then
  [ "$(id -u)" = 0 ] || cannot "it needs root"
  [ -x /lib/systemd/systemd ] || cannot "there is no systemd (apt-get install systemd)"
  grep -q '^Seccomp:' /proc/self/status || cannot "the kernel has no seccomp, which is half of the cage"
  groups=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
  [ -n "$groups" ] || cannot "no control groups of the second version are mounted"
  group=$groups/shoal-boot-$$
  mkdir "$group" 2>/dev/null || cannot "control groups cannot be made"
  # shellcheck disable=SC2317 # called by trap
  leave() {
    [ ! -e "$group/cgroup.kill" ] || echo 1 >"$group/cgroup.kill"
    for _ in $(seq 50); do
      find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
      sleep 0.1
    done
  }
  trap leave EXIT
  mkdir -p "$folder"
  code=0
  # The shell that unshares is in the group already, so that this is the root that systemd sees.
  (echo "$BASHPID" >"$group/cgroup.procs" &&
    exec unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child true) || cannot "namespaces cannot be made"
  (echo "$BASHPID" >"$group/cgroup.procs" &&
    exec unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child \
      bash "$here/package-boot.sh" "$package" "$folder" boot) || code=$?
  exit "$code"
fi

if [ "$stage" = boot ]; then
  mount --make-rprivate /
  mount -t tmpfs -o size=2g shoal-boot "$folder"
  mkdir "$folder/upper" "$folder/work" "$folder/root"
  root=$folder/root
  mount -t overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" shoal-boot "$root" || cannot "no overlay"
  mount -t proc proc "$root/proc"
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount -o remount,bind,ro "$root/proc/sys"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" || cannot "control groups cannot be mounted"
  for place in run dev; do mount -t tmpfs -o mode=755 "$place" "$root/$place"; done
  mount -t tmpfs tmp "$root/tmp"
  mkdir "$root/dev/pts" "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    IFS=: read -r name major minor <<<"$device"
    mknod -m 0666 "$root/dev/$name" c "$major" "$minor" || cannot "no devices can be made"
  done
  # Of this system's services none but the journal: it is our unit that is tried.
  rm -rf "$root"/etc/systemd/system/*.wants
  for wanted in "$root"/lib/systemd/system/*.wants/*; do
    case ${wanted##*/} in systemd-journal*.service | systemd-journald.socket | systemd-journald-dev-log.socket | systemd-tmpfiles-setup.service) ;; *) rm -f "$wanted" ;; esac
  done
  mkdir -p "$root/opt/shoal-boot" "$root/etc/systemd/system" "$root/var/log/journal"
  rm -rf "$root/var/lib/shoal" "$root/var/log/journal"
  cp "$package" "$root/opt/shoal-boot/shoal.deb"
  cp "$here/package-boot.sh" "$here/libtorrent_client.py" "$root/opt/shoal-boot/"
  cat >"$root/etc/systemd/system/shoal-boot.service" <<UNIT
[Unit]
SuccessAction=exit
FailureAction=exit
FailureActionExitStatus=1
[Service]
Type=oneshot
TimeoutStartSec=150
ExecStart=/bin/bash /opt/shoal-boot/package-boot.sh /opt/shoal-boot/shoal.deb /opt/shoal-boot use
StandardOutput=file:/opt/shoal-boot/said
StandardError=inherit
UNIT
  # It is what PID 1 says where there is no console: until the end nobody sees it.
  touch "$folder/upper/opt/shoal-boot/said"
  exec 3>&1
  tail -n +1 -f "$folder/upper/opt/shoal-boot/said" >&3 3>&- &
  exec chroot "$root" /usr/bin/env -i container=shoal-boot PATH="$PATH" /lib/systemd/systemd --system \
    --unit=shoal-boot.service --log-level=notice >/dev/null 2>&1 3>&-
fi

# From here on: the service shoal-boot.service of the system that was booted.
state=/var/lib/shoal
cd "$folder"
trap 'code=$?; [ "$code" = 0 ] || { systemctl status --no-pager -l shoal; journalctl --no-pager -b -n 60; }; exit "$code"' EXIT
# The owner's commands, as docs/service.md says them.
shoal() { runuser -u shoal -- /usr/bin/shoal "$@" --state "$state"; }
property() { systemctl show --value -p "$1" shoal; }
is_in() { shoal list --json | grep -F "\"$1\"" | grep -qF "\"state\":\"$2\""; }
is_active() { [ "$(property ActiveState)" = active ]; }
answers() { curl -sf -m 5 http://127.0.0.1:9470/healthz >/dev/null; }

say boot
systemctl --version | head -n 1
dpkg -i "$package" >/dev/null
[ "$(systemctl is-enabled shoal || true)" = disabled ] || fail "it starts before anybody said so"
systemctl enable -q shoal

say start
systemctl start shoal || fail "it does not start"
[ "$(property Type):$(property ActiveState):$(property SubState)" = notify:active:running ] || fail "it is $(property ActiveState)"
property StatusText | grep -q '^0 torrents' || fail "its status says '$(property StatusText)'"
answers || fail "the page does not answer once it is started"

say cage
pid=$(property MainPID)
grep -q '^Seccomp:[[:space:]]*2$' "/proc/$pid/status" || fail "no filter of system calls"
grep -q '^NoNewPrivs:[[:space:]]*1$' "/proc/$pid/status" || fail "it can get privileges"
grep -q '^CapEff:[[:space:]]*0*$' "/proc/$pid/status" || fail "it has capabilities"
[ "$(stat -c %U "/proc/$pid")" = shoal ] || fail "it runs as $(stat -c %U "/proc/$pid")"
inside() { nsenter -t "$pid" -m -r -S "$(id -u shoal)" -G "$(id -g shoal)" -- "$@"; }
install -d -o shoal /srv/films
for place in /etc /usr /srv/films /var/tmp/.. /run; do
  ! inside touch $place/shoal-was-here 2>/dev/null || fail "it can write to $place"
done
inside touch $state/probe /tmp/probe && [ ! -e /tmp/probe ] && rm $state/probe || fail "its own places are not its own"
inside test ! -r /root -a ! -r /home || fail "it sees home folders"
inside test ! -e /proc/1/status || fail "it sees other processes"
inside test ! -e /dev/sda -a ! -e /dev/vda -a -e /dev/urandom || fail "it sees devices"
systemd-analyze security --no-pager --threshold=20 shoal | tail -n 1

say download
mkdir seed
head -c 25000000 /dev/urandom >seed/film.bin
sum=$(sha256sum <seed/film.bin)
/usr/bin/shoal create seed/film.bin -o film.torrent >/dev/null
/usr/bin/python3 libtorrent_client.py --torrent film.torrent --save seed --bind 127.0.0.1 --port 7001 >seed.log 2>&1 &
shoal settings network.port 6881 >/dev/null
shoal settings events.completed "/usr/bin/touch,$state/ran-{id}" >/dev/null
chmod 0644 film.torrent && chmod 0755 .
systemctl restart shoal
shoal add "$PWD/film.torrent" --peer 127.0.0.1:7001 >/dev/null
until_ 60 is_in film.bin seeding || fail "it does not download: $(shoal list --json)"
[ "$(sha256sum <$state/downloads/film.bin)" = "$sum" ] || fail "it downloaded something else"
[ "$(stat -c %U:%a $state/downloads/film.bin)" = shoal:640 ] || fail "the file is $(stat -c %U:%a $state/downloads/film.bin)"
# shellcheck disable=SC2317 # called by until_
ran() { ls $state/ran-* >/dev/null 2>&1; }
until_ 60 ran || fail "the program for events did not run"
kill %1

say upload
mkdir leech
for transport in tcp utp; do
  mkdir "leech/$transport"
  timeout 90 /usr/bin/python3 libtorrent_client.py --torrent film.torrent --save "leech/$transport" --bind 127.0.0.1 --port 7002 \
    --transport "$transport" --peer 127.0.0.1:6881 >"leech/$transport.log" 2>&1 &
  until_ 60 grep -qs '"complete"' "leech/$transport.log" || fail "nothing is uploaded by $transport: $(tail -n 3 "leech/$transport.log")"
  kill $!
  wait $! || true
  [ "$(sha256sum <"leech/$transport/film.bin")" = "$sum" ] || fail "it uploaded something else by $transport"
done

say folder
cp seed/film.bin /srv/films/other.bin && cp seed/film.bin other.bin && chown shoal /srv/films/other.bin
/usr/bin/shoal create other.bin -o other.torrent >/dev/null
truncate -s 1000000 /srv/films/other.bin
/usr/bin/python3 libtorrent_client.py --torrent other.torrent --save . --bind 127.0.0.1 --port 7003 >other.log 2>&1 &
shoal add "$PWD/other.torrent" -o /srv/films --peer 127.0.0.1:7003 >/dev/null
until_ 60 is_in other.bin failed || fail "it writes to a folder that it must not write to: $(shoal list --json)"
shoal list --json | grep -F other.bin | grep -o '"error":"[^"]*"'
mkdir -p /etc/systemd/system/shoal.service.d
printf '[Service]\nReadWritePaths=/srv/films\n' >/etc/systemd/system/shoal.service.d/films.conf
systemctl daemon-reload
systemctl restart shoal
# Whom it was told of is known to the next run only if it was reached for some seconds.
shoal remove other.bin >/dev/null
shoal add "$PWD/other.torrent" -o /srv/films --peer 127.0.0.1:7003 >/dev/null
until_ 60 is_in other.bin seeding || fail "ReadWritePaths= does not help: $(shoal list --json)"
[ "$(sha256sum </srv/films/other.bin)" = "$sum" ] || fail "it downloaded something else to the other folder"

say reload
settings=$state/daemon/settings.toml
printf '\n[feeds]\ninterval = 777\n' >>"$settings"
systemctl reload shoal || fail "it does not read its settings again"
shoal settings feeds.interval | grep -q 777 || fail "it did not read its settings again"
printf '\n[feeds]\ninterval = "often"\n' >>"$settings"
! systemctl reload shoal 2>/dev/null || fail "it takes settings that are wrong"
is_active && answers || fail "wrong settings end it"
sed -i '$d' "$settings" && sed -i '$d' "$settings"

say https
shoal settings http.tls self-signed >/dev/null
systemctl restart shoal
curl -skf -m 5 https://127.0.0.1:9470/healthz >/dev/null || fail "no certificate can be made in there"
shoal settings http.tls off >/dev/null

say watchdog
printf '[Service]\nWatchdogSec=8\nTimeoutAbortSec=1\nRestartSec=100ms\n' >/etc/systemd/system/shoal.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart shoal
pid=$(property MainPID)
sleep 10
[ "$(property MainPID):$(property NRestarts)" = "$pid:0" ] || fail "the watchdog does not hear it"
kill -STOP "$pid"
# shellcheck disable=SC2317 # called by until_
is_anew() { [ "$(property NRestarts)" = 1 ] && is_active; }
until_ 60 is_anew || fail "the watchdog does not start it anew: $(property ActiveState), $(property NRestarts)"
journalctl -u shoal --no-pager | grep -q 'Watchdog timeout' || fail "it was not the watchdog"
for name in film.bin other.bin; do until_ 60 is_in $name seeding || fail "$name is not there again: $(shoal list --json)"; done

say stop
begun=$(date +%s%N)
systemctl stop shoal
took=$((($(date +%s%N) - begun) / 1000000))
echo "stopped in $took ms"
[ "$took" -lt 3000 ] && [ "$(property Result)" = success ] || fail "stopping took $took ms: $(property Result)"
! journalctl -u shoal -o cat --no-pager | grep -E '^ +at ' || fail "a fault in the log"
# Each line has its priority: errors are what was made to fail above.
journalctl -u shoal -p err -o cat --no-pager | sed 's/^/error: /'
journalctl -u shoal -p info -o json --no-pager | grep -q '"SYSLOG_IDENTIFIER":"shoal"' || fail "the journal has nothing of it"

say removal
systemctl start shoal
dpkg -r shoal >/dev/null
[ "$(systemctl is-active shoal || true)" != active ] && ! pgrep -u shoal >/dev/null || fail "it runs on without its package"
[ -s $state/daemon/library.journal ] || fail "removing lost the list of torrents"
say done
