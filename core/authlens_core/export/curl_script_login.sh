say '5 A verifier and its challenge (RFC 7636), and a state'
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
challenge=-
while [[ $challenge != [A-Za-z0-9]* ]]; do # Cloudflare misreads one that begins with - or _
  verifier=$(openssl rand 32 | base64url)
  challenge=$(printf '%s' "$verifier" | openssl dgst -sha256 -binary | base64url)
done
state=$(openssl rand 32 | base64url)

link=$authorization_endpoint
[[ $link == *\?* ]] && link+='&' || link+='?'
link+="client_id=$(encoded "$client_id")&state=$state&code_challenge=$challenge"
for ((i = 0; i < ${#parameters[@]}; i += 2)); do
  link+="&$(encoded "${parameters[i]}")=$(encoded "${parameters[i + 1]}")"
done
say '6 Open this link and sign in. The browser ends at a page that need not load: copy its URL.'
say "$link"
ask back 'Paste the URL, it is not shown'
[[ $(parameter state "$back") == "$state" ]] ||
  stop 'The state is not the one sent: this answer belongs to another login.'
code=$(parameter code "$back")
[[ -n $code ]] ||
  stop "There is no code in it; the error is: $(parameter error "$back" | tr -cd '[:alnum:]_.-')"
came_from=$(parameter iss "$back")
[[ -z $came_from || $came_from == "$issuer" ]] || stop 'The answer comes from another server (RFC 9207).'

client_secret=
[[ $auth_method == none ]] || ask client_secret 'The client secret'

say '7 The code is exchanged for a token'
answer=$({
  option url "$token_endpoint"
  option header 'Accept: application/json'
  option data-raw "grant_type=authorization_code"
  option data-raw "code=$(encoded "$code")"
  option data-raw "redirect_uri=$(encoded "$redirect_uri")"
  option data-raw "code_verifier=$(encoded "$verifier")"
  [[ -z $resource ]] || option data-raw "resource=$(encoded "$resource")"
  case $auth_method in
    client_secret_basic) option user "$(encoded "$client_id"):$(encoded "$client_secret")" ;;
    client_secret_post)
      option data-raw "client_id=$(encoded "$client_id")"
      option data-raw "client_secret=$(encoded "$client_secret")"
      ;;
    *) option data-raw "client_id=$(encoded "$client_id")" ;;
  esac
} | send)
say "  answered ${answer##*$'\n'}"
access_token=$(member access_token "$answer") ||
  stop "No token; error: $(member error "$answer" | tr -cd '[:alnum:]_.-')"
