# shellcheck shell=bash
# What the sidecar says: a line in the log at each change, and a file with how things stand.

# report SEVERITY MESSAGE: one line as Cloud Logging reads it.
report() {
  printf '{"severity":"%s","message":"%s","component":"signatures","database":"%s","time":"%s"}\n' \
    "$1" "$(json_text "$2")" "$(json_text "${database:-}")" "$(now)"
}

# settle STATE SEVERITY MESSAGE: keeps the state, and reports it if it is not what it was.
settle() {
  local file=$RUN_DIRECTORY/signatures.json
  if [[ "$1 $database" != "$(cat -- "$RUN_DIRECTORY/settled" 2>/dev/null)" ]]; then
    report "$2" "$3"
    printf '%s\n' "$1 $database" >"$RUN_DIRECTORY/settled"
  fi
  printf '{"state":"%s","message":"%s","database":"%s","checkedAt":"%s"}\n' \
    "$1" "$(json_text "$3")" "$(json_text "$database")" "$(now)" >"$file.new" && mv -f -- "$file.new" "$file"
}

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

# Text as the inside of a JSON string; of a long one its end, where the reason is.
json_text() {
  local text
  text=$(printf '%s' "$1" | LC_ALL=C tr -c '\040-\176' ' ' | tail -c 500)
  text=${text//\\/\\\\}
  printf '%s' "${text//\"/\\\"}"
}

# Sets `database`: official databases by their version, others by the start of their SHA-256.
identify_database() {
  local file name
  database=
  for file in "$DATABASE_DIRECTORY"/*; do
    name=${file##*/}
    is_signature_file "$file" || continue
    database+="${database:+, }${name%.c[vl]d} $(version_of "$file")"
  done
}

version_of() {
  case $1 in
    *.cvd | *.cld) head -c 512 -- "$1" | tr -d '\0' | cut -d: -f3 ;;
    *) sha256sum <"$1" | cut -c1-8 ;;
  esac
}

# Whether clamd would take it for signatures that find malware.
is_signature_file() {
  [[ -s $1 && ${1##*/} =~ $signature_name && ${1##*/} != unscannable.* ]]
}
