#!/bin/bash
# Runs clamd, with signatures from a mirror that are kept fresh. It ends when clamd does, so that the platform starts it
# anew, and never because an update failed. Settings: settings.sh; how to operate it: docs/signatures.md.
# shellcheck disable=SC2317 # start_group calls what looks unreachable
set -uo pipefail
umask 077

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=infra/clamav/state.sh
. "$here/state.sh" || exit 70
# shellcheck source=infra/clamav/settings.sh
. "$here/settings.sh" || exit 70
# shellcheck source=infra/clamav/mirror.sh
. "$here/mirror.sh" || exit 70

clamd=
group=
stopping=
stop() {
  stopping=yes
  end_group
  [[ -z $clamd ]] || kill -TERM "$clamd" 2>/dev/null
}
trap stop TERM INT

# A job of its own process group, so that what it waits for (curl, freshclam, sleep) ends with it.
start_group() {
  set -m
  "$@" &
  group=$!
  set +m
}
# By force: of a SIGTERM that comes right after the fork, bash may lose sight. What is left half done is cleared away by
# the next update.
end_group() { [[ -z $group ]] || kill -KILL -- "-$group" 2>/dev/null; }

# A signal interrupts `wait`, which then has to be repeated; and see above for why SIGTERM is.
await() {
  local code
  while
    [[ -z $stopping ]] || { sleep 0.1; kill -TERM "$1" 2>/dev/null; }
    wait "$1"
    code=$?
    kill -0 "$1" 2>/dev/null
  do :; done
  return $code
}

# Brings what is new, and says how things stand.
refresh() {
  update
  local outcome=$?
  identify_database
  case $outcome in
    0) settle current INFO 'new signatures are in place' ;;
    1) settle current INFO 'the signatures are those of the mirror' ;;
    *) settle stale WARNING "signatures could not be updated: $failure" ;;
  esac
  [[ -z $clamd || -z $installed ]] || reload
}

# A tenth more or less, so that instances which started together do not ask together; sooner after a failure.
pause() {
  local seconds=$REFRESH_SECONDS milliseconds
  [[ -z $failure || $seconds -lt 300 ]] || seconds=300
  milliseconds=$((seconds * (900 + RANDOM % 201)))
  sleep "$((milliseconds / 1000)).$(printf %03d $((milliseconds % 1000)))"
}

keep_fresh() {
  while :; do
    pause
    refresh
  done
}

# By command and not by SIGUSR2, which would end a clamd that still loads. One that cannot be told looks by itself
# every SelfCheck seconds.
reload() {
  local connection answer=
  { exec {connection}<>"/dev/tcp/$CLAMD_ADDRESS/$CLAMD_PORT"; } 2>/dev/null &&
    printf 'zRELOAD\0' >&"$connection" && IFS= read -r -d '' -t 30 answer <&"$connection"
  [[ -z ${connection:-} ]] || exec {connection}>&-
  [[ $answer == RELOADING ]] || report WARNING 'clamd could not be told to reload: it will notice within SelfCheck seconds'
}

has_database() {
  local file
  for file in "$DATABASE_DIRECTORY"/*; do
    is_signature_file "$file" && return
  done
  return 1
}

fail() {
  report ERROR "$2"
  exit "$1"
}

database=
failure=
check_settings || exit 64

# clamd leaves its temporary files behind when it is killed, and with a full directory it calls malware clean.
find "$TEMPORARY_DIRECTORY/" -mindepth 1 -delete || fail 73 'TEMPORARY_DIRECTORY cannot be emptied'
chmod 700 -- "$TEMPORARY_DIRECTORY"
rm -f -- "$RUN_DIRECTORY"/{settled,signatures.json}
cp -f -- "$here/unscannable.ndb" "$DATABASE_DIRECTORY/" || fail 73 'DATABASE_DIRECTORY cannot be written to'
render_clamd_conf >"$RUN_DIRECTORY/clamd.conf" || fail 73 'clamd.conf cannot be written'

if [[ -n $SIGNATURE_MIRROR ]]; then
  start_group refresh
  await "$group"
  group=
fi
[[ -z $stopping ]] || exit 0
identify_database
has_database || fail 69 'no signatures: clamd would find nothing, and is not started'

clamd --config-file="$RUN_DIRECTORY/clamd.conf" &
clamd=$!
report INFO 'clamd starts'
[[ -z $SIGNATURE_MIRROR ]] || start_group keep_fresh
# A signal may have come between the two.
[[ -z $stopping ]] || stop
await "$clamd"
code=$?
end_group
[[ -z $stopping ]] || exit 0
fail "$((code > 0 ? code : 1))" "clamd has ended with code $code"
