#!/bin/bash
# Fills the signature mirror, once: what the mirror has is the private copy, freshclam fetches what is newer, and that is
# put into the mirror. For a schedule; the sidecars read the mirror (mirror.sh). See docs/signatures.md.
#
# Exit codes: 0 done, also where nothing is new and where ClamAV asks to wait; 1 something failed, try again; 64 settings.
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

: "${SIGNATURE_SOURCE:=https://database.clamav.net}"
official='^(main|daily|bytecode)\.cvd$'
# freshclam's memory: who it is to ClamAV's network, and until when it was asked to stay away.
memory=freshclam.dat

check_job() {
  check_settings
  [[ $SIGNATURE_SOURCE =~ ^https?://[^[:cntrl:][:space:]\"\\#]+[^/]$ ]] ||
    problem SIGNATURE_SOURCE 'must be https://host or http://host, without a slash at its end'
  [[ $SIGNATURE_MIRROR == gs://* ]] || problem SIGNATURE_MIRROR 'must be gs://bucket/prefix'
  [[ $problems == 0 ]]
}

# The mirror's own files, each checked as the sidecar checks it: a broken one is left out, and so replaced.
take_private_copy() {
  local name
  for name in $SIGNATURE_FILES $memory; do
    look_up "$name" || return
  done
  update
  for name in $SIGNATURE_FILES; do
    [[ -e $DATABASE_DIRECTORY/$name && -n ${modified[$name]:-} ]] || continue
    # freshclam asks for what has changed since.
    touch -d "@${modified[$name]}" -- "$DATABASE_DIRECTORY/$name"
  done
  [[ ${generation[$memory]} == 0 ]] || fetch_memory
}

fetch_memory() {
  staged=$RUN_DIRECTORY/staging/$memory
  fetch_object "$memory" && [[ -e $staged ]] && mv -f -- "$staged" "$DATABASE_DIRECTORY/$memory"
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

# Only what is not what the mirror gave.
put_what_is_new() {
  local name
  published=
  for name in $SIGNATURE_FILES $memory; do
    [[ -s $DATABASE_DIRECTORY/$name ]] || continue
    [[ $(sha256_of "$name") != "${before[$name]:-}" ]] || continue
    publish "$name" || { failure+="${failure:+; }$name cannot be put into the mirror: $said"; continue; }
    [[ $name == "$memory" ]] || published+=" $name"
  done
}

database=
cooling=
declare -A generation modified before
check_job || exit 64
rm -f -- "$RUN_DIRECTORY"/settled "$DATABASE_DIRECTORY/$memory"
take_private_copy || { report ERROR "the mirror cannot be read: $said"; exit 1; }
for name in $SIGNATURE_FILES $memory; do
  [[ ! -e $DATABASE_DIRECTORY/$name ]] || before[$name]=$(sha256_of "$name")
done
configure >"$RUN_DIRECTORY/mirror-job.conf" || { report ERROR 'mirror-job.conf cannot be written'; exit 1; }
asked_at=$(date +%s)
ask_source
# Before the databases: a sidecar that reads one then finds its signature.
put_signatures
put_what_is_new
identify_database
[[ -z $published ]] || report INFO "new in the mirror:$published"
if [[ -n $failure ]]; then
  report ERROR "the mirror could not be brought up to date: $failure"
  exit 1
fi
if [[ -n $cooling ]]; then
  report WARNING "ClamAV's network asks to wait: $cooling"
elif [[ -z $published ]]; then
  report INFO 'the mirror has what there is'
fi
