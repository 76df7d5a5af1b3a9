# shellcheck shell=bash
# Puts our own rules into DATABASE_DIRECTORY: what clamd would call clean without having looked into it.

provide_rules() {
  local name
  # Those of an earlier version, where the directory outlives it.
  rm -f -- "$DATABASE_DIRECTORY"/unscannable.ndb
  for name in unscannable.ldb unscannable.cfg; do
    cp -f -- "$here/$name" "$DATABASE_DIRECTORY/" || return
  done
  provide_types
}

# Any file of types replaces the table that is built into libclamav, which is for where no daily database brings its own.
# There, that table is taken from the library itself, so that it is the one of the version that runs.
provide_types() {
  local file=$DATABASE_DIRECTORY/unscannable.ftm
  {
    has_daily || built_in_types || return
    cat -- "$here/unscannable.ftm"
  } >"$file.new" || return
  # Another time of the file would have clamd reload.
  cmp -s -- "$file.new" "$file" || { mv -f -- "$file.new" "$file" && return; }
  rm -f -- "$file.new"
}

has_daily() { [[ -s $DATABASE_DIRECTORY/daily.cvd || -s $DATABASE_DIRECTORY/daily.cld ]]; }

# The table stands in the library as it would in a file, a line of it in each string. Other sections are left out.
built_in_types() {
  local program table
  program=$(command -v clamd) || return
  table=$(ldd "$program" | grep -o '/[^ ]*libclamav[^ ]*' | xargs grep -hazE "$type_line" -- "$program" |
    tr '\0' '\n' | grep -v ':CL_TYPE_IGNORED')
  # 1.4 has 256 of them, later versions more.
  (($(wc -l <<<"$table") >= 200)) && printf '%s\n' "$table"
}

type_line='^[014]:[^:]+:[^:]+:[^:]*:CL_TYPE_[A-Z0-9_]+:CL_TYPE_[A-Z0-9_]+(:[0-9]*){0,2}$'
