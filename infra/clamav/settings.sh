# shellcheck shell=bash
# The environment of the sidecar, checked, and the configuration files made of it. See docs/signatures.md.

: "${CLAMD_ADDRESS:=127.0.0.1}"
: "${CLAMD_PORT:=3310}"
: "${DATABASE_DIRECTORY:=/var/lib/clamav}"
: "${TEMPORARY_DIRECTORY:=/tmp/clamd}"
: "${RUN_DIRECTORY:=/run/clamav}"
: "${MAX_SCAN_BYTES:=1073741824}"
: "${MAX_THREADS:=1}"
: "${SIGNATURE_MIRROR:=}"
: "${SIGNATURE_FILES:=main.cvd daily.cvd bytecode.cvd}"
: "${REFRESH_SECONDS:=3600}"

# Databases that clamd loads. Of these, only .cvd is signed.
signature_name='^[A-Za-z0-9][A-Za-z0-9_-]*\.(c[vl]d|cbc|[hmn]d[bu]|[hm]s[bu]|ld[bu]|cdb|idb|imp|crb|pdb|wdb|yara?|s?fp|ign2?)$'

# Each problem in one line that names the variable; all of them, not just the first.
check_settings() {
  problems=0
  [[ $CLAMD_ADDRESS =~ ^[0-9a-fA-F.:]+$ ]] || problem CLAMD_ADDRESS 'must be an IP address'
  whole CLAMD_PORT 1 65535
  whole MAX_SCAN_BYTES 1 1099511627776
  whole MAX_THREADS 1 64
  whole REFRESH_SECONDS 1 604800
  directory DATABASE_DIRECTORY
  directory TEMPORARY_DIRECTORY
  directory RUN_DIRECTORY
  own_temporary_directory
  [[ $SIGNATURE_MIRROR =~ ^(|https?://[^[:cntrl:][:space:]\"\\]+|file:///[^[:cntrl:]\"\\]+|gs://[a-z0-9][a-z0-9._-]*(/[A-Za-z0-9._-]+)*/?)$ ]] ||
    problem SIGNATURE_MIRROR 'must be https://…, http://…, gs://bucket/prefix or file:///directory'
  local name
  for name in $SIGNATURE_FILES; do
    [[ $name =~ $signature_name ]] ||
      problem SIGNATURE_FILES "must be names of signature files, which $name is not"
    [[ $name != unscannable.* ]] || problem SIGNATURE_FILES 'must not name unscannable.*, which comes with the image'
  done
  [[ $problems == 0 ]]
}

problem() {
  problems=$((problems + 1))
  report ERROR "$1 $2"
}

whole() {
  local value=${!1}
  if ! [[ $value =~ ^(0|[1-9][0-9]{0,14})$ ]] || ((value < $2 || value > $3)); then
    problem "$1" "must be a whole number from $2 to $3"
  fi
}

directory() {
  # clamd cuts a value at a quotation mark, a # or a space at its end.
  if ! [[ ${!1} =~ ^/[^[:cntrl:]\"\\#]*[^[:cntrl:]\"\\#\ ]$ ]]; then
    problem "$1" 'must be an absolute path without quotation marks, # or a space at its end'
  elif ! mkdir -p -- "${!1}" 2>/dev/null || ! [[ -w ${!1} ]]; then
    problem "$1" 'must be a directory that can be written to'
  fi
}

# It is emptied at every start.
own_temporary_directory() {
  local own other
  own=$(realpath -m -- "$TEMPORARY_DIRECTORY")
  own=${own%/}
  for other in "$DATABASE_DIRECTORY" "$RUN_DIRECTORY" "$here" /tmp /var /home; do
    [[ $(realpath -m -- "$other")/ != "$own"/* ]] ||
      problem TEMPORARY_DIRECTORY "must be clamd's own: it is emptied, and $other is in it"
  done
}

# As `sizesFor` in shared/scanning/sizes.ts; a test holds the two together. libclamav scans no file above 2147483645
# bytes, and the largest part of an archive needs 1 MiB above all that is unpacked.
derive_sizes() {
  local most=$((2147483645 - 1048576))
  max_unpacked=$((2 * MAX_SCAN_BYTES < most ? 2 * MAX_SCAN_BYTES : most))
  max_stream=$((MAX_SCAN_BYTES < max_unpacked ? MAX_SCAN_BYTES : max_unpacked))
  max_member=$((max_unpacked + 1048576))
}

# Whether the installed ClamAV is 1.5 or newer: its cache is keyed by SHA-256, and signatures of databases are separate files.
is_1_5() {
  [[ $(clamd --version --config-file=/dev/null 2>/dev/null) =~ ^ClamAV\ ([0-9]{1,4})\.([0-9]{1,4}) ]] &&
    ((BASH_REMATCH[1] > 1 || (BASH_REMATCH[1] == 1 && BASH_REMATCH[2] >= 5)))
}

# render TEMPLATE NAME=value...: the template with each ${NAME} replaced; fails if any is left.
render() {
  local text pair
  text=$(grep -v '^#' "$1") || return
  shift
  for pair in "$@"; do
    text=${text//"\${${pair%%=*}}"/"${pair#*=}"}
  done
  [[ $text != *"\${"* ]] || return
  printf '%s\n' "$text"
}

# In the template, MAX_SCAN_BYTES is what clamd's option of that name is: all that is unpacked of one file.
render_clamd_conf() {
  local disable_cache=yes
  ! is_1_5 || disable_cache=no
  derive_sizes
  render "$here/clamd.conf" \
    "CLAMD_ADDRESS=$CLAMD_ADDRESS" "CLAMD_PORT=$CLAMD_PORT" "MAX_THREADS=$MAX_THREADS" \
    "DATABASE_DIRECTORY=$DATABASE_DIRECTORY" "TEMPORARY_DIRECTORY=$TEMPORARY_DIRECTORY" \
    "MAX_STREAM_BYTES=$max_stream" "MAX_SCAN_BYTES=$max_unpacked" "MAX_MEMBER_BYTES=$max_member" \
    "DISABLE_CACHE=$disable_cache"
}
