#!/bin/sh
# Sign and send one order. Needs curl and openssl, nothing else.
#
#   export KAMENG_URL=https://localhost:8443 KAMENG_KEY=ak_test_… KAMENG_SECRET=ks_…
#   sh sign_and_order.sh 100123 1
#   sh sign_and_order.sh 100077 1 '{"phone": "13800138000"}'
#
# KAMENG_REF            your own order number (client_ref). The same one again never orders twice.
# KAMENG_CA             file with the certificate to trust, for a self-signed server
# KAMENG_INSECURE_TLS   1: trust any certificate. For a first try on your own machine only.
#
# openssl takes the secret as an argument, which other users of this machine can see while it runs: on a shared
# machine use sign_and_order.py.
set -eu

[ $# -ge 1 ] && [ $# -le 3 ] || { echo "usage: sign_and_order.sh SKU [QUANTITY [ACCOUNT_JSON]]" >&2; exit 2; }
path=/api/v1/orders
ref=${KAMENG_REF:-demo-$(openssl rand -hex 8)}

body="{\"client_ref\": \"$ref\", \"sku\": \"$1\", \"quantity\": ${2:-1}${3:+, \"account\": $3}}"

ts=$(date +%s)
nonce=$(openssl rand -hex 16)
digest=$(printf %s "$body" | openssl dgst -sha256 -r | cut -c 1-64)
signature=$(printf '%s\n%s\n%s\n%s\n%s\n%s' POST "$path" "" "$ts" "$nonce" "$digest" |
  openssl dgst -sha256 -hmac "$KAMENG_SECRET" -r | cut -c 1-64)

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
if [ "${KAMENG_INSECURE_TLS:-}" = 1 ]; then
  echo "warning: the server's certificate is not checked" >&2
  set -- --insecure
elif [ -n "${KAMENG_CA:-}" ]; then
  set -- --cacert "$KAMENG_CA"
else
  set --
fi
status=$(printf %s "$body" | curl --silent --show-error --max-time 30 "$@" \
  --output "$answer" --write-out '%{http_code}' \
  --header 'Content-Type: application/json' \
  --header "Authorization: KAMENG-HMAC-SHA256 key=$KAMENG_KEY,ts=$ts,nonce=$nonce,sig=$signature" \
  --data-binary @- "${KAMENG_URL%/}$path")
echo "$status"
cat "$answer"
echo
case $status in 2*) ;; *) exit 1 ;; esac
