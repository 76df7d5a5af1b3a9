# shellcheck shell=bash
# Tries new signatures before the sidecars get them: clamd, configured as it is there, loads them with our own rules and scans
# trial/. New signatures that fail are held: docs/signatures.md.

# The state in the mirror: `held SECONDS`, since when signatures are held, and `refused NAME-VERSION SHA256`, a version that was
# rolled back.
trial_state=trial.dat
# Official signatures are one set: they are tried together, and promoted together or not at all.
set_id() {
  local name
  for name in $SIGNATURE_FILES; do
    [[ ! -s $DATABASE_DIRECTORY/$name ]] || printf '%s %s\n' "$name" "$(sha256_of "$name")"
  done | sha256sum | cut -c1-12
}

has_changed() {
  local name
  for name in $SIGNATURE_FILES; do
    [[ ! -s $DATABASE_DIRECTORY/$name || $(sha256_of "$name") == "${before[$name]:-}" ]] || return 0
  done
  return 1
}

# may_be_promoted: whether the new signatures pass, or somebody has decided so. Otherwise reports why they are held.
may_be_promoted() {
  local id since severity=ERROR message='new signatures are held'
  id=$(set_id)
  if try_signatures; then
    report INFO "new signatures pass their trial: $measured"
  elif [[ $SIGNATURE_OVERRIDE == "$id" ]]; then
    report WARNING "new signatures are promoted by SIGNATURE_OVERRIDE, although $reason"
  else
    since=$(recall_since)
    if ((asked_at - since >= TRIAL_MAX_HOLD_HOURS * 3600)); then
      severity=CRITICAL
      message='new signatures are held for too long and need a decision'
    fi
    remember "held $since"
    report "$severity" "$message: $reason (set $id, since $(date -u -d "@$since" +%Y-%m-%dT%H:%M:%SZ))"
    return 1
  fi
}

# try_signatures: sets `measured`, or `reason` to what is wrong.
try_signatures() {
  local folder=$RUN_DIRECTORY/trial clamd status=1
  reason=
  measured=
  is_any_refused && return 1
  rm -rf -- "$folder"
  unpack_trial "$folder" || { reason='the trial corpus cannot be unpacked'; return 1; }
  if ! provide_rules || ! render_clamd_conf >"$folder/clamd.conf"; then
    reason='the trial cannot be set up'
    return 1
  fi
  clamd --config-file="$folder/clamd.conf" >"$folder/log" 2>&1 &
  clamd=$!
  wait_for_load && scan_trial && is_small_enough && status=0
  # It may not listen to a milder signal while it loads.
  kill -KILL "$clamd" 2>/dev/null
  wait "$clamd" 2>/dev/null
  find "$TEMPORARY_DIRECTORY/" -mindepth 1 -delete
  rm -rf -- "$folder"
  # The message has to keep its beginning, by which alerts know it.
  reason=${reason:0:300}
  return $status
}

is_any_refused() {
  local name
  for name in $SIGNATURE_FILES; do
    [[ -s $DATABASE_DIRECTORY/$name ]] || continue
    is_refused "$name" || continue
    reason="$(name_version "$name") was rolled back"
    return
  done
  return 1
}

is_refused() { grep -q "^refused [^ ]* $(sha256_of "$1")\$" "$DATABASE_DIRECTORY/$trial_state" 2>/dev/null; }

# The files are kept in a form in which no antivirus finds the canaries: test/infra/clamav/trial-corpus.test.ts makes them.
unpack_trial() {
  local kind
  for kind in clean malware; do
    mkdir -p -- "$1/$kind" &&
      tr 'A-Za-z' 'N-ZA-Mn-za-m' <"$here/trial/$kind.rot13" | base64 -d | tar -xz --no-same-owner -C "$1/$kind" || return
  done
}

