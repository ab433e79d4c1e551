#!/bin/bash
# The life of our Debian package on a machine of its own: package-life.sh PACKAGE FOLDER
# Run it by "unshare --mount --pid --fork": an overlay over this system, gone afterwards, takes what it changes. Prints what was
# seen, step by step; ends with an error at the first thing that is not as it should be.
set -euo pipefail
package=$1 folder=$2

say() { echo "== $*"; }
fail() { echo "package-life: $*" >&2; exit 1; }

if [ "${3:-}" != inside ]; then
  mount --make-rprivate /
  mount -t tmpfs -o size=1g shoal-package "$folder"
  mkdir -p "$folder/upper" "$folder/work" "$folder/root"
  mount -t overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" shoal-package "$folder/root"
  mount -t proc proc "$folder/root/proc"
  mount --rbind /dev "$folder/root/dev"
  mount -t tmpfs tmp "$folder/root/tmp"
  mount -t tmpfs run "$folder/root/run"
  cp "$package" "$folder/root/tmp/shoal.deb"
  cp "$0" "$folder/root/tmp/package-life.sh"
  cp "$(dirname "$0")/notified.py" "$folder/root/tmp/notified.py"
  exec chroot "$folder/root" /bin/bash /tmp/package-life.sh /tmp/shoal.deb /tmp inside
fi

export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
cd /

say install
dpkg -i "$package"
getent passwd shoal | grep -q ':/var/lib/shoal:' || fail "no user shoal"
[ -x /usr/bin/shoal ] || fail "no program"
[ -s /usr/share/bash-completion/completions/shoal ] || fail "no completion"
/usr/bin/shoal --version
dpkg -V shoal

say unit
systemd-analyze verify /lib/systemd/system/shoal.service
systemd-analyze security --offline=true --threshold=25 /lib/systemd/system/shoal.service | tail -n 1

unit() { sed -n "s/^$1=//p" /lib/systemd/system/shoal.service; }
# What systemd makes of StateDirectory= and its mode.
install -d -o shoal -g shoal -m "$(unit StateDirectoryMode)" "/var/lib/$(unit StateDirectory)"

# run COMMAND...: as the unit does: its user, mask, privileges, and a daemon that has nothing else in its environment.
as_unit() {
  (umask "$(unit UMask)" && exec setpriv --reuid "$(unit User)" --regid "$(unit Group)" --clear-groups --no-new-privs \
    --bounding-set -all --inh-caps -all env -i PATH=/usr/bin:/bin "${@}")
}

say start
# shellcheck disable=SC2046 # one word for each argument of the unit
python3 /tmp/notified.py "$(unit User)" /run/notify-shoal /tmp/told -- $(unit ExecStart) --http 127.0.0.1:0 --no-port-mapping --bind 127.0.0.1 >/tmp/daemon.log 2>&1 &
daemon=$!
for _ in $(seq 300); do grep -q READY=1 /tmp/told 2>/dev/null && break; sleep 0.1; done
grep -q READY=1 /tmp/told || { cat /tmp/daemon.log; fail "it never said that it is ready"; }
grep -q '^STATUS=0 torrents' /tmp/told || fail "no status"
[ "$(stat -c %U:%a /var/lib/shoal/daemon)" = shoal:700 ] || fail "its folder is open to others"
[ "$(stat -c %a /var/lib/shoal)" = 750 ] || fail "the state folder has another mode"

say use
as_unit /usr/bin/shoal status --state /var/lib/shoal
as_unit /usr/bin/shoal add 'magnet:?xt=urn:btih:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' --state /var/lib/shoal
# shellcheck disable=SC2046
as_unit $(unit ExecReload)
as_unit /usr/bin/shoal login --state /var/lib/shoal | grep -q '/login?code=' || fail "no link"
for _ in $(seq 50); do grep -q WATCHDOG=1 /tmp/told && break; sleep 0.1; done
grep -q WATCHDOG=1 /tmp/told || fail "the watchdog hears nothing"

say stop
kill -TERM "$(cat /tmp/told.pid)"
wait "$daemon" || { cat /tmp/daemon.log; fail "it ended with $?"; }
grep -q STOPPING=1 /tmp/told || fail "it did not say that it stops"
# Lines are for the journal or for people, never a stack.
! grep -q '   at ' /tmp/daemon.log || fail "a fault in the log"

say again
dpkg -i "$package"
[ -s /var/lib/shoal/daemon/library.journal ] || fail "installing again lost the list of torrents"

say remove
dpkg -r shoal
[ ! -e /usr/bin/shoal ] && [ ! -e /lib/systemd/system/shoal.service ] || fail "the program is still there"
[ -s /var/lib/shoal/daemon/library.journal ] || fail "removing lost the list of torrents"

say purge
dpkg -P shoal
[ -s /var/lib/shoal/daemon/library.journal ] || fail "purging took what is the user's"
[ ! -e /usr/share/doc/shoal ] || fail "documents are left"
dpkg -i "$package" >/dev/null && rm -rf /var/lib/shoal && install -d -o shoal /var/lib/shoal/downloads && dpkg -P shoal >/dev/null
[ ! -e /var/lib/shoal ] || fail "purging left empty folders"
say done
