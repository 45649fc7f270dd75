#!/bin/sh
# Starts the processes of the Procfile, each again when it ends, then runs the hooks that come after a deployment.
# Output of process NAME is in /var/log/NAME.stdout.log, and on the container's own output.
own=/opt/elasticbeanstalk/ashore
mkdir -p /var/log
runners=
tail=

supervise() {
  name=$1
  log=/var/log/$name.stdout.log
  child=
  trap 'trap "" TERM; [ -z "$child" ] || { kill -TERM "$child" 2>/dev/null; wait "$child"; }; exit 0' TERM
  while :; do
    (cd /var/app/current && exec /bin/sh "$own/processes/$name") >>"$log" 2>&1 &
    child=$!
    wait "$child"
    code=$?
    echo "$(date -u +%Y/%m/%dT%H:%M:%S) [WARN] process $name ended with code $code and is started again" >>"$log"
    sleep 1 &
    child=$!
    wait "$child"
  done
}

finish() {
  trap '' TERM
  [ -z "$runners" ] || kill -TERM $runners 2>/dev/null
  for runner in $runners; do wait "$runner"; done
  [ -z "$tail" ] || kill "$tail" 2>/dev/null
  exit "$1"
}

for path in "$own"/processes/*; do
  name=${path##*/}
  : >>"/var/log/$name.stdout.log"
  supervise "$name" &
  runners="$runners $!"
done
tail -q -n 0 -F /var/log/*.stdout.log 2>/dev/null &
tail=$!
trap 'finish 0' TERM INT

. "$own/functions.sh"
cd /var/app/current || finish 1
while IFS= read -r hook; do
  run_hook "$hook" /var/app/current >>/var/log/eb-hooks.log 2>&1 || {
    echo "hook $hook failed" >>/var/log/eb-hooks.log
    finish 1
  }
done <"$own/postdeploy"

wait