wait_for_load() {
  local began now answer=
  began=$(milliseconds)
  until [[ $answer == PONG ]]; do
    kill -0 "$clamd" 2>/dev/null || { reason="clamd ends: $(tail -n 3 "$folder/log" | tr '\n' ' ')"; return 1; }
    sleep 0.1
    answer=$(clamd_says PING 5)
    now=$(milliseconds)
    if ((now - began > TRIAL_LOAD_SECONDS * 1000)); then
      reason="they take longer than $TRIAL_LOAD_SECONDS s to load"
      return 1
    fi
  done
  measured="loaded in $((now - began)) ms"
}

milliseconds() { date +%s%3N; }

scan_trial() {
  local file answer found missed=
  for file in "$folder"/malware/*; do
    answer=$(clamd_says "SCAN $file" 120)
    # A heuristic says that something is odd, not what it is.
    [[ $answer == *' FOUND' && $answer != *': Heuristics.'* ]] || missed+=" ${file##*/}"
  done
  [[ -z $missed ]] || reason="they miss malware in:$missed"
  for file in "$folder"/clean/*; do
    answer=$(clamd_says "SCAN $file" 120)
    [[ $answer == *': OK' ]] || { found=${answer##*: }; reason+="${reason:+; }they find ${found:-no end} in ${file##*/}, which is clean"; }
  done
  [[ -z $reason ]]
}

is_small_enough() {
  local kib
  kib=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB$/\1/p' "/proc/$clamd/status" 2>/dev/null)
  [[ -n $kib ]] || { reason='their memory cannot be measured'; return 1; }
  measured+=", $((kib * 1024)) bytes of memory"
  ((kib * 1024 <= TRIAL_MEMORY_BYTES)) || { reason="they take $((kib * 1024)) bytes of memory, more than $TRIAL_MEMORY_BYTES"; return 1; }
}

recall_since() {
  local since
  since=$(sed -n 's/^held \([0-9]\{1,12\}\)$/\1/p' "$DATABASE_DIRECTORY/$trial_state" 2>/dev/null | head -n 1)
  printf '%s' "${since:-$asked_at}"
}

# remember LINE: what was refused stays, and the line replaces its like. An empty one ends the hold.
remember() {
  local file=$DATABASE_DIRECTORY/$trial_state
  {
    [[ $1 != refused* ]] || grep '^held ' "$file"
    grep '^refused ' "$file" | tail -n 99
    [[ -z $1 ]] || printf '%s\n' "$1"
  } >"$file.new" 2>/dev/null
  if [[ ! -e $file && ! -s $file.new ]] || cmp -s -- "$file.new" "$file"; then
    rm -f -- "$file.new"
  else
    mv -f -- "$file.new" "$file" && publish "$trial_state" || failure+="${failure:+; }$trial_state cannot be put into the mirror: $said"
  fi
}

# roll_back NAME-VERSION: puts what the mirror had before into the mirror again, and refuses this version from now on.
# May be repeated: what was refused is not in the mirror any more.
roll_back() {
  local name
  for name in $SIGNATURE_FILES; do
    [[ -s $DATABASE_DIRECTORY/$name && $(name_version "$name") == "$1" ]] || continue
    roll_back_file "$name" "$1"
    return
  done
  said="the mirror has $database"
  grep -q "^refused $1 " "$DATABASE_DIRECTORY/$trial_state" 2>/dev/null
}

roll_back_file() {
  local refused
  refused="refused $2 $(sha256_of "$1")"
  staged=$RUN_DIRECTORY/staging/$1
  fetch_object "$1.previous" && [[ -e $staged ]] || { said="there is no $1.previous: $said"; return 1; }
  install_checked "$1" || { said="$1.previous is refused: $said"; return 1; }
  [[ "refused $2 $(sha256_of "$1")" != "$refused" ]] || { said="$1.previous is the same"; return 1; }
  failure=
  conflict=
  remember "$refused"
  [[ -z $failure && -z $conflict ]] || { said=${failure:-$said}; return 1; }
  publish "$1" && [[ -z $conflict ]]
}

name_version() { printf '%s-%s' "${1%.*}" "$(version_of "$DATABASE_DIRECTORY/$1")"; }
