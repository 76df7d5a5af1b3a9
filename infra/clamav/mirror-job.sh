#!/bin/bash
# Fills the signature mirror, once: what the mirror has is the private copy, freshclam fetches what is newer, and that is
# tried (trial.sh) and put into the mirror. For a schedule; the sidecars read the mirror (mirror.sh). See docs/signatures.md.
#
# Exit codes: 0 done, also where nothing is new and where ClamAV asks to wait; 1 something failed, try again; 3 what is new is held;
# 64 settings.
set -uo pipefail
umask 077

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=infra/clamav/state.sh
. "$here/state.sh" || exit 70
# shellcheck source=infra/clamav/settings.sh
. "$here/settings.sh" || exit 70
# shellcheck source=infra/clamav/mirror.sh
. "$here/mirror.sh" || exit 70
# shellcheck source=infra/clamav/publish.sh
. "$here/publish.sh" || exit 70
# shellcheck source=infra/clamav/rules.sh
. "$here/rules.sh" || exit 70
# shellcheck source=infra/clamav/command.sh
. "$here/command.sh" || exit 70
# shellcheck source=infra/clamav/trial.sh
. "$here/trial.sh" || exit 70

: "${SIGNATURE_SOURCE:=https://database.clamav.net}"
: "${TRIAL_LOAD_SECONDS:=240}"
: "${TRIAL_MEMORY_BYTES:=1879048192}"
: "${TRIAL_MAX_HOLD_HOURS:=24}"
: "${SIGNATURE_OVERRIDE:=}"
: "${ROLL_BACK:=}"
official='^(main|daily|bytecode)\.cvd$'
# freshclam's memory: who it is to ClamAV's network, and until when it was asked to stay away.
memory=freshclam.dat

