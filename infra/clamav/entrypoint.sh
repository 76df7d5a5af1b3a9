#!/bin/bash
# Becomes clamd, with a job beside it that keeps the signatures fresh from a mirror. Nothing stands between clamd and a
# signal, or between its end and that of the container; and a failed update ends neither. Settings: settings.sh; how to
# operate it: docs/signatures.md.
set -uo pipefail
umask 077

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=infra/clamav/state.sh
. "$here/state.sh" || exit 70
# shellcheck source=infra/clamav/settings.sh
. "$here/settings.sh" || exit 70
# shellcheck source=infra/clamav/mirror.sh
. "$here/mirror.sh" || exit 70
# shellcheck source=infra/clamav/rules.sh
. "$here/rules.sh" || exit 70
# shellcheck source=infra/clamav/command.sh
. "$here/command.sh" || exit 70

# Brings what is new, and says how things stand.
refresh() {
  update
  local outcome=$?
  identify_database
  case $outcome in
    0)
      seeded=
      settle current INFO 'new signatures are in place'
      ;;
    1) settle current INFO 'the signatures are those of the mirror' ;;
    *) settle stale WARNING "signatures could not be updated: $failure" ;;
  esac
}

# Starts clamd with the signatures of the image. On a first deployment the mirror is empty, and grants on it take minutes to hold
# (https://cloud.google.com/iam/docs/access-change-propagation): an instance that waited for either would never become ready.
# The scanner decides nothing by signatures without a date or too old, so files wait meanwhile.
seed() {
  cp -- "$here"/signatures/* "$DATABASE_DIRECTORY/" 2>/dev/null || return
  seeded=yes
  report WARNING 'the mirror gave no signatures: clamd starts with those of the image'
}

# A tenth more or less, so that instances which started together do not ask together; sooner after a failure, and soonest until
# the mirror has given something.
pause() {
  local seconds=$REFRESH_SECONDS most=300 milliseconds
  [[ -z $seeded ]] || most=30
  [[ -z $failure || $seconds -lt $most ]] || seconds=$most
  milliseconds=$((seconds * (900 + RANDOM % 201)))
  sleep "$((milliseconds / 1000)).$(printf %03d $((milliseconds % 1000)))"
}

# For as long as clamd is there, which has the process id of this script.
keep_fresh() {
  while pause && kill -0 $$ 2>/dev/null; do
    refresh
    [[ -z $installed ]] || { provide_types || report ERROR 'unscannable.ftm cannot be written'; reload; }
  done
}

# By command and not by SIGUSR2, which would end a clamd that still loads. One that cannot be told looks on its own every SelfCheck
# seconds.
reload() {
  [[ $(clamd_says RELOAD 30) == RELOADING ]] ||
    report WARNING 'clamd could not be told to reload: it will notice within SelfCheck seconds'
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
seeded=
check_settings || exit 64

# clamd leaves its temporary files behind when it is killed, and with a full directory it calls malware clean.
find "$TEMPORARY_DIRECTORY/" -mindepth 1 -delete || fail 73 'TEMPORARY_DIRECTORY cannot be emptied'
chmod 700 -- "$TEMPORARY_DIRECTORY"
rm -f -- "$RUN_DIRECTORY"/{settled,signatures.json}
render_clamd_conf >"$RUN_DIRECTORY/clamd.conf" || fail 73 'clamd.conf cannot be written'

[[ -z $SIGNATURE_MIRROR ]] || refresh
has_database || seed
identify_database
has_database || fail 69 'no signatures: clamd would find nothing, and is not started'
provide_rules || fail 73 'the rules cannot be written to DATABASE_DIRECTORY'

if [[ -n $SIGNATURE_MIRROR ]]; then
  keep_fresh &
fi
report INFO 'clamd starts'
exec clamd --config-file="$RUN_DIRECTORY/clamd.conf"
