# shellcheck shell=bash
# Puts files into the mirror by Cloud Storage's JSON API. An object is there as a whole or not at all; the precondition on
# its generation keeps a slower job from replacing what a faster one has put there meanwhile.

# look_up NAME: sets generation[NAME] (0: there is none) and modified[NAME]: when
# the source was last asked for it, in seconds since 1970, if that is known.
look_up() {
  local answer status token
  locate "$1" && authorize || return
  answer=$(curl -sS --max-time 60 -H @- -w '\n%{http_code}' \
    "$endpoint/storage/v1/b/$bucket/o/$object?fields=generation,metadata" 2>&1 <<<"$authorization") ||
    { said=$answer; return 1; }
  status=${answer##*$'\n'}
  case $status in
    200) generation[$1]=$(field generation "$answer") modified[$1]=$(field modified "$answer") ;;
    404) generation[$1]=0 modified[$1]= ;;
    *) said="$1: status $status"; return 1 ;;
  esac
  [[ ${generation[$1]} =~ ^[0-9]+$ ]] || { said="$1: no generation"; return 1; }
}

# publish NAME: a resumable upload, since that one takes the MD5 by which Cloud Storage refuses what arrives damaged. A file that
# was published meanwhile stays, which is no failure: they had it from where we have it.
publish() {
  local file=$DATABASE_DIRECTORY/$1 session status md5
  locate "$1" && authorize || return
  md5=$(printf '%b' "$(md5sum <"$file" | cut -c1-32 | sed 's/../\\x&/g')" | base64)
  status=$(curl -sS --max-time 60 -X POST -H @- -H 'Content-Type: application/json' -o "$RUN_DIRECTORY/answer" \
    -D "$RUN_DIRECTORY/headers" -w '%{http_code}' \
    --data "{\"md5Hash\":\"$md5\",\"metadata\":{\"modified\":\"$asked_at\"}}" \
    "$endpoint/upload/storage/v1/b/$bucket/o?uploadType=resumable&name=$object&ifGenerationMatch=${generation[$1]}" \
    2>"$RUN_DIRECTORY/curl.log" <<<"$authorization") || { said=$(tail -n 1 "$RUN_DIRECTORY/curl.log"); return 1; }
  if [[ $status == 200 ]]; then
    # The session's address is a key: by a file, as the token is.
    session=$(tr -d '\r' <"$RUN_DIRECTORY/headers" | sed -n 's/^[Ll]ocation: *//p')
    printf 'url = "%s"\n' "$session" >"$RUN_DIRECTORY/session"
    status=$(curl -sS --max-time 900 -T "$file" -K "$RUN_DIRECTORY/session" -o "$RUN_DIRECTORY/answer" -w '%{http_code}' \
      2>"$RUN_DIRECTORY/curl.log") || { said=$(tail -n 1 "$RUN_DIRECTORY/curl.log"); status=000; }
  fi
  rm -f -- "$RUN_DIRECTORY"/{headers,session,answer}
  case $status in
    200 | 201) ;;
    412)
      # shellcheck disable=SC2034 # of trial.sh
      conflict=yes
      said="$1 was put into the mirror by somebody else"
      report INFO "$said"
      ;;
    000) return 1 ;;
    *) said="status $status"; return 1 ;;
  esac
}

# From ClamAV 1.5 on, freshclam brings the detached signature of each database; the name has its version, so that what the
# mirror has stays.
put_signatures() {
  local file name
  for file in "$DATABASE_DIRECTORY"/*.cvd.sign; do
    name=${file##*/}
    [[ -s $file && $name =~ ^(main|daily|bytecode)-[0-9]{1,9}\.cvd\.sign$ ]] || continue
    look_up "$name" && { [[ ${generation[$name]} != 0 ]] || publish "$name"; } ||
      failure+="${failure:+; }$name cannot be put into the mirror: $said"
  done
}

# locate NAME: sets `endpoint`, `bucket` and `object`, the last as part of a URL.
locate() {
  local path=${SIGNATURE_MIRROR#gs://}
  path=${path%/}
  endpoint=${STORAGE_EMULATOR_HOST:-https://storage.googleapis.com}
  bucket=${path%%/*}
  object=${path#"$bucket"}/$1
  object=${object#/}
  object=${object//\//%2F}
}

authorize() {
  local answer
  answer=$(access_token) || { said="no token: $answer"; return 1; }
  authorization="Authorization: Bearer $answer"
}

# field NAME JSON: a string of a flat answer.
field() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" <<<"$2" | head -n 1; }

sha256_of() { sha256sum <"$DATABASE_DIRECTORY/$1" | cut -c1-64; }
