# Needs bash 4.2, curl and openssl. No secret is in here: it asks for what it needs.
# Secrets go to curl through a pipe, never as an argument, and messages go to standard error.
set -euo pipefail
set +x # a trace of the script would print what it asks for
umask 077

say() { printf '%s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

# ask NAME WORDS: read one line into the variable NAME, unseen.
ask() {
  printf '%s: ' "$2" >&2
  IFS= read -rs "$1" || [[ -n ${!1} ]] || stop 'Nothing was given.'
  printf '\n' >&2
}

# option NAME VALUE: one line of a curl configuration; the value cannot end it.
option() {
  local value=$2 backslash='\' quote='"'
  value=${value//"$backslash"/"$backslash$backslash"}
  value=${value//"$quote"/"$backslash$quote"}
  value=${value//$'\n'/"${backslash}n"}
  value=${value//$'\r'/"${backslash}r"}
  printf '%s = "%s"\n' "$1" "$value"
}

# encoded VALUE: percent-encoded, byte by byte (RFC 3986 §2.1).
encoded() {
  local LC_ALL=C text=$1 i c
  for ((i = 0; i < ${#text}; i++)); do
    c=${text:i:1}
    case $c in
      [A-Za-z0-9._~-]) printf '%s' "$c" ;;
      *) printf '%%%02X' "$(($(printf '%d' "'$c") & 255))" ;;
    esac
  done
}

# decoded VALUE: what a form-encoded value stands for.
decoded() {
  local text=${1//+/ } backslash='\'
  text=${text//"$backslash"/"$backslash$backslash"}
  printf '%b' "${text//%/"${backslash}x"}"
}

# parameter NAME URL: the value of a query parameter, or nothing.
parameter() {
  local query=${2#*\?} pair
  query=${query%%#*}
  local IFS='&'
  set -f
  for pair in $query; do
    if [[ ${pair%%=*} == "$1" ]]; then decoded "${pair#*=}"; break; fi
  done
  set +f
}

# member NAME JSON: a string member of the answer; tokens are printable ASCII without escapes (RFC 6749 §A).
member() {
  local pattern="\"$1\"[[:space:]]*:[[:space:]]*\"([^\"]+)\"" backslash='\'
  [[ $2 =~ $pattern ]] || return 1
  printf '%s' "${BASH_REMATCH[1]//"$backslash"\//\/}"
}

# send: one request, as the configuration on standard input says; the status in a last line.
# Redirects are not followed, and ~/.curlrc is not read.
send() {
  curl --disable --silent --show-error --globoff --path-as-is --proto '=http,https' --max-time 60 \
    --write-out '\n%{http_code}' --config -
}

# status: say the status of an answer. show: print the answer too, and fail where the status does.
status() { local answer; answer=$(tr -d '\0'); say "  answered ${answer##*$'\n'}"; }
show() {
  local answer code
  answer=$(tr -d '\0')
  code=${answer##*$'\n'}
  printf '%s\n' "${answer%$'\n'*}"
  say "  answered $code"
  [[ $code == [123]?? ]]
}