check_job() {
  check_settings
  [[ $SIGNATURE_SOURCE =~ ^https?://[^[:cntrl:][:space:]\"\\#]+[^/]$ ]] ||
    problem SIGNATURE_SOURCE 'must be https://host or http://host, without a slash at its end'
  [[ $SIGNATURE_MIRROR == gs://* ]] || problem SIGNATURE_MIRROR 'must be gs://bucket/prefix'
  whole TRIAL_LOAD_SECONDS 0 3600
  whole TRIAL_MEMORY_BYTES 1 68719476736
  whole TRIAL_MAX_HOLD_HOURS 1 8760
  [[ $SIGNATURE_OVERRIDE =~ ^([0-9a-f]{12})?$ ]] || problem SIGNATURE_OVERRIDE 'must be the 12 characters of a set of signatures'
  [[ $ROLL_BACK =~ ^([A-Za-z0-9_-]+-[0-9a-f]{1,9})?$ ]] || problem ROLL_BACK 'must be NAME-VERSION, such as daily-27654'
  [[ $problems == 0 ]]
}

# The mirror's own files, each checked as the sidecar checks it: a broken one is left out, and so replaced.
take_private_copy() {
  local name
  for name in $SIGNATURE_FILES $memory $trial_state; do
    look_up "$name" || return
  done
  update
  for name in $SIGNATURE_FILES; do
    [[ -e $DATABASE_DIRECTORY/$name && -n ${modified[$name]:-} ]] || continue
    # freshclam asks for what has changed since.
    touch -d "@${modified[$name]}" -- "$DATABASE_DIRECTORY/$name"
  done
  for name in $memory $trial_state; do
    [[ ${generation[$name]} == 0 ]] || fetch_state "$name" || return
  done
}

fetch_state() {
  staged=$RUN_DIRECTORY/staging/$1
  fetch_object "$1" && [[ -e $staged ]] && mv -f -- "$staged" "$DATABASE_DIRECTORY/$1"
}

configure() {
  local name
  render "$here/mirror-job.conf" "DATABASE_DIRECTORY=$DATABASE_DIRECTORY" "SIGNATURE_SOURCE=$SIGNATURE_SOURCE" || return
  for name in $SIGNATURE_FILES; do
    [[ $name =~ $official ]] || printf 'DatabaseCustomURL %s/%s\n' "$SIGNATURE_SOURCE" "$name"
  done
  # As root it would change to its own user, to whom nothing here belongs.
  [[ $(id -u) != 0 ]] || echo 'DatabaseOwner root'
}

# Asks for each file separately: one that cannot be had does not keep back the others.
ask_source() {
  local name custom=
  local -a databases=()
  failure=
  for name in $SIGNATURE_FILES; do
    if [[ $name =~ $official ]]; then databases+=("${name%.cvd}"); else custom=custom; fi
  done
  for name in "${databases[@]}" $custom; do
    # The second time also because freshclam, told to wait, only says so when it is asked again: it then asks nobody.
    ask "$name" || ask "$name" || failure+="${failure:+; }$name: $(grep -v '^\s*$' <<<"$said" | tail -n 3 | tr '\n' ' ')"
    [[ -z $cooling ]] || return
  done
}

ask() {
  local -a options=(--config-file="$RUN_DIRECTORY/mirror-job.conf" --update-db="$1" --stdout)
  # The TXT record tells of ClamAV's own network only.
  [[ $SIGNATURE_SOURCE == https://database.clamav.net ]] || options+=(--no-dns)
  said=$(freshclam "${options[@]}" 2>&1)
  local status=$?
  cooling=$(grep -i 'on cool-down until' <<<"$said" | tail -n 1)
  return $status
}

# For roll_back. freshclam puts a new file in the place of the old, whose other name keeps it.
keep_previous() {
  local name
  for name in $SIGNATURE_FILES; do
    [[ -z ${before[$name]:-} ]] || ln -f -- "$DATABASE_DIRECTORY/$name" "$DATABASE_DIRECTORY/$name.previous" || return
  done
}

put_previous() {
  local previous=$1.previous
  [[ ! -e $DATABASE_DIRECTORY/$previous ]] || { look_up "$previous" && publish "$previous"; }
}

# put_what_is_new NAMES: only what is not what the mirror gave.
put_what_is_new() {
  local name
  for name in $1; do
    [[ -s $DATABASE_DIRECTORY/$name ]] || continue
    [[ $(sha256_of "$name") != "${before[$name]:-}" ]] || continue
    if ! { [[ $name == "$memory" ]] || put_previous "$name"; } || ! publish "$name"; then
      failure+="${failure:+; }$name cannot be put into the mirror: $said"
      continue
    fi
    [[ $name == "$memory" ]] || published+=" $name"
  done
}

database=
cooling=
published=
held=
declare -A generation modified before
check_job || exit 64
rm -f -- "$RUN_DIRECTORY"/settled "$DATABASE_DIRECTORY"/{"$memory","$trial_state"} "$DATABASE_DIRECTORY"/*.previous
asked_at=$(date +%s)
take_private_copy || { report ERROR "the mirror cannot be read: $said"; exit 1; }
if [[ -n $ROLL_BACK ]]; then
  identify_database
  roll_back "$ROLL_BACK" || { report ERROR "signatures could not be rolled back: $said"; exit 1; }
  identify_database
  report WARNING "signatures are rolled back: $ROLL_BACK is refused from now on"
  exit
fi
for name in $SIGNATURE_FILES $memory; do
  [[ ! -e $DATABASE_DIRECTORY/$name ]] || before[$name]=$(sha256_of "$name")
done
keep_previous || { report ERROR 'DATABASE_DIRECTORY takes no second name of a file'; exit 1; }
configure >"$RUN_DIRECTORY/mirror-job.conf" || { report ERROR 'mirror-job.conf cannot be written'; exit 1; }
asked_at=$(date +%s)
ask_source
identify_database
if ! has_changed; then
  remember ''
elif may_be_promoted; then
  # Before the databases: a sidecar that reads one then finds its signature.
  put_signatures
  put_what_is_new "$SIGNATURE_FILES"
  remember ''
else
  held=yes
fi
put_what_is_new "$memory"
[[ -z $published ]] || report INFO "new in the mirror:$published"
if [[ -n $failure ]]; then
  report ERROR "the mirror could not be brought up to date: $failure"
  exit 1
fi
[[ -z $held ]] || exit 3
if [[ -n $cooling ]]; then
  report WARNING "ClamAV's network asks to wait: $cooling"
elif [[ -z $published ]]; then
  report INFO 'the mirror has what there is'
fi
