# shellcheck shell=bash
# Brings signature files from the mirror: fetch to a staging directory, check, move into place.
#
# The check is freshclam's, see freshclam.conf. Fetching is curl's, since one way has to do for https, for a private
# bucket (gs://, with the token of the metadata server) and for a mounted directory (file://).

# update: 0 if something is new, 1 if nothing is, 2 if something could not be had; then `failure` says what. Each available
# database is taken, and named in `installed`: a daily database does not wait for a main one.
update() {
  local name
  failure=
  installed=
  rm -rf -- "$DATABASE_DIRECTORY"/tmp.* "$RUN_DIRECTORY/staging"
  mkdir -p -- "$RUN_DIRECTORY/staging" "$RUN_DIRECTORY/etags"
  for name in $SIGNATURE_FILES; do
    staged=$RUN_DIRECTORY/staging/$name
    if ! fetch "$name"; then
      failure+="${failure:+; }$name cannot be fetched: $said"
    elif [[ -e $staged ]]; then
      [[ $name != *.cvd ]] || ! is_1_5 || fetch_signature "$name"
      if install_checked "$name"; then installed+=" $name"; else failure+="${failure:+; }$name is refused: $said"; fi
      rm -f -- "$staged"
    fi
  done
  [[ -z $failure ]] || return 2
  [[ -n $installed ]]
}

# fetch NAME: 0 with `staged` if it is new, 0 without if it is as it was. Otherwise `said` says why.
fetch() {
  # Without the file, what is known of its version is void.
  [[ -s $DATABASE_DIRECTORY/$1 ]] || rm -f -- "$RUN_DIRECTORY/etags/$1"
  case $SIGNATURE_MIRROR in
    gs://*) fetch_object "$1" ;;
    file://*) fetch_file "${SIGNATURE_MIRROR#file://}/$1" "$1" ;;
    *) download "${SIGNATURE_MIRROR%/}/$1" "$1" </dev/null ;;
  esac
}

# The detached signature of a staged database, NAME-VERSION.cvd.sign, which ClamAV 1.5 looks for beside it. Older databases have
# none: clamd then goes by the signature inside.
fetch_signature() {
  local database=$staged name version staged=$RUN_DIRECTORY/staging/signature
  version=$(head -c 512 -- "$database" | tr -d '\0' | cut -d: -f3)
  [[ $version =~ ^[0-9]{1,9}$ ]] || return 0
  name=${1%.cvd}-$version.cvd.sign
  fetch "$name" || return 0
  [[ -s $staged ]] || return 0
  rm -f -- "$DATABASE_DIRECTORY/${1%.cvd}"-*.cvd.sign
  mv -f -- "$staged" "$DATABASE_DIRECTORY/$name"
}

# Size and time stand for the version: no need to read 200 MB from a mounted bucket each hour.
fetch_file() {
  local etag
  etag=$(stat -L -c '%s %Y' -- "$1" 2>&1) || { said='no such file'; return 1; }
  [[ $etag != "$(cat -- "$RUN_DIRECTORY/etags/$2" 2>/dev/null)" ]] || return 0
  said=$(cp -- "$1" "$staged" 2>&1) || return
  printf '%s\n' "$etag" >"$RUN_DIRECTORY/etags/$2.new"
}

# The token of the metadata server, or why there is none.
access_token() {
  local answer
  answer=$(curl -sS --fail --max-time 10 -H 'Metadata-Flavor: Google' \
    "http://${GCE_METADATA_HOST:-metadata.google.internal}/computeMetadata/v1/instance/service-accounts/default/token" 2>&1) ||
    { printf '%s' "$answer"; return 1; }
  sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p' <<<"$answer"
}

# Cloud Storage's JSON API. The token goes by standard input: a command line can be read by others.
fetch_object() {
  local path=${SIGNATURE_MIRROR#gs://} bucket object token
  path=${path%/}
  bucket=${path%%/*}
  object=${path#"$bucket"}/$1
  object=${object#/}
  token=$(access_token) || { said="no token: $token"; return 1; }
  download "${STORAGE_EMULATOR_HOST:-https://storage.googleapis.com}/storage/v1/b/$bucket/o/${object//\//%2F}?alt=media" "$1" \
    <<<"Authorization: Bearer $token"
}

# download URL NAME, with headers from standard input. The largest file is about 200 MB.
download() {
  local etag=$RUN_DIRECTORY/etags/$2 status
  : >"$etag.new"
  [[ -e $etag ]] || : >"$etag"
  status=$(curl -sS --fail --proto '=https,http' -H @- -o "$staged" -w '%{http_code}' \
    --connect-timeout 10 --speed-limit 1000 --speed-time 30 --max-time 600 \
    --etag-compare "$etag" --etag-save "$etag.new" "$1" 2>"$RUN_DIRECTORY/curl.log") ||
    { said=$(tail -n 1 "$RUN_DIRECTORY/curl.log"); rm -f -- "$staged"; return 1; }
  [[ $status == 200 ]] || { rm -f -- "$staged"; [[ $status == 304 ]] || { said="status $status"; return 1; }; }
}

# install_checked NAME: loads the staged file as a test, and moves it into place if that went well.
install_checked() {
  local conf=$RUN_DIRECTORY/freshclam.conf
  {
    render "$here/freshclam.conf" "DATABASE_DIRECTORY=$DATABASE_DIRECTORY" "SIGNATURE_FILE=$staged"
    # As root it would change to its own user, to whom nothing here belongs.
    [[ $(id -u) != 0 ]] || echo 'DatabaseOwner root'
  } >"$conf"
  # It takes a file only if that is not older than the one it has.
  touch -- "$staged"
  said=$(freshclam --config-file="$conf" --update-db=custom --stdout 2>&1) ||
    { said=$(grep -v '^\s*$' <<<"$said" | tail -n 3 | tr '\n' ' '); return 1; }
  [[ ! -e $RUN_DIRECTORY/etags/$1.new ]] || mv -f -- "$RUN_DIRECTORY/etags/$1.new" "$RUN_DIRECTORY/etags/$1"
}
