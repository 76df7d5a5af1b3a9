# shellcheck shell=bash
# Speaks to clamd.

# clamd_says COMMAND SECONDS: its answer, or nothing where it has none in time. In a subshell: a connection that breaks ends that.
clamd_says() (
  exec {connection}<>"/dev/tcp/$CLAMD_ADDRESS/$CLAMD_PORT" || exit
  printf 'z%s\0' "$1" >&"$connection"
  IFS= read -r -d '' -t "$2" answer <&"$connection"
  printf '%s' "$answer"
) 2>/dev/null
